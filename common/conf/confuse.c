#include "compat.h"

#include <confuse.h>

#include "conf/parse.h"

/* libconfuse gives its error function no argument, and is no more able to
 * parse two files at a time itself. */
static struct conf_text *parsing;

static struct conf	*conf_build(struct conf_text *, conf_report *, void *);
static cfg_t		*conf_parse(struct conf_text *);
static cfg_opt_t	*conf_table(const struct conf_section *);
static void		 conf_table_value(cfg_opt_t *, const char *);
static void		 conf_table_free(cfg_opt_t *);
static int		 conf_parse_value(cfg_t *, cfg_opt_t *, const char *,
			    void *);
static void		 conf_parse_error(cfg_t *, const char *, va_list);

struct conf *
conf_load(const char *path, conf_report *report, void *arg)
{
	struct conf_text text;

	memset(&text, 0, sizeof(text));
	conf_scan_file(&text, path);
	return conf_build(&text, report, arg);
}

struct conf *
conf_load_text(const char *string, const char *name, conf_report *report,
    void *arg)
{
	struct conf_text text;

	memset(&text, 0, sizeof(text));
	conf_scan_string(&text, name, string);
	return conf_build(&text, report, arg);
}

static struct conf *
conf_build(struct conf_text *text, conf_report *report, void *arg)
{
	struct conf *conf = NULL;
	cfg_t *root;

	if (!text->nomem && text->buf != NULL &&
	    (root = conf_parse(text)) != NULL) {
		conf = conf_check((const struct cfg_t *)root, text);
		cfg_free(root);
	}
	if (conf_text_report(text, report, arg) > 0)
		conf_free(&conf);
	conf_text_free(text);
	return conf;
}

static cfg_t *
conf_parse(struct conf_text *text)
{
	cfg_opt_t *table;
	cfg_t *root = NULL;

	if ((table = conf_table(&conf_spec_root)) != NULL)
		root = cfg_init(table, CFGF_NONE);
	conf_table_free(table);
	if (root == NULL) {
		text->nomem = true;
		return NULL;
	}
	cfg_set_error_function(root, conf_parse_error);
	parsing = text;
	if (cfg_parse_buf(root, text->buf) != CFG_SUCCESS) {
		text->cut = true;
		if (text->nmistakes == 0)
			text->nomem = true;
	}
	parsing = NULL;
	return root;
}

/* Every option is a conf_value, every section may come often: what is wrong
 * with either is not for libconfuse to say. */
static cfg_opt_t *
conf_table(const struct conf_section *section)
{
	cfg_opt_t *table;
	size_t i, n = 0;

	while (section->opts[n].name != NULL)
		n++;
	if ((table = calloc(n + 3, sizeof(*table))) == NULL)
		return NULL;
	conf_table_value(&table[n], CONF_LINE);
	conf_table_value(&table[n + 1], CONF_TITLE);
	for (i = 0; i < n; i++) {
		conf_table_value(&table[i], section->opts[i].name);
		if (conf_field_is_list(&section->opts[i]))
			table[i].flags |= CFGF_LIST;
		if (section->opts[i].type != CONF_SECTION)
			continue;
		table[i].type = CFGT_SEC;
		table[i].flags = CFGF_MULTI;
		table[i].subopts = conf_table(section->opts[i].section);
		if (table[i].subopts == NULL) {
			conf_table_free(table);
			return NULL;
		}
	}
	return table;
}

static void
conf_table_value(cfg_opt_t *o, const char *name)
{
	o->name = name;
	o->type = CFGT_PTR;
	o->flags = CFGF_NODEFAULT;
	o->parsecb = conf_parse_value;
	o->freecb = free;
}

static void
conf_table_free(cfg_opt_t *table)
{
	cfg_opt_t *o;

	for (o = table; o != NULL && o->name != NULL; o++)
		conf_table_free(o->subopts);
	free(table);
}

static int
conf_parse_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct conf_value *v;
	size_t size = strlen(text) + 1;

	(void)opt;
	if ((v = malloc(sizeof(*v) + size)) == NULL) {
		parsing->nomem = true;
		return -1;
	}
	v->line = cfg->line;
	memcpy(v->text, text, size);
	*(struct conf_value **)result = v;
	return 0;
}

static void
conf_parse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	if (parsing != NULL)
		conf_text_vmistake(parsing, cfg->line, fmt, ap);
}

unsigned
conf_children(const struct cfg_t *sec, const char *name)
{
	return sec == NULL ? 0 : cfg_size((cfg_t *)sec, name);
}

const struct cfg_t *
conf_child(const struct cfg_t *sec, const char *name, unsigned i)
{
	if (i >= conf_children(sec, name))
		return NULL;
	return cfg_getnsec((cfg_t *)sec, name, i);
}

const struct conf_value *
conf_value(const struct cfg_t *sec, const char *name, unsigned i)
{
	if (i >= conf_children(sec, name))
		return NULL;
	return cfg_getnptr((cfg_t *)sec, name, i);
}

const char *
conf_title(const struct cfg_t *sec)
{
	const struct conf_value *v = conf_value(sec, CONF_TITLE, 0);

	return v == NULL ? NULL : v->text;
}

unsigned
conf_line(const struct cfg_t *sec)
{
	const struct conf_value *v = conf_value(sec, CONF_LINE, 0);

	return v == NULL ? 0 : v->line;
}

unsigned
conf_line_of(const struct cfg_t *sec, const char *name)
{
	const struct conf_value *v = conf_value(sec, name, 0);

	return v == NULL ? conf_line(sec) : v->line;
}
