#include "compat.h"

#include <ctype.h>

#include "conf/int.h"
#include "logdest.h"

static int	 field_parse_bool(const char *, uint64_t *);
static int	 field_parse_mode(const char *, uint64_t *);
static struct conf_array field_array_at(const char *);
static size_t	 field_array_place(const struct conf_opt *);

uint64_t
conf_field_get(const struct conf_opt *o, const void *base)
{
	const char *field = (const char *)base + o->offset;
	uint64_t big;
	uint32_t id;
	bool flag;
	int word;

	switch (o->type) {
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_SHARE:
		memcpy(&big, field, sizeof(big));
		return big;
	case CONF_BOOL:
		memcpy(&flag, field, sizeof(flag));
		return flag;
	case CONF_WORD:
		memcpy(&word, field, sizeof(word));
		return (uint64_t)word;
	default:
		memcpy(&id, field, sizeof(id));
		return id;
	}
}

void
conf_field_set(const struct conf_opt *o, void *base, uint64_t value)
{
	char *field = (char *)base + o->offset;
	uint32_t id = (uint32_t)value;
	bool flag = value != 0;
	int word = (int)value;

	switch (o->type) {
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_SHARE:
		memcpy(field, &value, sizeof(value));
		break;
	case CONF_BOOL:
		memcpy(field, &flag, sizeof(flag));
		break;
	case CONF_WORD:
		memcpy(field, &word, sizeof(word));
		break;
	default:
		memcpy(field, &id, sizeof(id));
		break;
	}
}

const char *
conf_field_text(const struct conf_opt *o, const void *base)
{
	const char *text;

	memcpy(&text, (const char *)base + o->offset, sizeof(text));
	return text;
}

void
conf_field_set_text(const struct conf_opt *o, void *base, const char *text)
{
	memcpy((char *)base + o->offset, &text, sizeof(text));
}

uint32_t
conf_field_id(const struct conf_opt *o, const void *base, unsigned i)
{
	uint32_t id;

	memcpy(&id, (const char *)base + o->more + i * sizeof(id), sizeof(id));
	return id;
}

void
conf_field_set_id(const struct conf_opt *o, void *base, unsigned i,
    uint32_t id)
{
	memcpy((char *)base + o->more + i * sizeof(id), &id, sizeof(id));
}

struct conf_array
conf_field_array(const struct conf_opt *o, const void *base)
{
	return field_array_at((const char *)base + field_array_place(o));
}

void
conf_field_set_array(const struct conf_opt *o, void *base,
    const struct conf_array *a)
{
	char *field = (char *)base + field_array_place(o);

	memcpy(field, &a->items, sizeof(a->items));
	memcpy(field + sizeof(a->items), &a->n, sizeof(a->n));
}

static struct conf_array
field_array_at(const char *field)
{
	struct conf_array a;

	memcpy(&a.items, field, sizeof(a.items));
	memcpy(&a.n, field + sizeof(a.items), sizeof(a.n));
	return a;
}

static size_t
field_array_place(const struct conf_opt *o)
{
	return o->type == CONF_SECTION || conf_field_is_texts(o) ? o->offset :
	    o->more;
}

size_t
conf_field_item_size(const struct conf_opt *o)
{
	switch (o->type) {
	case CONF_CERTS:
		return sizeof(struct conf_cert);
	case CONF_LOCALS:
		return sizeof(struct conf_local);
	default:
		return sizeof(const char *);
	}
}

const char *
conf_field_item(const struct conf_opt *o, const struct conf_array *a,
    unsigned i)
{
	const char *text;

	memcpy(&text, a->items + i * conf_field_item_size(o), sizeof(text));
	return text;
}

struct conf_array
conf_field_others(const struct conf_opt *ref, const struct conf *conf)
{
	const struct conf_opt *o = conf_spec_root.opts;

	while (o->section != ref->section)
		o++;
	return conf_field_array(o, conf);
}

bool
conf_field_may_lack(const struct conf *conf, const struct conf_section *spec,
    const struct conf_opt *ref, const void *base)
{
	if (ref->by_relay && conf->exec != NULL)
		return true;
	if (spec == &conf_spec_listen && ref->by_relay &&
	    ((const struct conf_listen *)base)->serve == SERVE_STATUS)
		return true;
	if (ref->unless == NULL)
		return ref->optional;
	return conf_field_array(conf_spec_find(spec, ref->unless), base).n > 0;
}

void
conf_field_default(const struct conf_opt *o, void *base)
{
	const char *err;
	uint64_t n;

	switch (o->type) {
	case CONF_MODE:
		conf_field_set(o, base, CONF_NOID);
		break;
	case CONF_REF:
		conf_field_set(o, base, o->optional ? CONF_NOREF : 0);
		break;
	case CONF_USER:
		conf_field_set_id(o, base, 1, CONF_NOID);
		/* FALLTHROUGH */
	case CONF_UID:
	case CONF_GID:
		conf_field_set_id(o, base, 0, CONF_NOID);
		break;
	default:
		if (o->optional && o->def == NULL)
			conf_field_set(o, base, CONF_NONE);
		else if (o->type < CONF_MODE &&
		    conf_field_parse(o, o->def, &n, &err) == 0)
			conf_field_set(o, base, n);
		break;
	}
}

int
conf_field_parse(const struct conf_opt *o, const char *text, uint64_t *n,
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
	case CONF_SHARE:
		return conf_share_of(text, n, errp);
	case CONF_WORD:
		if ((w = conf_spec_word_of(o->words, text)) == NULL)
			return -1;
		*n = (uint64_t)w->value;
		return 0;
	case CONF_BOOL:
		return field_parse_bool(text, n);
	case CONF_MODE:
		return field_parse_mode(text, n);
	default:
		if (o->words != NULL &&
		    (w = conf_spec_word_of(o->words, text)) != NULL) {
			*n = (uint64_t)w->value;
			return 0;
		}
		if (conf_units_number(text, n, &end) == -1 || *end != '\0')
			return -1;
		return 0;
	}
}

static int
field_parse_bool(const char *text, uint64_t *n)
{
	static const char *const yes[] = { "yes", "on", "true" };
	static const char *const no[] = { "no", "off", "false" };
	size_t i;

	for (i = 0; i < nitems_of(yes); i++) {
		*n = strcasecmp(text, yes[i]) == 0;
		if (*n || strcasecmp(text, no[i]) == 0)
			return 0;
	}
	return -1;
}

static int
field_parse_mode(const char *text, uint64_t *n)
{
	size_t digits = strspn(text, "01234567");

	if (digits == 0 || digits > 8 || text[digits] != '\0')
		return -1;
	*n = strtoul(text, NULL, 8);
	return *n > CONF_MODE_MAX ? -1 : 0;
}

char *
conf_field_str(const struct conf_opt *o, uint64_t n, char buf[CONF_UNITLEN])
{
	if (o->type == CONF_DURATION)
		return conf_duration_str(n, buf);
	if (o->type == CONF_SIZE)
		return conf_size_str(n, buf);
	if (o->type == CONF_SHARE)
		return conf_share_str(n, buf);
	snprintf(buf, CONF_UNITLEN, "%llu", (unsigned long long)n);
	return buf;
}

bool
conf_field_in_range(const struct conf_opt *o, uint64_t n)
{
	switch (o->type) {
	case CONF_NUMBER:
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_SHARE:
		return (n >= o->min && n <= o->max) || (n == 0 && o->zero) ||
		    (n == CONF_NONE && o->optional && o->def == NULL);
	case CONF_BOOL:
		return n <= 1;
	case CONF_MODE:
		return n <= CONF_MODE_MAX || n == CONF_NOID;
	default:
		return n <= UINT32_MAX;
	}
}

bool
conf_field_is_set(const struct conf_opt *o, const void *base)
{
	if (o->type == CONF_MODE)
		return conf_field_get(o, base) != CONF_NOID;
	if (o->optional && o->type < CONF_WORD)
		return conf_field_get(o, base) != CONF_NONE;
	if (o->filled)
		return ((const struct acl *)(const void *)
		    ((const char *)base + o->offset))->n > 0;
	if (o->type == CONF_REF)
		return conf_field_get(o, base) != CONF_NOREF;
	if (conf_field_is_texts(o))
		return conf_field_array(o, base).n > 0;
	if (o->type < CONF_PATH || o->type == CONF_RULES || o->def != NULL)
		return true;
	return conf_field_text(o, base) != NULL;
}

bool
conf_field_is_unix(const struct conf_section *spec, const void *base)
{
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++)
		if (o->type == CONF_SOCKET)
			return conf_field_text(o, base) != NULL;
	return false;
}

bool
conf_field_unused(const struct conf_opt *o, bool is_unix)
{
	return o->only == (is_unix ? CONF_INET : CONF_UNIX);
}

bool
conf_field_is_abstract(const struct conf_opt *o, const char *path)
{
	return o->abstract && path[0] == '@' && path[1] != '\0';
}

bool
conf_field_path_ok(const struct conf_opt *o, const char *path)
{
	struct log_dest dest;
	const char *err;

	if (o->dest && log_dest_parse(path, &dest, &err) == 0)
		return true;
	if (*path != '/' && !conf_field_is_abstract(o, path) &&
	    (o->words == NULL || conf_spec_word_of(o->words, path) == NULL))
		return false;
	return strlen(path) <= o->max;
}

bool
conf_field_is_list(const struct conf_opt *o)
{
	return o->type == CONF_RULES || conf_field_is_texts(o);
}

bool
conf_field_is_texts(const struct conf_opt *o)
{
	return o->type == CONF_TEXTS || o->type == CONF_CERTS ||
	    o->type == CONF_LOCALS;
}

bool
conf_is_titled(const struct conf_section *spec)
{
	return spec->size > 0 && !spec->untitled;
}

const struct conf_opt *
conf_field_titled(const struct conf_section *spec, const struct conf_opt *o)
{
	const struct conf_opt *other;

	for (other = spec->opts; other->name != NULL; other++)
		if (other->type == CONF_SECTION && other != o &&
		    strcmp(other->section->name, o->name) == 0)
			return other;
	return o;
}

bool
conf_title_ok(const char *title)
{
	const char *p = title;

	while (isalnum((unsigned char)*p) ||
	    (*p != '\0' && strchr("._-", *p) != NULL))
		p++;
	return *p == '\0' && p > title && strlen(title) < CONF_NAME;
}
