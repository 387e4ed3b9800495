#include "compat.h"

#include "conf/int.h"
#include "line.h"

/* An object being written. */
struct page {
	FILE			*f;
	const struct conf	*conf;
	bool			 more;		/* it has members */
};

static void	 json_rows(struct page *, const struct conf_section *,
		    const void *);
static void	 json_key(struct page *, const char *);
static void	 json_sections(const struct page *, const struct conf_opt *,
		    const void *);
static void	 json_section(const struct page *, const struct conf_section *,
		    const char *, const void *);
static void	 json_value(const struct page *, const struct conf_opt *,
		    const void *);
static void	 json_number(FILE *, const struct conf_opt *, uint64_t);
static void	 json_word(FILE *, const struct conf_opt *, uint64_t);
static void	 json_ref(const struct page *, const struct conf_opt *,
		    const void *);
static void	 json_rules(FILE *, const struct conf_opt *,
		    const struct acl *);
static void	 json_texts(FILE *, const struct conf_opt *, const void *);
static void	 json_text(FILE *, const struct conf_opt *, const void *);

int
conf_print_json(const struct conf *conf, FILE *f)
{
	struct page page = { .f = f, .conf = conf };

	fputc('{', f);
	json_rows(&page, &conf_spec_root, conf);
	fputs("}\n", f);
	return ferror(f) || fflush(f) == EOF ? -1 : 0;
}

static void
json_rows(struct page *p, const struct conf_section *spec, const void *base)
{
	const bool is_unix = conf_field_is_unix(spec, base);
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++) {
		if (conf_field_unused(o, is_unix) || o->type == CONF_SECRET)
			continue;
		/* What a file cannot say is a name that there is already. */
		json_key(p, o->name[0] == '.' ? "logs" : o->name);
		if (o->type == CONF_SECTION)
			json_sections(p, o, base);
		else if (conf_field_is_set(o, base))
			json_value(p, o, base);
		else
			fputs("null", p->f);
	}
}

static void
json_key(struct page *p, const char *name)
{
	fprintf(p->f, "%s\"%s\": ", p->more ? ", " : "", name);
	p->more = true;
}

static void
json_sections(const struct page *p, const struct conf_opt *o,
    const void *base)
{
	const struct conf_section *spec = o->section;
	struct conf_array a;
	unsigned i;

	if (spec->size == 0) {
		json_section(p, spec, NULL, (const char *)base + o->offset);
		return;
	}
	a = conf_field_array(o, base);
	fputc('[', p->f);
	for (i = 0; i < a.n; i++) {
		fputs(i == 0 ? "" : ",\n ", p->f);
		json_section(p, spec, spec->untitled ? NULL :
		    a.items + i * spec->size, a.items + i * spec->size);
	}
	fputc(']', p->f);
}

static void
json_section(const struct page *p, const struct conf_section *spec,
    const char *title, const void *base)
{
	struct page inner = { .f = p->f, .conf = p->conf };

	fputc('{', p->f);
	if (title != NULL) {
		json_key(&inner, "name");
		line_json_write(p->f, title);
	}
	json_rows(&inner, spec, base);
	fputc('}', p->f);
}

static void
json_value(const struct page *p, const struct conf_opt *o, const void *base)
{
	switch (o->type) {
	case CONF_REF:
		json_ref(p, o, base);
		break;
	case CONF_RULES:
		json_rules(p->f, o,
		    (const void *)((const char *)base + o->offset));
		break;
	case CONF_TEXTS:
	case CONF_CERTS:
	case CONF_LOCALS:
		json_texts(p->f, o, base);
		break;
	default:
		if (o->type < CONF_PATH)
			json_number(p->f, o, conf_field_get(o, base));
		else
			json_text(p->f, o, base);
		break;
	}
}

static void
json_number(FILE *f, const struct conf_opt *o, uint64_t n)
{
	char buf[CONF_UNITLEN];

	switch (o->type) {
	case CONF_BOOL:
		fputs(n != 0 ? "true" : "false", f);
		break;
	case CONF_DURATION:
		fprintf(f, "%llu.%03u", (unsigned long long)(n / 1000),
		    (unsigned)(n % 1000));
		break;
	case CONF_SHARE:
		fputs(conf_share_str(n, buf), f);
		break;
	case CONF_MODE:
		fprintf(f, "\"%04o\"", (unsigned)n);
		break;
	default:
		json_word(f, o, n);
		break;
	}
}

/* Of the numbers some have names. */
static void
json_word(FILE *f, const struct conf_opt *o, uint64_t n)
{
	const char *word = o->words != NULL && n <= INT_MAX ?
	    conf_spec_word(o->words, (int)n) : "?";

	if (o->type != CONF_WORD && *word == '?')
		fprintf(f, "%llu", (unsigned long long)n);
	else
		line_json_write(f, word);
}

static void
json_ref(const struct page *p, const struct conf_opt *o, const void *base)
{
	const struct conf_array a = conf_field_others(o, p->conf);

	line_json_write(p->f, a.items + conf_field_get(o, base) *
	    o->section->size);
}

static void
json_rules(FILE *f, const struct conf_opt *o, const struct acl *acl)
{
	char rule[ADDR_STRLEN];
	size_t i;

	fputc('[', f);
	for (i = 0; i < acl->n; i++) {
		fputs(i == 0 ? "" : ", ", f);
		line_json_write(f, (o->networks ? acl_network_str : acl_str)
		    (&acl->rules[i], rule));
	}
	fputc(']', f);
}

static void
json_texts(FILE *f, const struct conf_opt *o, const void *base)
{
	const struct conf_array a = conf_field_array(o, base);
	unsigned i;

	fputc('[', f);
	for (i = 0; i < a.n; i++) {
		fputs(i == 0 ? "" : ", ", f);
		line_json_write(f, conf_field_item(o, &a, i));
	}
	fputc(']', f);
}

/* A port is a number, if it is one: without zeros before it. */
static void
json_text(FILE *f, const struct conf_opt *o, const void *base)
{
	const char *text = conf_field_text(o, base);

	if (text == NULL)
		text = o->def;
	if (o->type == CONF_PORT && text[0] != '\0' &&
	    (text[0] != '0' || text[1] == '\0') &&
	    text[strspn(text, "0123456789")] == '\0')
		fputs(text, f);
	else
		line_json_write(f, text);
}
