#include "compat.h"

#include <sys/stat.h>

#include "conf/in.h"

#define KINDS_MAX	1024	/* different sections, of any release */
#define ROWS_MAX	1024	/* options of one of them */

/* A row as its writer knows it. */
struct row {
	const char		*name, *form;
	unsigned		 kind;		/* of a section */
	const struct conf_opt	*opt;		/* ours; NULL: unknown */
};

struct kind {
	const struct conf_section *spec;	/* ours; NULL: unknown */
	struct row		*rows;
	unsigned		 nrows;
	bool			*given;		/* a flag for each of ours */
};

static struct conf *decode(struct conf *, const char *, size_t,
		    const char **);
static int	 get_head(struct in *, size_t);
static int	 get_kinds(struct in *);
static int	 get_kind(struct in *, struct kind *);
static int	 kind_is(struct in *, unsigned, const struct conf_section *);
static int	 row_is(struct in *, struct kind *, struct row *);
static int	 get_rows(struct in *, const struct kind *, void *);
static void	 get_defaults(const struct conf_section *, const bool *,
		    void *);
static int	 get_sections(struct in *, const struct row *, void *);
static int	 get_items(struct in *, const struct row *,
		    const struct conf_array *);
static int	 get_title(struct in *, char *);
static int	 check_section(const struct conf *, const struct conf_section *,
		    const void *);
static int	 check_row(const struct conf *, const struct conf_section *,
		    const struct conf_opt *, const void *);
static bool	 port_is_later(const struct conf_opt *, const void *);
static int	 check_port(const struct conf_opt *, const void *);
static int	 check_limits(const struct conf *);

struct conf *
conf_decode(const void *buf, size_t len, const char **errp)
{
	struct conf *c = conf_new();
	char *copy = NULL;

	if (c != NULL && len <= CONF_SIZE_MAX)
		copy = conf_alloc(c, len);
	if (copy == NULL) {
		in_fail("not enough memory");
		*errp = in_error();
		conf_free(&c);
		return NULL;
	}
	memcpy(copy, buf, len);
	return decode(c, copy, len, errp);
}

struct conf *
conf_get(int fd, const char **errp)
{
	struct conf *c = conf_new();
	char *copy = NULL;
	struct stat st;
	ssize_t n = -1;

	memset(&st, 0, sizeof(st));
	if (c != NULL && fstat(fd, &st) != -1 && st.st_size <= CONF_SIZE_MAX)
		copy = conf_alloc(c, (size_t)st.st_size);
	if (copy != NULL)
		n = pread(fd, copy, (size_t)st.st_size, 0);
	if (n == -1 || n != st.st_size) {
		in_fail("the configuration cannot be read: %s",
		    n == -1 ? strerror(errno) : "a part is missing");
		*errp = in_error();
		conf_free(&c);
		return NULL;
	}
	return decode(c, copy, (size_t)n, errp);
}

/* Texts of c point into the bytes from here on. */
static struct conf *
decode(struct conf *c, const char *p, size_t len, const char **errp)
{
	struct in in = { .conf = c, .p = p, .end = p + len };

	*errp = in_error();
	if (get_head(&in, len) == -1 || get_kinds(&in) == -1 ||
	    kind_is(&in, 0, &conf_spec_root) == -1 ||
	    get_rows(&in, &in.kinds[0], c) == -1 ||
	    (in.p != in.end && in_fail("there is more than a value") == -1) ||
	    check_section(c, &conf_spec_root, c) == -1 ||
	    check_limits(c) == -1 || (conf_users(c) == -1 &&
	    in_fail("there are too many files of users") == -1))
		conf_free(&c);
	return c;
}

static int
get_head(struct in *in, size_t len)
{
	const char *magic = in_bytes(in, strlen(CONF_MAGIC));
	uint32_t form, all;

	if (magic == NULL || memcmp(magic, CONF_MAGIC, strlen(CONF_MAGIC)) != 0)
		return in_fail("this is no configuration");
	if (in_number(in, &form) == -1 || in_number(in, &all) == -1)
		return -1;
	if (form != CONF_FORM)
		return in_fail("the configuration is of form %u, not %d", form,
		    CONF_FORM);
	return all == len ? 0 : in_short();
}

static int
get_kinds(struct in *in)
{
	uint32_t n;
	unsigned i;

	if (in_number(in, &n) == -1)
		return -1;
	if (n == 0 || n > KINDS_MAX)
		return in_fail("there are %u kinds of section", n);
	if ((in->kinds = conf_alloc(in->conf, n * sizeof(*in->kinds))) == NULL)
		return in_fail("not enough memory");
	in->nkinds = n;
	for (i = 0; i < n; i++)
		if (get_kind(in, &in->kinds[i]) == -1)
			return -1;
	return 0;
}

static int
get_kind(struct in *in, struct kind *k)
{
	struct row *r;
	uint32_t n;

	if (in_number(in, &n) == -1)
		return -1;
	if (n > ROWS_MAX || n > (size_t)(in->end - in->p))
		return in_fail("a section has %u options", n);
	if ((k->rows = conf_alloc(in->conf, n * sizeof(*k->rows))) == NULL)
		return in_fail("not enough memory");
	k->nrows = n;
	for (r = k->rows; r < k->rows + n; r++)
		if ((r->name = in_text(in)) == NULL ||
		    (r->form = in_text(in)) == NULL ||
		    in_number(in, &r->kind) == -1)
			return -1;
	return 0;
}

/* Rows of the same name and form are the same; the others are skipped. */
static int
kind_is(struct in *in, unsigned number, const struct conf_section *spec)
{
	const struct conf_opt *o = spec->opts;
	struct kind *k;
	unsigned i;

	if (in->kinds == NULL || number >= in->nkinds ||
	    ((k = &in->kinds[number])->spec != NULL && k->spec != spec))
		return in_fail("a kind of section is not in order");
	if (k->spec == spec)
		return 0;
	while (o->name != NULL)
		o++;
	k->spec = spec;
	k->given = conf_alloc(in->conf, (size_t)(o - spec->opts + 1));
	if (k->given == NULL)
		return in_fail("not enough memory");
	for (i = 0; i < k->nrows; i++)
		if (row_is(in, k, &k->rows[i]) == -1)
			return -1;
	return 0;
}

static int
row_is(struct in *in, struct kind *k, struct row *r)
{
	const struct conf_opt *o = conf_spec_find(k->spec, r->name);
	bool *given;

	if (o == NULL || strcmp(conf_form_name(o), r->form) != 0)
		return 0;
	given = &k->given[o - k->spec->opts];
	if (*given)
		return in_fail("\"%.32s\" is there twice", r->name);
	*given = true;
	r->opt = o;
	return o->type == CONF_SECTION ? kind_is(in, r->kind, o->section) : 0;
}

static int
get_rows(struct in *in, const struct kind *k, void *base)
{
	const char *end = in->end, *value;
	const struct row *r;
	uint32_t len;

	get_defaults(k->spec, k->given, base);
	for (r = k->rows; r < k->rows + k->nrows; r++) {
		if (in_number(in, &len) == -1 ||
		    (value = in_bytes(in, len)) == NULL)
			return -1;
		if (r->opt == NULL)
			continue;
		in->p = value;
		in->end = value + len;
		if ((r->opt->type == CONF_SECTION ? get_sections(in, r, base) :
		    in_value(in, r->opt, base)) == -1)
			return -1;
		if (in->p != in->end)
			return in_fail("%.32s: it is longer than it should be",
			    r->name);
		in->end = end;
	}
	return 0;
}

/* Of the rows that are not given. */
static void
get_defaults(const struct conf_section *spec, const bool *given, void *base)
{
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++) {
		if (given != NULL && given[o - spec->opts])
			continue;
		if (o->type != CONF_SECTION)
			conf_field_default(o, base);
		else if (o->section->size == 0)
			get_defaults(o->section, NULL,
			    (char *)base + o->offset);
	}
}

static int
get_sections(struct in *in, const struct row *r, void *base)
{
	const struct conf_section *spec = r->opt->section;
	struct conf_array a;

	if (spec->size == 0)
		return get_rows(in, &in->kinds[r->kind],
		    (char *)base + r->opt->offset);
	if (in_number(in, &a.n) == -1)
		return -1;
	/* Each has a title at least, or a row. */
	if (a.n > (size_t)(in->end - in->p) / sizeof(uint32_t) ||
	    (in->nsections += a.n) > CONF_SECTIONS)
		return in_fail("there are too many sections");
	if ((a.items = conf_alloc(in->conf, a.n * spec->size)) == NULL)
		return in_fail("not enough memory");
	conf_field_set_array(r->opt, base, &a);
	return get_items(in, r, &a);
}

static int
get_items(struct in *in, const struct row *r, const struct conf_array *a)
{
	const struct kind *k = &in->kinds[r->kind];
	char *item = a->items;
	unsigned i;

	for (i = 0; i < a->n; i++, item += k->spec->size)
		if ((!k->spec->untitled && get_title(in, item) == -1) ||
		    get_rows(in, k, item) == -1)
			return -1;
	return 0;
}

static int
get_title(struct in *in, char *name)
{
	const char *title = in_text(in);

	if (title == NULL)
		return -1;
	if (!conf_title_ok(title))
		return in_fail("a section has a name that none may have");
	strlcpy(name, title, CONF_NAME);
	return 0;
}

/* What has to be there, and what can only be looked at when all is. */
static int
check_section(const struct conf *c, const struct conf_section *spec,
    const void *base)
{
	bool is_unix = conf_field_is_unix(spec, base);
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++)
		if (!conf_field_unused(o, is_unix) &&
		    check_row(c, spec, o, base) == -1)
			return -1;
	return 0;
}

static int
check_row(const struct conf *c, const struct conf_section *spec,
    const struct conf_opt *o, const void *base)
{
	struct conf_array a;
	unsigned i;

	if (o->type == CONF_REF) {
		a = conf_field_others(o, c);
		return conf_field_get(o, base) < a.n ||
		    (conf_field_get(o, base) == CONF_NOREF &&
		    conf_field_may_lack(c, spec, o, base)) ? 0 :
		    in_fail("%s is none of %u", o->name, a.n);
	}
	if (o->type == CONF_PORT)
		return check_port(o, base);
	if (o->type != CONF_SECTION)
		return 0;
	if (o->section->size == 0)
		return check_section(c, o->section,
		    (const char *)base + o->offset);
	a = conf_field_array(o, base);
	if (o->required && a.n == 0 && !conf_field_may_lack(c, spec, o, base))
		return in_fail("there is no %s", o->name);
	for (i = 0; i < a.n; i++)
		if (check_section(c, o->section,
		    a.items + i * o->section->size) == -1)
			return -1;
	return 0;
}

/* Of a name that is not known yet it is a number, and a service has none. */
static bool
port_is_later(const struct conf_opt *o, const void *base)
{
	const struct conf_remote *r = base;
	uint64_t port;
	const char *end;

	if (!o->asked || r->address == NULL)
		return false;
	if (conf_is_service(r))
		return r->port == NULL;
	return r->naddr == 0 && r->port != NULL &&
	    conf_units_number(r->port, &port, &end) == 0 && *end == '\0' &&
	    port >= o->min && port <= UINT16_MAX;
}

static int
check_port(const struct conf_opt *o, const void *base)
{
	struct conf_array a = conf_field_array(o, base);
	const struct addr *addr = (const void *)a.items;
	unsigned i;

	if ((a.n == 0 || conf_field_text(o, base) == NULL) &&
	    !port_is_later(o, base))
		return in_fail("%s or address is missing", o->name);
	for (i = 0; i < a.n; i++)
		if (addr_get_port(&addr[i]) < o->min)
			return in_fail("%s is out of range", o->name);
	return 0;
}

static int
check_limits(const struct conf *c)
{
	if (c->servers_min > c->servers_max)
		return in_fail("servers: min is greater than max");
	if (c->users_min > c->users_max)
		return in_fail("users: min is greater than max");
	return 0;
}
