#include "compat.h"

#include "conf/int.h"

/* A section being printed. */
struct page {
	FILE			*f;
	enum conf_style		 style;
	const struct conf	*conf;
	unsigned		 depth;
};

static void	 print_rows(struct page *, const struct conf_section *,
		    const void *);
static void	 print_sections(struct page *, const struct conf_opt *,
		    const void *);
static void	 print_section(struct page *, const struct conf_section *,
		    const char *, const void *);
static void	 print_indent(const struct page *);
static void	 print_value(const struct page *, const struct conf_opt *,
		    const void *);
static void	 print_number(const struct page *, const struct conf_opt *,
		    const void *);
static void	 print_text(const struct page *, const struct conf_opt *,
		    const void *);
static void	 print_resolved(const struct page *, const struct conf_opt *,
		    const void *);
static bool	 print_is_later(const struct conf_opt *, const void *,
		    const struct conf_array *);
static void	 print_ref(const struct page *, const struct conf_opt *,
		    const void *);
static void	 print_rules(FILE *, const struct conf_opt *,
		    const struct acl *);
static void	 print_texts(const struct page *, const struct conf_opt *,
		    const void *);
static void	 print_local(FILE *, const struct conf_local *);
static void	 print_hosts(FILE *, const struct conf_array *);
static void	 print_ports(FILE *, const struct conf_array *);
static int	 print_given(const struct conf_opt *, const void *, size_t,
		    size_t, FILE *);
static bool	 print_is_default(const struct conf_opt *, const void *);

int
conf_print(const struct conf *conf, enum conf_style style, FILE *f)
{
	struct page page = { .f = f, .style = style, .conf = conf };

	print_rows(&page, &conf_spec_root, conf);
	return ferror(f) || fflush(f) == EOF ? -1 : 0;
}

static void
print_rows(struct page *p, const struct conf_section *spec, const void *base)
{
	bool is_unix = conf_field_is_unix(spec, base);
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++) {
		if (conf_field_unused(o, is_unix))
			continue;
		if (o->type == CONF_SECTION) {
			print_sections(p, o, base);
			continue;
		}
		print_indent(p);
		if (o->type == CONF_SECRET)
			fprintf(p->f, "# %s is not shown", o->name);
		else if (conf_field_is_set(o, base)) {
			fprintf(p->f, "%s = ", o->name);
			print_value(p, o, base);
		} else
			fprintf(p->f, "# %s is not set", o->name);
		fputc('\n', p->f);
	}
}

static void
print_sections(struct page *p, const struct conf_opt *o, const void *base)
{
	const struct conf_section *spec = o->section;
	struct conf_array a;
	unsigned i;

	if (spec->size == 0) {
		print_section(p, spec, NULL, (const char *)base + o->offset);
		return;
	}
	a = conf_field_array(o, base);
	for (i = 0; i < a.n; i++)
		print_section(p, spec, spec->untitled ? NULL :
		    a.items + i * spec->size, a.items + i * spec->size);
}

static void
print_section(struct page *p, const struct conf_section *spec,
    const char *title, const void *base)
{
	print_indent(p);
	fprintf(p->f, "%s%s%s {\n", spec->name, title == NULL ? "" : " ",
	    title == NULL ? "" : title);
	p->depth++;
	print_rows(p, spec, base);
	p->depth--;
	print_indent(p);
	fprintf(p->f, "}\n");
}

static void
print_indent(const struct page *p)
{
	unsigned i;

	for (i = 0; i < p->depth; i++)
		fputc('\t', p->f);
}

static void
print_value(const struct page *p, const struct conf_opt *o, const void *base)
{
	switch (o->type) {
	case CONF_WORD:
		fputs(conf_spec_word(o->words, (int)conf_field_get(o, base)),
		    p->f);
		break;
	case CONF_BOOL:
		fputs(conf_field_get(o, base) ? "yes" : "no", p->f);
		break;
	case CONF_REF:
		print_ref(p, o, base);
		break;
	case CONF_RULES:
		print_rules(p->f, o,
		    (const void *)((const char *)base + o->offset));
		break;
	case CONF_TEXTS:
	case CONF_CERTS:
	case CONF_LOCALS:
		print_texts(p, o, base);
		break;
	default:
		if (o->type < CONF_PATH)
			print_number(p, o, base);
		else if (p->style == CONF_RESOLVED)
			print_resolved(p, o, base);
		else
			print_text(p, o, base);
		break;
	}
}

static void
print_number(const struct page *p, const struct conf_opt *o, const void *base)
{
	uint64_t n = conf_field_get(o, base);
	char buf[CONF_UNITLEN];

	const char *word = "?";

	if (o->type == CONF_NUMBER && o->words != NULL)
		word = conf_spec_word(o->words, (int)n);
	if (*word != '?')
		fputs(word, p->f);
	else if (o->type == CONF_MODE)
		fprintf(p->f, "%04o", (unsigned)n);
	else
		fputs(conf_field_str(o, n, buf), p->f);
}

static void
print_text(const struct page *p, const struct conf_opt *o, const void *base)
{
	const char *text = conf_field_text(o, base);

	if (text == NULL)
		text = o->def;
	if (o->type == CONF_PORT && text[strspn(text, "0123456789")] == '\0')
		fputs(text, p->f);
	else
		conf_print_quoted(p->f, text);
}

static void
print_resolved(const struct page *p, const struct conf_opt *o,
    const void *base)
{
	struct conf_array a;

	switch (o->type) {
	case CONF_USER:
		fprintf(p->f, "\"%u:%u\"", conf_field_id(o, base, 0),
		    conf_field_id(o, base, 1));
		break;
	case CONF_UID:
	case CONF_GID:
		fprintf(p->f, "%u", conf_field_id(o, base, 0));
		break;
	case CONF_HOSTS:
	case CONF_PORT:
		a = conf_field_array(o, base);
		if (print_is_later(o, base, &a))
			print_text(p, o, base);
		else if (o->type == CONF_HOSTS)
			print_hosts(p->f, &a);
		else
			print_ports(p->f, &a);
		break;
	default:
		print_text(p, o, base);
		break;
	}
}

/* Who knows it now, or has more than an address, is asked again. */
static bool
print_is_later(const struct conf_opt *o, const void *base,
    const struct conf_array *a)
{
	return o->asked && (a->n == 0 || conf_is_service(base));
}

static void
print_ref(const struct page *p, const struct conf_opt *o, const void *base)
{
	struct conf_array a = conf_field_others(o, p->conf);

	fputs(a.items + conf_field_get(o, base) * o->section->size, p->f);
}

static void
print_rules(FILE *f, const struct conf_opt *o, const struct acl *acl)
{
	char rule[ADDR_STRLEN];
	size_t i;

	fputc('{', f);
	for (i = 0; i < acl->n; i++)
		fprintf(f, "%s\"%s\"", i == 0 ? "" : ", ",
		    (o->networks ? acl_network_str : acl_str)
		    (&acl->rules[i], rule));
	fputc('}', f);
}

static void
print_texts(const struct page *p, const struct conf_opt *o, const void *base)
{
	struct conf_array a = conf_field_array(o, base);
	const struct conf_local *local = (const void *)a.items;
	unsigned i;

	fputc('{', p->f);
	for (i = 0; i < a.n; i++) {
		fputs(i == 0 ? "" : ", ", p->f);
		if (o->type == CONF_LOCALS && p->style == CONF_RESOLVED)
			print_local(p->f, &local[i]);
		else
			conf_print_quoted(p->f, conf_field_item(o, &a, i));
	}
	fputc('}', p->f);
}

static void
print_local(FILE *f, const struct conf_local *l)
{
	char first[ADDR_STRLEN], last[ADDR_STRLEN];
	struct addr a = l->addr;

	addr_add(&a, l->n - 1);
	addr_host_str(&l->addr, first);
	addr_host_str(&a, last);
	fprintf(f, "\"%s%s%s\"", first, l->n > 1 ? "-" : "",
	    l->n > 1 ? last : "");
}

static void
print_hosts(FILE *f, const struct conf_array *a)
{
	const struct addr *addr = (const void *)a->items;
	char host[ADDR_STRLEN];
	unsigned i;

	fputc('"', f);
	for (i = 0; i < a->n &&
	    addr_get_port(&addr[i]) == addr_get_port(addr); i++)
		fprintf(f, "%s%s", i == 0 ? "" : ", ",
		    addr_host_str(&addr[i], host));
	fputc('"', f);
}

static void
print_ports(FILE *f, const struct conf_array *a)
{
	const struct addr *addr = (const void *)a->items;
	const unsigned low = addr_get_port(addr);
	const unsigned high = addr_get_port(&addr[a->n - 1]);

	if (low == high)
		fprintf(f, "%u", low);
	else
		fprintf(f, "\"%u-%u\"", low, high);
}

int
conf_print_socket(const struct conf_listen *l, FILE *f)
{
	const size_t from = offsetof(struct conf_listen, socket);

	return print_given(conf_spec_listen.opts, l, from,
	    from + sizeof(l->socket), f);
}

int
conf_print_filter(const struct conf *c, const struct conf_filter *filter,
    FILE *f)
{
	return print_given(conf_filter_specs[filter->kind].section->opts,
	    conf_filter_name(c, filter), 0, SIZE_MAX, f);
}

/* Those that have their place between the two. */
static int
print_given(const struct conf_opt *o, const void *base, size_t from, size_t to,
    FILE *f)
{
	const struct page page = { .f = f, .style = CONF_AS_WRITTEN };
	unsigned n = 0;

	for (; o->name != NULL; o++) {
		if (o->offset < from || o->offset >= to ||
		    !conf_field_is_set(o, base) || print_is_default(o, base))
			continue;
		fprintf(f, "%s%s=", n++ == 0 ? "" : ",", o->name);
		if (o->type == CONF_TEXT && to != SIZE_MAX)
			fputs(conf_field_text(o, base), f);
		else
			print_value(&page, o, base);
	}
	if (n == 0)
		fputc('-', f);
	return ferror(f) ? -1 : 0;
}

static bool
print_is_default(const struct conf_opt *o, const void *base)
{
	const char *err;
	uint64_t n;

	return o->def != NULL && conf_field_parse(o, o->def, &n, &err) == 0 &&
	    n == conf_field_get(o, base);
}

void
conf_print_quoted(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f) {
			fprintf(f, "\\x%02x", (unsigned char)*s);
			continue;
		}
		if (strchr("\"\\$", *s) != NULL)
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}
