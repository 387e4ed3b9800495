#include "compat.h"

#include <ctype.h>

#include "conf/int.h"

/* A section that has a title, for the search for twins. */
struct titled {
	const struct cfg_t	*parent;
	const char		*kind, *title;
	unsigned		 line;
};

static void	 check_root(struct conf_check *, const struct cfg_t *);
static void	 check_relays(struct conf_check *, const struct cfg_t *);
static void	 check_relay(struct conf_check *, const struct cfg_t *,
		    struct conf_relay *);
static void	 check_remote(struct conf_check *, const struct cfg_t *,
		    struct conf_remote *);
static void	 check_spawnd(struct conf_check *, const struct cfg_t *);
static void	 check_listens(struct conf_check *, const struct cfg_t *);
static void	 check_listen(struct conf_check *, const struct cfg_t *,
		    struct conf_listen *);
static unsigned	 check_relay_name(struct conf_check *, const struct cfg_t *,
		    const char *);
static void	 check_minmax(struct conf_check *, const struct cfg_t *,
		    const char *, unsigned, unsigned);
static void	 check_access(struct conf_check *, const struct cfg_t *);
static void	 check_log(struct conf_check *, const struct cfg_t *);
static void	 check_title(struct conf_check *, const struct cfg_t *,
		    const char *, char *);
static void	 check_titles(struct conf_check *, const struct cfg_t *,
		    const struct cfg_t *);
static size_t	 check_titles_of(struct titled *, const struct cfg_t *,
		    const char *);
static int	 check_titles_cmp(const void *, const void *);
static void	 check_options(struct conf_check *, const struct cfg_t *,
		    const struct conf_section *, void *);
static void	 check_option(struct conf_check *, const struct conf_section *,
		    const struct conf_opt *, const struct conf_value *,
		    char *);
static int	 check_parse(const struct conf_opt *, const char *, uint64_t *,
		    const char **);
static void	 check_range(struct conf_check *, const char *,
		    const struct conf_opt *, const struct conf_value *);
static const char
		*check_unit_str(const struct conf_opt *, uint64_t, char *);
static bool	 check_overflows(const struct conf_opt *, const char *);
static void	 check_word(struct conf_check *, const char *,
		    const struct conf_opt *, const struct conf_value *,
		    char *);
static void	 check_bool(struct conf_check *, const char *,
		    const struct conf_value *, char *);
static void	 check_store(const struct conf_opt *, uint64_t, char *);

struct conf *
conf_check(const struct cfg_t *root, struct conf_text *text)
{
	struct conf_check c;

	c.text = text;
	if ((c.conf = calloc(1, sizeof(*c.conf))) == NULL) {
		text->nomem = true;
		return NULL;
	}
	check_root(&c, root);
	return c.conf;
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

char *
conf_check_text(struct conf_check *c, const char *name,
    const struct conf_value *v)
{
	char *copy;

	if (v == NULL)
		return NULL;
	if (v->text[0] == '\0') {
		conf_check_fail(c, v->line, "%s is empty; give it a value or "
		    "leave it out", name);
		return NULL;
	}
	if (strlen(v->text) > CONF_VALUE_MAX) {
		conf_check_fail(c, v->line, "%s is longer than %d bytes",
		    name, CONF_VALUE_MAX);
		return NULL;
	}
	if ((copy = strdup(v->text)) == NULL)
		c->text->nomem = true;
	return copy;
}

void *
conf_check_alloc(struct conf_check *c, size_t n, size_t size)
{
	void *p;

	if ((p = calloc(n + 1, size)) == NULL)
		c->text->nomem = true;
	return p;
}

static void
check_root(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);

	check_titles(c, root, spawnd);
	check_relays(c, root);
	if (spawnd == NULL)
		conf_check_missing(c, 0, "there is no \"spawnd\" section; it "
		    "says where to listen");
	if (c->conf->nrelays == 0)
		conf_check_missing(c, 0, "there is no \"relay\" section; it "
		    "says where to relay to");
	check_spawnd(c, spawnd);
	check_listens(c, spawnd);
}

static void
check_relays(struct conf_check *c, const struct cfg_t *root)
{
	struct conf *conf = c->conf;
	unsigned i, n = conf_children(root, "relay");

	conf->relays = conf_check_alloc(c, n, sizeof(*conf->relays));
	if (conf->relays == NULL)
		return;
	conf->nrelays = n;
	for (i = 0; i < n; i++)
		check_relay(c, conf_child(root, "relay", i),
		    &conf->relays[i]);
}

static void
check_relay(struct conf_check *c, const struct cfg_t *sec,
    struct conf_relay *r)
{
	unsigned i, n = conf_children(sec, "remote");

	check_title(c, sec, "relay", r->name);
	check_options(c, sec, &conf_spec_relay, r);
	if (n == 0)
		conf_check_missing(c, conf_line(sec), "relay \"%s\" has no "
		    "\"remote\" section; it needs one at least", r->name);
	r->remotes = conf_check_alloc(c, n, sizeof(*r->remotes));
	if (r->remotes == NULL)
		return;
	r->nremotes = n;
	for (i = 0; i < n; i++)
		check_remote(c, conf_child(sec, "remote", i),
		    &r->remotes[i]);
	conf_where_local(c, sec, r);
}

static void
check_remote(struct conf_check *c, const struct cfg_t *sec,
    struct conf_remote *r)
{
	check_title(c, sec, "remote", r->name);
	check_options(c, sec, &conf_spec_remote, r);
	conf_where_remote(c, sec, r);
}

/* sec may be NULL: then all options have their defaults. */
static void
check_spawnd(struct conf_check *c, const struct cfg_t *sec)
{
	const struct cfg_t *servers = conf_child(sec, "servers", 0);
	const struct cfg_t *users = conf_child(sec, "users", 0);
	struct conf *conf = c->conf;

	check_options(c, sec, &conf_spec_spawnd, conf);
	check_options(c, servers, &conf_spec_servers, conf);
	check_options(c, users, &conf_spec_users, conf);
	check_minmax(c, servers, "servers", conf->servers_min,
	    conf->servers_max);
	check_minmax(c, users, "users", conf->users_min, conf->users_max);
	check_access(c, sec);
	check_log(c, conf_child(sec, "log", 0));
	conf_where_user(c, sec);
	conf_where_paths(c, sec);
}

static void
check_listens(struct conf_check *c, const struct cfg_t *spawnd)
{
	const struct conf_value *control = conf_value(spawnd, "control", 0);
	const struct cfg_t *sec;
	struct conf *conf = c->conf;
	unsigned i, n = conf_children(spawnd, "listen"), *lines;

	if (n == 0 && spawnd != NULL)
		conf_check_missing(c, conf_line(spawnd), "there is no "
		    "\"listen\" section in \"spawnd\"; it needs one at "
		    "least");
	conf->listens = conf_check_alloc(c, n, sizeof(*conf->listens));
	if (conf->listens == NULL)
		return;
	conf->nlistens = n;
	if ((lines = conf_check_alloc(c, n, sizeof(*lines))) == NULL)
		return;
	for (i = 0; i < n; i++) {
		sec = conf_child(spawnd, "listen", i);
		lines[i] = conf_line(sec);
		check_listen(c, sec, &conf->listens[i]);
		conf->listens[i].relay = check_relay_name(c, sec,
		    conf->listens[i].name);
	}
	conf_where_twice(c, lines, control == NULL ? 0 : control->line);
	free(lines);
}

static void
check_listen(struct conf_check *c, const struct cfg_t *sec,
    struct conf_listen *l)
{
	unsigned line = conf_line(sec);

	check_title(c, sec, "listen", l->name);
	check_options(c, sec, &conf_spec_listen, l);
	if (line > 0 && line <= c->text->nlines)
		l->line = c->text->lines[line - 1].line;
	conf_where_listen(c, sec, l);
}

static unsigned
check_relay_name(struct conf_check *c, const struct cfg_t *sec,
    const char *name)
{
	const struct conf_value *v = conf_value(sec, "relay", 0);
	const struct conf *conf = c->conf;
	struct conf_near near;
	unsigned i;

	if (v == NULL) {
		if (conf->nrelays > 1)
			conf_check_missing(c, conf_line(sec), "listen \"%s\" "
			    "does not say which of the %u relays it is for; "
			    "add relay = NAME", name, conf->nrelays);
		return 0;
	}
	for (i = 0; i < conf->nrelays; i++)
		if (strcmp(conf->relays[i].name, v->text) == 0)
			return i;
	conf_near_init(&near, v->text);
	if (c->text->nmistakes < CONF_HINTS)
		for (i = 0; i < conf->nrelays; i++)
			conf_near_try(&near, conf->relays[i].name);
	conf_check_missing(c, v->line, "there is no relay \"%.64s\"%s",
	    v->text, conf_near_hint(&near));
	return 0;
}

static void
check_minmax(struct conf_check *c, const struct cfg_t *sec, const char *name,
    unsigned min, unsigned max)
{
	const struct conf_value *low = conf_value(sec, "min", 0);
	const struct conf_value *high = conf_value(sec, "max", 0);

	if (min <= max || sec == NULL)
		return;
	conf_check_fail(c, low != NULL ? low->line : high->line,
	    "%s: min %u%s is greater than max %u%s", name, min,
	    low == NULL ? ", the default," : "", max,
	    high == NULL ? ", the default" : "");
}

static void
check_access(struct conf_check *c, const struct cfg_t *sec)
{
	struct acl *acl = &c->conf->acl;
	const struct conf_value *v;
	const char *err;
	unsigned i, n = conf_children(sec, "access");

	acl->rules = conf_check_alloc(c, n, sizeof(*acl->rules));
	if (acl->rules == NULL)
		return;
	for (i = 0; i < n; i++) {
		v = conf_value(sec, "access", i);
		if (acl_parse(v->text, &acl->rules[acl->n], &err) == -1)
			conf_check_fail(c, v->line, "%s", err);
		else
			acl->n++;
	}
}

static void
check_log(struct conf_check *c, const struct cfg_t *sec)
{
	const struct conf_value *v = conf_value(sec, "to", 0);
	struct conf_near near;
	char *to;

	check_options(c, sec, &conf_spec_log, c->conf);
	if ((to = conf_check_text(c, "log: to", v)) == NULL)
		return;
	c->conf->log_to = to;
	if (*to == '/' || strcmp(to, "stderr") == 0 ||
	    strcmp(to, "syslog") == 0)
		return;
	conf_near_init(&near, to);
	conf_near_try(&near, "stderr");
	conf_near_try(&near, "syslog");
	conf_check_fail(c, v->line, "log: to \"%.64s\" is not \"stderr\", "
	    "\"syslog\" or a path that starts with \"/\"%s", to,
	    conf_near_hint(&near));
}

static void
check_title(struct conf_check *c, const struct cfg_t *sec, const char *kind,
    char *name)
{
	const char *title = conf_title(sec), *p;

	if (title == NULL)
		return;
	strlcpy(name, title, CONF_NAME);
	for (p = title; isalnum((unsigned char)*p) ||
	    (*p != '\0' && strchr("._-", *p) != NULL);)
		p++;
	if (*p == '\0' && p > title && strlen(title) < CONF_NAME)
		return;
	conf_check_fail(c, conf_line(sec), "\"%.40s\" is no name for a %s "
	    "section; use 1 to %d letters, digits, \".\", \"_\" or \"-\"",
	    title, kind, CONF_NAME - 1);
}

static void
check_titles(struct conf_check *c, const struct cfg_t *root,
    const struct cfg_t *spawnd)
{
	struct titled *t;
	const struct cfg_t *sec;
	char where[4096];
	size_t i, n;

	n = conf_children(root, "relay") + conf_children(spawnd, "listen");
	for (i = 0; (sec = conf_child(root, "relay", i)) != NULL; i++)
		n += conf_children(sec, "remote");
	if ((t = conf_check_alloc(c, n, sizeof(*t))) == NULL)
		return;
	n = check_titles_of(t, root, "relay");
	n += check_titles_of(t + n, spawnd, "listen");
	for (i = 0; (sec = conf_child(root, "relay", i)) != NULL; i++)
		n += check_titles_of(t + n, sec, "remote");
	qsort(t, n, sizeof(*t), check_titles_cmp);
	for (i = 1; i < n; i++) {
		if (t[i].parent != t[i - 1].parent ||
		    strcmp(t[i].kind, t[i - 1].kind) != 0 ||
		    strcmp(t[i].title, t[i - 1].title) != 0)
			continue;
		conf_check_fail(c, t[i].line, "%s \"%.40s\" is there twice; "
		    "it is on %s already", t[i].kind, t[i].title,
		    conf_text_where(c->text, t[i - 1].line, t[i].line, where,
		    sizeof(where)));
	}
	free(t);
}

static size_t
check_titles_of(struct titled *t, const struct cfg_t *parent,
    const char *kind)
{
	const struct cfg_t *sec;
	size_t n = 0;
	unsigned i;

	for (i = 0; (sec = conf_child(parent, kind, i)) != NULL; i++) {
		if (conf_title(sec) == NULL)
			continue;
		t[n].kind = kind;
		t[n].title = conf_title(sec);
		t[n].parent = parent;
		t[n++].line = conf_line(sec);
	}
	return n;
}

static int
check_titles_cmp(const void *a, const void *b)
{
	const struct titled *x = a, *y = b;
	int diff;

	if (x->parent != y->parent)
		return (uintptr_t)x->parent < (uintptr_t)y->parent ? -1 : 1;
	if ((diff = strcmp(x->kind, y->kind)) != 0)
		return diff;
	if ((diff = strcmp(x->title, y->title)) != 0)
		return diff;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Fills in what the table can say all about; a missing value's default. */
static void
check_options(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_section *spec, void *target)
{
	const struct conf_opt *o;
	const struct conf_value *v;
	const char *err;
	char *field;
	uint64_t n;

	for (o = spec->opts; o->name != NULL; o++) {
		if (o->def == NULL)
			continue;
		field = (char *)target + o->offset;
		if (check_parse(o, o->def, &n, &err) == 0)
			check_store(o, n, field);
		if ((v = conf_value(sec, o->name, 0)) != NULL)
			check_option(c, spec, o, v, field);
	}
}

static void
check_option(struct conf_check *c, const struct conf_section *spec,
    const struct conf_opt *o, const struct conf_value *v, char *field)
{
	bool nested = spec == &conf_spec_servers ||
	    spec == &conf_spec_users || spec == &conf_spec_log;
	char name[64];
	const char *err;
	uint64_t n;

	snprintf(name, sizeof(name), "%s%s%s", nested ? spec->name : "",
	    nested ? ": " : "", o->name);
	if (o->type == CONF_WORD)
		check_word(c, name, o, v, field);
	else if (o->type == CONF_BOOL)
		check_bool(c, name, v, field);
	else if (check_overflows(o, v->text))
		check_range(c, name, o, v);
	else if (check_parse(o, v->text, &n, &err) == -1) {
		if (o->type == CONF_NUMBER)
			conf_check_fail(c, v->line, "%s \"%.64s\" is not a "
			    "number; use %llu to %llu", name, v->text,
			    (unsigned long long)o->min,
			    (unsigned long long)o->max);
		else
			conf_check_fail(c, v->line, "%s %s", name, err);
	} else if ((n < o->min || n > o->max) && !(n == 0 && o->zero))
		check_range(c, name, o, v);
	else
		check_store(o, n, field);
}

/* Text to a number; words and booleans only as they are in the table. */
static int
check_parse(const struct conf_opt *o, const char *text, uint64_t *n,
    const char **errp)
{
	const struct conf_word *w;
	const char *end;

	*n = 0;
	switch (o->type) {
	case CONF_DURATION:
		return conf_duration_of(text, n, errp);
	case CONF_SIZE:
		return conf_size_of(text, n, errp);
	case CONF_WORD:
		for (w = o->words; w->name != NULL; w++)
			if (strcmp(w->name, text) == 0)
				*n = w->value;
		return 0;
	case CONF_BOOL:
		*n = strcmp(text, "yes") == 0;
		return 0;
	default:
		if (conf_units_number(text, n, &end) == -1 || *end != '\0')
			return -1;
		return 0;
	}
}

static void
check_range(struct conf_check *c, const char *name, const struct conf_opt *o,
    const struct conf_value *v)
{
	char min[CONF_UNITLEN], max[CONF_UNITLEN];

	conf_check_fail(c, v->line, "%s %.64s is out of range; use %s to %s%s",
	    name, v->text, check_unit_str(o, o->min, min),
	    check_unit_str(o, o->max, max), o->zero ? ", or 0" : "");
}

static const char *
check_unit_str(const struct conf_opt *o, uint64_t n, char *buf)
{
	if (o->type == CONF_DURATION)
		return conf_duration_str(n, buf);
	if (o->type == CONF_SIZE)
		return conf_size_str(n, buf);
	snprintf(buf, CONF_UNITLEN, "%llu", (unsigned long long)n);
	return buf;
}

/* A number in all but its size: negative, or more than fits. */
static bool
check_overflows(const struct conf_opt *o, const char *text)
{
	const char *digits = text + (*text == '-'), *unit, *err;
	char one[8];
	uint64_t n;

	if (check_parse(o, text, &n, &err) == 0)
		return false;
	unit = digits + strspn(digits, "0123456789");
	if (unit == digits || strlen(unit) > 4)
		return false;
	snprintf(one, sizeof(one), "1%s", unit);
	return check_parse(o, one, &n, &err) == 0;
}

static void
check_word(struct conf_check *c, const char *name, const struct conf_opt *o,
    const struct conf_value *v, char *field)
{
	const struct conf_word *w;
	struct conf_near near;
	char list[256] = "";

	conf_near_init(&near, v->text);
	for (w = o->words; w->name != NULL; w++) {
		if (strcmp(w->name, v->text) == 0) {
			check_store(o, w->value, field);
			return;
		}
		conf_near_try(&near, w->name);
		strlcat(list, w == o->words ? "" :
		    w[1].name == NULL ? " or " : ", ", sizeof(list));
		strlcat(list, w->name, sizeof(list));
	}
	conf_check_fail(c, v->line, "%s \"%.64s\" is not known; use %s%s",
	    name, v->text, list, conf_near_hint(&near));
}

static void
check_bool(struct conf_check *c, const char *name, const struct conf_value *v,
    char *field)
{
	static const char *const yes[] = { "yes", "on", "true" };
	static const char *const no[] = { "no", "off", "false" };
	size_t i;

	for (i = 0; i < nitems_of(yes); i++)
		if (strcasecmp(v->text, yes[i]) == 0 ||
		    strcasecmp(v->text, no[i]) == 0) {
			*(bool *)field = strcasecmp(v->text, yes[i]) == 0;
			return;
		}
	conf_check_fail(c, v->line, "%s \"%.64s\" is neither yes nor no", name,
	    v->text);
}

static void
check_store(const struct conf_opt *o, uint64_t n, char *field)
{
	unsigned number = n;
	int word = n;
	bool flag = n != 0;

	switch (o->type) {
	case CONF_NUMBER:
		memcpy(field, &number, sizeof(number));
		break;
	case CONF_WORD:
		memcpy(field, &word, sizeof(word));
		break;
	case CONF_BOOL:
		memcpy(field, &flag, sizeof(flag));
		break;
	default:
		memcpy(field, &n, sizeof(n));
		break;
	}
}
