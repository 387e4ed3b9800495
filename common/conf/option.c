#include "compat.h"

#include "conf/parse.h"

static void	 read_sections(struct conf_check *, const struct conf_opt *,
		    const struct cfg_t *, void *);
static void	 read_title(struct conf_check *, const struct cfg_t *,
		    const struct conf_opt *, char *);
static void	 read_rows(struct conf_check *, const struct conf_section *,
		    const struct cfg_t *, void *);
static bool	 read_is_unix(const struct conf_section *,
		    const struct cfg_t *);
static bool	 read_has_path(const struct conf_section *);
static void	 read_row(struct conf_check *, const struct conf_section *,
		    struct conf_at *, bool);
static void	 read_missing(struct conf_check *, const struct conf_section *,
		    const struct cfg_t *, bool);
static bool	 read_says_itself(const struct conf_opt *,
		    const struct cfg_t *);
static void	 read_value(struct conf_check *, const struct conf_at *);
static void	 read_scalar(struct conf_check *, const struct conf_at *);
static void	 read_text(struct conf_check *, const struct conf_at *);
static void	 read_rules(struct conf_check *, const struct conf_at *);
static void	 read_texts(struct conf_check *, const struct conf_at *);
static char	*read_text_item(struct conf_check *, const struct conf_at *,
		    const struct conf_value *);
static void	 refer_rows(struct conf_check *, const struct conf_section *,
		    const struct cfg_t *, void *);
static void	 refer_row(struct conf_check *, const struct conf_section *,
		    const struct conf_at *);
static const char *section_str(const struct conf_section *,
		    const struct cfg_t *, char *, size_t);

static conf_look *looks;

struct conf *
conf_check(const struct cfg_t *root, struct conf_text *text)
{
	struct conf_check c = { .conf = conf_new(), .text = text };

	if (c.conf == NULL) {
		text->nomem = true;
		return NULL;
	}
	read_rows(&c, &conf_spec_root, root, c.conf);
	refer_rows(&c, &conf_spec_root, root, c.conf);
	conf_check_relations(&c, root);
	if (looks != NULL)
		looks(&c, root);
	return c.conf;
}

void
conf_look_with(conf_look *look)
{
	looks = look;
}

void
conf_check_fail(struct conf_check *c, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (line > 0 && line <= c->text->nlines &&
	    c->text->lines[line - 1].unset)
		return;
	va_start(ap, fmt);
	conf_text_vmistake(c->text, line, fmt, ap);
	va_end(ap);
}

void
conf_check_missing(struct conf_check *c, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (c->text->cut)
		return;
	va_start(ap, fmt);
	conf_text_vmistake(c->text, line, fmt, ap);
	va_end(ap);
}

void *
conf_check_alloc(struct conf_check *c, size_t n, size_t size)
{
	void *p;

	if ((p = conf_alloc(c->conf, n * size)) == NULL)
		c->text->nomem = true;
	return p;
}

const char *
conf_check_text(struct conf_check *c, const struct conf_at *at)
{
	size_t len = strlen(at->v->text);
	char *copy;

	if (len == 0) {
		conf_check_fail(c, at->line, "%s is empty; give it a value or "
		    "leave it out", at->name);
		return NULL;
	}
	if (len > CONF_VALUE_MAX) {
		conf_check_fail(c, at->line, "%s is longer than %d bytes",
		    at->name, CONF_VALUE_MAX);
		return NULL;
	}
	if ((copy = conf_check_alloc(c, len + 1, 1)) == NULL)
		return NULL;
	memcpy(copy, at->v->text, len);
	conf_field_set_text(at->opt, at->base, copy);
	return copy;
}

/* parent may be NULL: then there are none, and options have defaults. */
static void
read_sections(struct conf_check *c, const struct conf_opt *o,
    const struct cfg_t *parent, void *base)
{
	const struct conf_section *spec = o->section;
	const struct cfg_t *sec;
	struct conf_array a;
	unsigned i;

	if (spec->size == 0) {
		read_rows(c, spec, conf_child(parent, o->name, 0),
		    (char *)base + o->offset);
		return;
	}
	a.n = conf_children(parent, o->name);
	if ((a.items = conf_check_alloc(c, a.n, spec->size)) == NULL)
		return;
	conf_field_set_array(o, base, &a);
	for (i = 0; i < a.n; i++) {
		sec = conf_child(parent, o->name, i);
		if (!spec->untitled)
			read_title(c, sec, o, a.items + i * spec->size);
		c->up = base;
		read_rows(c, spec, sec, a.items + i * spec->size);
	}
	if (!spec->untitled)
		conf_check_titles(c, o, parent);
}

static void
read_title(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_opt *o, char *name)
{
	const char *title = conf_title(sec);

	if (title == NULL)
		return;
	strlcpy(name, title, CONF_NAME);
	if (!conf_title_ok(title))
		conf_check_fail(c, conf_line(sec), "\"%.40s\" is no name for a "
		    "%s section; use 1 to %d letters, digits, \".\", \"_\" or "
		    "\"-\"", title, o->section->name, CONF_NAME - 1);
}

static void
read_rows(struct conf_check *c, const struct conf_section *spec,
    const struct cfg_t *sec, void *base)
{
	bool is_unix = read_is_unix(spec, sec);
	const struct conf_opt *o;
	struct conf_at at = { .sec = sec, .base = base };

	for (o = spec->opts; o->name != NULL; o++) {
		at.opt = o;
		if (o->type == CONF_SECTION)
			read_sections(c, o, sec, base);
		else
			read_row(c, spec, &at, is_unix);
	}
	if (sec != NULL)
		read_missing(c, spec, sec, is_unix);
}

static bool
read_is_unix(const struct conf_section *spec, const struct cfg_t *sec)
{
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++)
		if (o->type == CONF_SOCKET)
			return conf_value(sec, o->name, 0) != NULL;
	return false;
}

/* Whether its sections may have one. */
static bool
read_has_path(const struct conf_section *spec)
{
	const struct conf_opt *o = spec->opts;

	while (o->name != NULL && o->type != CONF_SOCKET)
		o++;
	return o->name != NULL;
}

static void
read_row(struct conf_check *c, const struct conf_section *spec,
    struct conf_at *at, bool is_unix)
{
	const struct conf_opt *o = at->opt;

	at->v = conf_value(at->sec, o->name, 0);
	at->line = at->v != NULL ? at->v->line : conf_line(at->sec);
	snprintf(at->name, sizeof(at->name), "%s%s",
	    spec->prefix == NULL ? "" : spec->prefix, o->name);
	conf_field_default(o, at->base);
	if (!conf_field_unused(o, is_unix))
		read_value(c, at);
	else if (at->v != NULL && is_unix)
		conf_check_fail(c, at->line, "%s and path are both given; use "
		    "address and port, or path", o->name);
	else if (at->v != NULL)
		conf_check_fail(c, at->line, "%s is for a unix socket; there "
		    "is no path here", o->name);
}

/* One sentence for the sections of a kind, one for all options. */
static void
read_missing(struct conf_check *c, const struct conf_section *spec,
    const struct cfg_t *sec, bool is_unix)
{
	const struct conf_opt *o;
	char list[128] = "", who[64];
	bool some = !read_has_path(spec);

	section_str(spec, sec, who, sizeof(who));
	for (o = spec->opts; o->name != NULL; o++) {
		some |= o->only == CONF_INET &&
		    conf_value(sec, o->name, 0) != NULL;
		if (!o->required || conf_field_unused(o, is_unix) ||
		    (o->by_relay && c->conf->exec != NULL) ||
		    read_says_itself(o, sec) ||
		    (o->unless != NULL && conf_children(sec, o->unless) > 0) ||
		    conf_children(sec, o->name) > 0)
			continue;
		if (o->type == CONF_SECTION) {
			if (conf_text_is_partial(c->text, conf_line(sec)))
				continue;
			conf_check_missing(c, conf_line(sec), "there is no "
			    "\"%s\" section%s%s; %s", o->name,
			    *who == '\0' ? "" : " in ", who,
			    o->section->purpose);
			continue;
		}
		strlcat(list, *list == '\0' ? "" : " and ", sizeof(list));
		if (o->name[strlen(o->name) - 1] != 's' ||
		    o->type == CONF_HOSTS)
			strlcat(list, strchr("aeiou", *o->name) != NULL ?
			    "an " : "a ", sizeof(list));
		strlcat(list, o->name, sizeof(list));
	}
	if (*list != '\0')
		conf_check_missing(c, conf_line(sec), "%s needs %s%s", who,
		    list, some ? "" : ", or a path");
}

/* A service has ports of its own. */
static bool
read_says_itself(const struct conf_opt *o, const struct cfg_t *sec)
{
	const struct conf_value *v = conf_value(sec, "address", 0);

	return o->type == CONF_PORT && o->asked && v != NULL &&
	    *v->text == '_';
}

static void
read_value(struct conf_check *c, const struct conf_at *at)
{
	if (at->opt->type == CONF_HOSTS)
		conf_read_hosts(c, at);
	if (at->v == NULL)
		return;
	switch (at->opt->type) {
	case CONF_REF:
	case CONF_HOSTS:
	case CONF_SECTION:
		break;
	case CONF_PATH:
		conf_read_path(c, at);
		break;
	case CONF_TEXT:
	case CONF_SECRET:
		read_text(c, at);
		break;
	case CONF_USER:
		conf_read_user(c, at);
		break;
	case CONF_UID:
		conf_read_uid(c, at);
		break;
	case CONF_GID:
		conf_read_gid(c, at);
		break;
	case CONF_PORT:
		conf_read_port(c, at);
		break;
	case CONF_SOCKET:
		conf_read_socket(c, at);
		break;
	case CONF_RULES:
		read_rules(c, at);
		break;
	case CONF_TEXTS:
	case CONF_CERTS:
	case CONF_LOCALS:
		read_texts(c, at);
		break;
	default:
		read_scalar(c, at);
		break;
	}
}

static void
read_scalar(struct conf_check *c, const struct conf_at *at)
{
	const char *err;
	uint64_t n;

	if (conf_scalar_of(at->opt, at->name, at->v->text, &n, &err) == -1)
		conf_check_fail(c, at->line, "%s", err);
	else
		conf_field_set(at->opt, at->base, n);
}

static void
read_text(struct conf_check *c, const struct conf_at *at)
{
	const char *text = conf_check_text(c, at), *wrong;

	if (text != NULL && at->opt->wrong != NULL &&
	    (wrong = at->opt->wrong(text)) != NULL)
		conf_check_fail(c, at->line, "%s \"%.64s\" %s", at->name,
		    text, wrong);
}

static void
read_rules(struct conf_check *c, const struct conf_at *at)
{
	struct acl *acl = (void *)((char *)at->base + at->opt->offset);
	const struct conf_value *v;
	const char *err;
	unsigned i, n = conf_children(at->sec, at->opt->name);

	acl->rules = conf_check_alloc(c, n, sizeof(*acl->rules));
	if (acl->rules == NULL)
		return;
	for (i = 0; i < n; i++) {
		v = conf_value(at->sec, at->opt->name, i);
		if ((at->opt->networks ? acl_parse_network : acl_parse)
		    (v->text, &acl->rules[acl->n], &err) == -1)
			conf_check_fail(c, v->line, "%s%s%s", at->opt->networks
			    ? at->name : "", at->opt->networks ? ": " : "",
			    err);
		else
			acl->n++;
	}
}

static void
read_texts(struct conf_check *c, const struct conf_at *at)
{
	const struct conf_value *v;
	unsigned i, n = conf_children(at->sec, at->opt->name);
	const size_t size = conf_field_item_size(at->opt);
	struct conf_array a = { .n = 0 };
	const char *text;

	if (n > CONF_ITEMS) {
		conf_check_fail(c, at->line, "%s has more than %d values",
		    at->name, CONF_ITEMS);
		return;
	}
	if ((a.items = conf_check_alloc(c, n, size)) == NULL)
		return;
	for (i = 0; i < n; i++) {
		v = conf_value(at->sec, at->opt->name, i);
		if ((text = read_text_item(c, at, v)) == NULL)
			continue;
		if (at->opt->type == CONF_LOCALS)
			conf_read_local(c, at, text, &a);
		else
			memcpy(a.items + a.n++ * size, &text, sizeof(text));
	}
	conf_field_set_array(at->opt, at->base, &a);
}

/* A copy; NULL after a mistake. */
static char *
read_text_item(struct conf_check *c, const struct conf_at *at,
    const struct conf_value *v)
{
	const struct conf_opt *o = at->opt;
	const char *wrong = NULL;
	size_t len = strlen(v->text);
	char *copy;

	if (len == 0)
		conf_check_fail(c, v->line, "%s has an empty value", at->name);
	else if (len > o->max)
		conf_check_fail(c, v->line, "%s \"%.32s...\" is longer than "
		    "%u bytes", at->name, v->text, (unsigned)o->max);
	else if (o->wrong != NULL && (wrong = o->wrong(v->text)) != NULL)
		conf_check_fail(c, v->line, "%s \"%.64s\" %s", at->name,
		    v->text, wrong);
	if (len == 0 || len > o->max || wrong != NULL ||
	    (copy = conf_check_alloc(c, len + 1, 1)) == NULL)
		return NULL;
	memcpy(copy, v->text, len);
	return copy;
}

/* References, when all that they may be to is there. */
static void
refer_rows(struct conf_check *c, const struct conf_section *spec,
    const struct cfg_t *sec, void *base)
{
	const struct conf_opt *o;
	struct conf_at at = { .sec = sec, .base = base };
	struct conf_array a;
	unsigned i;

	for (o = spec->opts; o->name != NULL && sec != NULL; o++) {
		at.opt = o;
		if (o->type == CONF_REF)
			refer_row(c, spec, &at);
		if (o->type != CONF_SECTION)
			continue;
		if (o->section->size == 0) {
			refer_rows(c, o->section, conf_child(sec, o->name, 0),
			    (char *)base + o->offset);
			continue;
		}
		a = conf_field_array(o, base);
		for (i = 0; i < a.n; i++)
			refer_rows(c, o->section, conf_child(sec, o->name, i),
			    a.items + i * o->section->size);
	}
}

static void
refer_row(struct conf_check *c, const struct conf_section *spec,
    const struct conf_at *at)
{
	const struct conf_opt *o = at->opt;
	const struct conf_value *v = conf_value(at->sec, o->name, 0);
	struct conf_array a = conf_field_others(o, c->conf);
	struct near near;
	char who[64];
	unsigned i;

	if (v == NULL) {
		if (conf_field_may_lack(c->conf, spec, o, at->base))
			conf_field_set(o, at->base, CONF_NOREF);
		else if (a.n > 1 && !o->required)
			conf_check_missing(c, conf_line(at->sec), "%s does not "
			    "say which of the %u %ss it is for; add %s = NAME",
			    section_str(spec, at->sec, who, sizeof(who)), a.n,
			    o->section->name, o->name);
		return;
	}
	for (i = 0; i < a.n; i++)
		if (strcmp(a.items + i * o->section->size, v->text) == 0) {
			conf_field_set(o, at->base, i);
			return;
		}
	near_init(&near, v->text);
	if (c->text->nmistakes < CONF_HINTS)
		for (i = 0; i < a.n; i++)
			near_try(&near, a.items + i * o->section->size);
	conf_check_missing(c, v->line, "there is no %s \"%.64s\"%s",
	    o->section->name, v->text, near_hint(&near));
}

static const char *
section_str(const struct conf_section *spec, const struct cfg_t *sec,
    char *buf, size_t size)
{
	const char *title = conf_title(sec);

	*buf = '\0';
	if (conf_is_titled(spec))
		snprintf(buf, size, "%s \"%.*s\"", spec->name, CONF_NAME - 1,
		    title == NULL ? "" : title);
	else if (*spec->name != '\0')
		snprintf(buf, size, "\"%s\"", spec->name);
	return buf;
}
