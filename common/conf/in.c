#include "compat.h"

#include <stdarg.h>

#include "conf/in.h"

static int	 get_scalar(struct in *, const struct conf_opt *, void *);
static int	 get_word(struct in *, const struct conf_opt *, void *);
static int	 get_ids(struct in *, const struct conf_opt *, void *,
		    unsigned);
static int	 get_path(struct in *, const struct conf_opt *, void *);
static int	 get_socket(struct in *, const struct conf_opt *, void *);
static int	 get_hosts(struct in *, const struct conf_opt *, void *);
static int	 get_addr(struct in *, struct addr *);
static int	 get_rules(struct in *, const struct conf_opt *, void *);
static int	 get_rule(struct in *, const struct conf_opt *,
		    struct acl_rule *);
static int	 get_window(struct in *, struct window *);
static int	 get_texts(struct in *, const struct conf_opt *, void *);
static int	 get_item(struct in *, const struct conf_opt *, char *);
static int	 get_local(struct in *, const struct conf_opt *,
		    struct conf_local *);
static bool	 is_twice(const struct conf_opt *, const struct conf_array *);
static int	 get_rest(struct in *, const char **);

static char error[256];

const char *
in_error(void)
{
	return error;
}

int
in_value(struct in *in, const struct conf_opt *o, void *base)
{
	switch (o->type) {
	case CONF_RULES:
		return get_rules(in, o, base);
	case CONF_TEXTS:
	case CONF_CERTS:
	case CONF_LOCALS:
		return get_texts(in, o, base);
	case CONF_WORD:
		return get_word(in, o, base);
	case CONF_USER:
		return get_ids(in, o, base, 2);
	case CONF_UID:
	case CONF_GID:
		return get_ids(in, o, base, 1);
	case CONF_HOSTS:
		return get_hosts(in, o, base);
	case CONF_SOCKET:
		return get_socket(in, o, base);
	case CONF_PATH:
	case CONF_TEXT:
	case CONF_PORT:
		return get_path(in, o, base);
	case CONF_SECRET:
		return 0;	/* there is none */
	default:
		return get_scalar(in, o, base);
	}
}

static int
get_scalar(struct in *in, const struct conf_opt *o, void *base)
{
	const char *p = in_bytes(in, sizeof(uint64_t));
	uint64_t n;

	if (p == NULL)
		return -1;
	memcpy(&n, p, sizeof(n));
	if (!conf_field_in_range(o, n))
		return in_fail("%s is out of range", o->name);
	conf_field_set(o, base, n);
	return 0;
}

static int
get_word(struct in *in, const struct conf_opt *o, void *base)
{
	const struct conf_word *w;
	const char *text;

	if (get_rest(in, &text) == -1)
		return -1;
	if (text == NULL || (w = conf_spec_word_of(o->words, text)) == NULL)
		return in_fail("%s has a word that is not known", o->name);
	conf_field_set(o, base, (uint64_t)w->value);
	return 0;
}

static int
get_ids(struct in *in, const struct conf_opt *o, void *base, unsigned n)
{
	const char *text;
	uint32_t id;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (in_number(in, &id) == -1)
			return -1;
		conf_field_set_id(o, base, i, id);
	}
	if (get_rest(in, &text) == -1)
		return -1;
	conf_field_set_text(o, base, text);
	for (i = 0; i < n; i++)
		if ((conf_field_id(o, base, i) == CONF_NOID) != (text == NULL))
			return in_fail("%s has no number", o->name);
	return 0;
}

static int
get_path(struct in *in, const struct conf_opt *o, void *base)
{
	const char *text;

	if (get_rest(in, &text) == -1)
		return -1;
	if (text != NULL && o->type == CONF_PATH &&
	    !conf_field_path_ok(o, text))
		return in_fail("%s is no path", o->name);
	if (text != NULL && strlen(text) > CONF_VALUE_MAX)
		return in_fail("%s is too long", o->name);
	if (text != NULL && o->type == CONF_TEXT && o->wrong != NULL &&
	    o->wrong(text) != NULL)
		return in_fail("%s has a value that is not right", o->name);
	conf_field_set_text(o, base, text);
	return 0;
}

static int
get_socket(struct in *in, const struct conf_opt *o, void *base)
{
	struct conf_array a = conf_field_array(o, base);
	const char *text, *err;

	if (get_rest(in, &text) == -1)
		return -1;
	conf_field_set_text(o, base, text);
	if (text == NULL)
		return 0;
	if (a.n > 0 || !conf_field_path_ok(o, text))
		return in_fail("%s is no path of a socket", o->name);
	a.n = 1;
	if ((a.items = conf_alloc(in->conf, sizeof(struct addr))) == NULL)
		return in_fail("not enough memory");
	conf_field_set_array(o, base, &a);
	return addr_unix(text, (void *)a.items, &err);
}

static int
get_hosts(struct in *in, const struct conf_opt *o, void *base)
{
	struct conf_array a = { NULL, 0 };
	const char *text;
	struct addr *addr;
	unsigned i;

	if (in_number(in, &a.n) == -1)
		return -1;
	/* Those of a listener are there for each of its ports. */
	if (a.n > (o->def != NULL ? CONF_SOCKETS : o->max))
		return in_fail("%s has too many addresses", o->name);
	a.items = a.n == 0 ? NULL :
	    conf_alloc(in->conf, a.n * sizeof(*addr));
	if (a.n > 0 && a.items == NULL)
		return in_fail("not enough memory");
	addr = (void *)a.items;
	for (i = 0; i < a.n; i++)
		if (get_addr(in, &addr[i]) == -1)
			return -1;
	if (get_rest(in, &text) == -1)
		return -1;
	if (text != NULL && ((a.n == 0 && !o->asked) ||
	    strlen(text) > CONF_VALUE_MAX))
		return in_fail("%s is not right", o->name);
	conf_field_set_text(o, base, text);
	if (a.n > 0)
		conf_field_set_array(o, base, &a);
	return 0;
}

static int
get_addr(struct in *in, struct addr *a)
{
	const char *ip;
	uint32_t family, port;

	if (in_number(in, &family) == -1 || in_number(in, &port) == -1 ||
	    (ip = in_bytes(in, family == 6 ? 16 : 4)) == NULL)
		return -1;
	if ((family != 4 && family != 6) || port > UINT16_MAX)
		return in_fail("an address is of a family that is not known");
	if (family == 6) {
		a->in6.sin6_family = AF_INET6;
		memcpy(&a->in6.sin6_addr, ip, 16);
		a->len = sizeof(a->in6);
		if (in_number(in, &a->in6.sin6_scope_id) == -1)
			return -1;
	} else {
		a->in.sin_family = AF_INET;
		memcpy(&a->in.sin_addr, ip, 4);
		a->len = sizeof(a->in);
	}
	addr_set_port(a, (uint16_t)port);
	return 0;
}

static int
get_rules(struct in *in, const struct conf_opt *o, void *base)
{
	struct acl *acl = (void *)((char *)base + o->offset);
	const size_t size = 4 + 16 + (o->networks ? 0 : 3 * sizeof(uint32_t));
	size_t i, n = (size_t)(in->end - in->p) / size;

	acl->rules = conf_alloc(in->conf, n * sizeof(*acl->rules));
	if (acl->rules == NULL)
		return in_fail("not enough memory");
	for (i = 0; i < n; i++)
		if (get_rule(in, o, &acl->rules[i]) == -1)
			return -1;
	acl->n = n;
	return 0;
}

static int
get_rule(struct in *in, const struct conf_opt *o, struct acl_rule *r)
{
	const char *p = in_bytes(in, 4 + 16);

	if (p == NULL)
		return -1;
	r->family = p[0] == 6 ? AF_INET6 : p[0] == 4 ? AF_INET :
	    p[0] == 1 && o->networks ? AF_UNIX : 0;
	r->bits = (uint8_t)p[1];
	r->permit = p[2] != 0;
	r->negate = p[3] != 0;
	memcpy(r->ip, p + 4, 16);
	if ((p[0] == 0) != (r->family == 0) ||
	    (o->networks && (r->family == 0 || !r->permit || r->negate)) ||
	    r->bits > (p[0] == 6 ? 128 : p[0] == 4 ? 32 : 0))
		return in_fail("an access rule is none");
	return o->networks ? 0 : get_window(in, &r->window);
}

static int
get_window(struct in *in, struct window *w)
{
	uint32_t days, from, to;

	if (in_number(in, &days) == -1 || in_number(in, &from) == -1 ||
	    in_number(in, &to) == -1)
		return -1;
	w->days = (uint8_t)MIN(days, UINT8_MAX);
	w->from = (uint16_t)MIN(from, UINT16_MAX);
	w->to = (uint16_t)MIN(to, UINT16_MAX);
	return window_good(w) ? 0 : in_fail("an access rule has no hours");
}

static int
get_texts(struct in *in, const struct conf_opt *o, void *base)
{
	const size_t size = conf_field_item_size(o);
	struct conf_array a;
	unsigned i;

	if (in_number(in, &a.n) == -1)
		return -1;
	/* Each has a length at least. */
	if (a.n > (size_t)(in->end - in->p) / sizeof(uint32_t) ||
	    a.n > CONF_ITEMS)
		return in_fail("%s has too many values", o->name);
	if ((a.items = conf_alloc(in->conf, a.n * size)) == NULL)
		return in_fail("not enough memory");
	for (i = 0; i < a.n; i++)
		if (get_item(in, o, a.items + i * size) == -1)
			return -1;
	if (is_twice(o, &a))
		return in_fail("%s has two of a family", o->name);
	conf_field_set_array(o, base, &a);
	return 0;
}

static int
get_item(struct in *in, const struct conf_opt *o, char *item)
{
	const char *text = in_text(in), *times;
	struct conf_cert *cert = (void *)item;

	if (text == NULL)
		return -1;
	if (*text == '\0' || strlen(text) > o->max ||
	    (o->wrong != NULL && o->wrong(text) != NULL))
		return in_fail("%s has a value that is not right", o->name);
	memcpy(item, &text, sizeof(text));
	if (o->type == CONF_LOCALS)
		return get_local(in, o, (void *)item);
	if (o->type != CONF_CERTS)
		return 0;
	if ((cert->name = in_text(in)) == NULL ||
	    (times = in_bytes(in, 2 * sizeof(uint64_t))) == NULL)
		return -1;
	memcpy(&cert->until, times, sizeof(cert->until));
	memcpy(&cert->warn, times + sizeof(uint64_t), sizeof(cert->warn));
	return 0;
}

static int
get_local(struct in *in, const struct conf_opt *o, struct conf_local *l)
{
	if (get_addr(in, &l->addr) == -1 || in_number(in, &l->n) == -1)
		return -1;
	if (l->n == 0 || l->n > CONF_LOCAL_MAX || addr_get_port(&l->addr) != 0)
		return in_fail("%s is not right", o->name);
	return 0;
}

/* There are two families. */
static bool
is_twice(const struct conf_opt *o, const struct conf_array *a)
{
	const struct conf_local *l = (const void *)a->items;

	return o->type == CONF_LOCALS && a->n > 1 && (a->n > 2 ||
	    l[0].addr.sa.sa_family == l[1].addr.sa.sa_family);
}

const char *
in_bytes(struct in *in, size_t len)
{
	const char *p = in->p;

	if (len > (size_t)(in->end - p)) {
		in_short();
		return NULL;
	}
	in->p += len;
	return p;
}

int
in_number(struct in *in, uint32_t *n)
{
	const char *p = in_bytes(in, sizeof(*n));

	if (p == NULL)
		return -1;
	memcpy(n, p, sizeof(*n));
	return 0;
}

const char *
in_text(struct in *in)
{
	const char *p;
	uint32_t len;

	if (in_number(in, &len) == -1 || (p = in_bytes(in, len)) == NULL)
		return NULL;
	if (len > 0 && memchr(p, '\0', len) == p + len - 1)
		return p;
	in_fail("a text is not right");
	return NULL;
}

/* All that is left is a text, or there is none. */
static int
get_rest(struct in *in, const char **text)
{
	size_t len = (size_t)(in->end - in->p);

	*text = len == 0 ? NULL : in->p;
	in->p = in->end;
	if (len == 0 || (len > 1 && memchr(*text, '\0', len) == in->end - 1))
		return 0;
	return in_fail("a text is not right");
}

int
in_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, sizeof(error), fmt, ap);
	va_end(ap);
	return -1;
}

int
in_short(void)
{
	return in_fail("a part of the configuration is missing");
}
