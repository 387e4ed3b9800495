#include "compat.h"

#include <ctype.h>
#include <stdarg.h>

#include "convert/conv.h"

struct value {
	TAILQ_ENTRY(value)	 entry;
	const struct conf_opt	*opt;
	const char		*text;
};

static bool	 name_taken(const struct part *, const struct conf_section *,
		    const char *);
enum how { REPLACE, LAST, FIRST };

static bool	 put(struct conv *, struct part *, unsigned,
		    const char *, const char *, enum how);
static const char *wrong(const struct conf_opt *, const char *);
static const char *wrong_port(const char *);
static const char *wrong_rule(const struct conf_opt *, const char *);
static void	 print_part(FILE *, const struct part *, unsigned);
static void	 print_value(FILE *, const struct part *, const struct value *,
		    unsigned);
static bool	 is_first(const struct part *, const struct value *);
static bool	 is_bare(const struct conf_opt *);
static void	 print_line(FILE *, const char *);
static void	 indent(FILE *, unsigned);

int
conv_init(struct conv *c, const char *file, const char *text)
{
	const char *p = text;
	char *line;
	size_t len;

	memset(c, 0, sizeof(*c));
	if ((c->memory = conf_new()) == NULL)
		return -1;
	c->file = file;
	for (c->nlines = 1; (p = strchr(p, '\n')) != NULL; p++)
		c->nlines++;
	c->lines = conv_alloc(c, (c->nlines + 1) * sizeof(*c->lines));
	c->left = conv_alloc(c, (c->nlines + 1) * sizeof(*c->left));
	c->nlines = 0;
	for (p = text; *p != '\0'; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		line = conv_alloc(c, len + 1);
		memcpy(line, p, len);
		if (len > 0 && line[len - 1] == '\r')
			line[len - 1] = '\0';
		c->lines[++c->nlines] = line;
	}
	TAILQ_INIT(&c->root.parts);
	TAILQ_INIT(&c->root.values);
	c->root.spec = &conf_spec_root;
	return 0;
}

void
conv_free(struct conv *c)
{
	conf_free(&c->memory);
}

void *
conv_alloc(struct conv *c, size_t size)
{
	void *p = conf_alloc(c->memory, size);

	if (p == NULL) {
		fprintf(stderr, "spawnctl: not enough memory\n");
		exit(1);
	}
	return p;
}

char *
conv_text(struct conv *c, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = conv_alloc(c, (size_t)len + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

/* --- sections --- */

struct part *
conv_part(struct conv *c, struct part *in, const char *kind,
    const char *title)
{
	const struct conf_opt *o = conf_spec_find(in->spec, kind);
	struct part *p;

	if (title == NULL)
		TAILQ_FOREACH(p, &in->parts, entry)
			if (p->spec == o->section && !p->spec->untitled)
				return p;
	p = conv_apart(c, o->section);
	if (title != NULL)
		p->title = conv_title(c, in, o->section, title);
	TAILQ_INSERT_TAIL(&in->parts, p, entry);
	return p;
}

struct part *
conv_apart(struct conv *c, const struct conf_section *spec)
{
	struct part *p = conv_alloc(c, sizeof(*p));

	TAILQ_INIT(&p->parts);
	TAILQ_INIT(&p->values);
	p->spec = spec;
	return p;
}

/* What no title may have becomes "-". */
const char *
conv_title(struct conv *c, const struct part *in,
    const struct conf_section *spec, const char *title)
{
	char *name = conv_alloc(c, CONF_NAME), *p;
	unsigned n;
	size_t len;

	strlcpy(name, *title == '\0' ? "x" : title, CONF_NAME);
	for (p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("._-", *p) == NULL)
			*p = '-';
	len = MIN(strlen(name), CONF_NAME - 8);
	for (n = 2; name_taken(in, spec, name); n++)
		snprintf(name + len, CONF_NAME - len, "-%u", n % 100000);
	return name;
}

static bool
name_taken(const struct part *in, const struct conf_section *spec,
    const char *name)
{
	const struct part *p;

	TAILQ_FOREACH(p, &in->parts, entry)
		if (p->spec == spec && p->title != NULL &&
		    strcmp(p->title, name) == 0)
			return true;
	return false;
}

void
conv_drop(struct part *in, struct part *p)
{
	TAILQ_REMOVE(&in->parts, p, entry);
}

struct part *
conv_spawnd(struct conv *c)
{
	return conv_part(c, &c->root, "spawnd", NULL);
}

/* --- options --- */

bool
conv_has(const struct part *p, const char *option)
{
	const struct value *v;

	TAILQ_FOREACH(v, &p->values, entry)
		if (strcmp(v->opt->name, option) == 0)
			return true;
	return false;
}

bool
conv_set(struct conv *c, struct part *p, unsigned line, const char *option,
    const char *value)
{
	return put(c, p, line, option, value, REPLACE);
}

bool
conv_add(struct conv *c, struct part *p, unsigned line, const char *option,
    const char *value)
{
	return put(c, p, line, option, value, LAST);
}

bool
conv_put_first(struct conv *c, struct part *p, unsigned line,
    const char *option, const char *value)
{
	return put(c, p, line, option, value, FIRST);
}

static bool
put(struct conv *c, struct part *p, unsigned line, const char *option,
    const char *value, enum how how)
{
	const struct conf_opt *o = conf_spec_find(p->spec, option);
	const char *why = NULL;
	struct value *v;

	if (o == NULL)
		conv_left(c, line, "this release has no %s", option);
	else if ((why = wrong(o, value)) != NULL)
		conv_left(c, line, "%s \"%.64s\" %s", option, value, why);
	if (o == NULL || why != NULL)
		return false;
	if (how == REPLACE)
		TAILQ_FOREACH(v, &p->values, entry)
			if (v->opt == o) {
				v->text = conv_text(c, "%s", value);
				return true;
			}
	v = conv_alloc(c, sizeof(*v));
	v->opt = o;
	v->text = conv_text(c, "%s", value);
	if (how == FIRST)
		TAILQ_INSERT_HEAD(&p->values, v, entry);
	else
		TAILQ_INSERT_TAIL(&p->values, v, entry);
	return true;
}

/* As what follows the value in a sentence, or NULL. */
static const char *
wrong(const struct conf_opt *o, const char *text)
{
	const char *err = NULL;
	uint64_t n;

	if (*text == '\0' || strlen(text) > CONF_VALUE_MAX)
		return "is empty or very long";
	switch (o->type) {
	case CONF_REF:
		return NULL;
	case CONF_PATH:
	case CONF_SOCKET:
		return conf_field_path_ok(o, text) ? NULL :
		    "is no path that can be used";
	case CONF_HOSTS:
		return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789.-_:%*")] == '\0' ?
		    NULL : "is no address";
	case CONF_PORT:
		return wrong_port(text);
	case CONF_RULES:
		return wrong_rule(o, text);
	default:
		break;
	}
	if (o->wrong != NULL)
		return o->wrong(text);
	return o->type > CONF_MODE ||
	    (conf_field_parse(o, text, &n, &err) == 0 &&
	    conf_field_in_range(o, n)) ? NULL : "is out of range here";
}

static const char *
wrong_port(const char *text)
{
	const char *end;
	uint64_t n;

	if (conf_units_number(text, &n, &end) == -1)
		return isalpha((unsigned char)*text) &&
		    text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.")] == '\0' ?
		    NULL : "is no port";
	if (n >= 1 && n <= UINT16_MAX && *end == '\0')
		return NULL;
	if (n >= 1 && *end == '-' &&
	    conf_units_number(end + 1, &n, &end) == 0 && n <= UINT16_MAX &&
	    *end == '\0')
		return NULL;
	return "is no port";
}

static const char *
wrong_rule(const struct conf_opt *o, const char *text)
{
	struct acl_rule rule = { .family = 0 };
	const char *err = NULL;

	return (o->networks ? acl_parse_network : acl_parse)(text, &rule,
	    &err) == -1 ? "is no such rule here" : NULL;
}

const char *
conv_level(const char *word)
{
	static const char *const levels[][2] = { { "emerg", "error" },
	    { "alert", "error" }, { "crit", "error" }, { "err", "error" },
	    { "error", "error" }, { "warning", "warning" },
	    { "notice", "notice" }, { "info", "info" }, { "debug", "debug" } };
	size_t i;

	for (i = 0; i < nitems_of(levels); i++)
		if (strcasecmp(word, levels[i][0]) == 0)
			return levels[i][1];
	return NULL;
}

void
conv_left(struct conv *c, unsigned line, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (c->left[line] == NULL) {
		c->left[line] = conv_text(c, "%s", why);
		c->nleft++;
	} else if (strstr(c->left[line], why) == NULL)
		c->left[line] = conv_text(c, "%s; %s", c->left[line], why);
}

/* --- the outcome --- */

void
conv_tell(const struct conv *c, FILE *f)
{
	unsigned i;

	for (i = 1; i <= c->nlines; i++) {
		if (c->left[i] == NULL)
			continue;
		fprintf(f, "%s:%u: left out: ", c->file, i);
		print_line(f, c->left[i]);
		fputs(": ", f);
		print_line(f, c->lines[i]);
		fputc('\n', f);
	}
}

void
conv_print(const struct conv *c, FILE *f)
{
	unsigned i;

	fputs("# Made by spawnctl convert. Check it: spawnd -n FILE\n", f);
	if (c->nleft > 0)
		fputs("#\n# Left out, by its line there:\n", f);
	for (i = 1; i <= c->nlines; i++) {
		if (c->left[i] == NULL)
			continue;
		fprintf(f, "# %u: ", i);
		print_line(f, c->lines[i]);
		fputs("\n#\t", f);
		print_line(f, c->left[i]);
		fputc('\n', f);
	}
	fputc('\n', f);
	print_part(f, &c->root, 0);
}

static void
print_part(FILE *f, const struct part *p, unsigned depth)
{
	const struct value *v;
	const struct part *sub;

	TAILQ_FOREACH(v, &p->values, entry)
		if (is_first(p, v))
			print_value(f, p, v, depth);
	TAILQ_FOREACH(sub, &p->parts, entry) {
		indent(f, depth);
		fprintf(f, "%s%s%s {\n", sub->spec->name,
		    sub->title == NULL ? "" : " ",
		    sub->title == NULL ? "" : sub->title);
		print_part(f, sub, depth + 1);
		indent(f, depth);
		fputs("}\n", f);
	}
}

static bool
is_first(const struct part *p, const struct value *v)
{
	const struct value *other = TAILQ_FIRST(&p->values);

	while (other->opt != v->opt)
		other = TAILQ_NEXT(other, entry);
	return other == v;
}

static void
print_value(FILE *f, const struct part *p, const struct value *first,
    unsigned depth)
{
	const bool list = conf_field_is_list(first->opt);
	const struct value *v;

	indent(f, depth);
	fprintf(f, "%s = %s", first->opt->name, list ? "{" : "");
	TAILQ_FOREACH(v, &p->values, entry) {
		if (v->opt != first->opt)
			continue;
		if (v != first)
			fputs(list ? ", " : ",", f);
		if (is_bare(v->opt))
			fputs(v->text, f);
		else
			conf_print_quoted(f, v->text);
	}
	fputs(list ? "}\n" : "\n", f);
}

/* Numbers, words and names. */
static bool
is_bare(const struct conf_opt *o)
{
	return o->type <= CONF_REF;
}

/* On a terminal, or in a comment. */
static void
print_line(FILE *f, const char *s)
{
	s += strspn(s, " \t");
	for (; *s != '\0'; s++)
		fputc(*s == '\t' ? ' ' : (unsigned char)*s < ' ' ||
		    (unsigned char)*s >= 0x7f ? '?' : *s, f);
}

static void
indent(FILE *f, unsigned depth)
{
	while (depth-- > 0)
		fputc('\t', f);
}
