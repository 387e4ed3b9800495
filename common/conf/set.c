#include "compat.h"

#include "conf/int.h"
#include "conf/near.h"
#include "conf/set.h"

static int	 set_record(struct conf_record *, const char *, const char *,
		    const char **);
static int	 set_unknown(const struct conf_section *, const char *,
		    const char **);

void *
conf_set_section(struct conf *c, const struct conf_filter *f)
{
	return conf_filter_array(c, f->kind).items +
	    f->index * conf_filter_specs[f->kind].section->size;
}

void *
conf_set_copy(const struct conf *c, const struct conf_filter *f)
{
	const size_t size = conf_filter_specs[f->kind].section->size;
	void *copy = malloc(size);

	if (copy != NULL)
		memcpy(copy, conf_filter_array(c, f->kind).items +
		    f->index * size, size);
	return copy;
}

/* What a record is told besides, which no file has. */
static int
set_record(struct conf_record *r, const char *option, const char *text,
    const char **errp)
{
	if (strcmp(option, "until") == 0) {
		r->until = (uint64_t)strtonum(text, 0, INT64_MAX, errp);
		return *errp == NULL ? 0 : -1;
	}
	r->has_only = strcmp(text, "all") != 0;
	return r->has_only ? acl_parse_network(text, &r->only, errp) : 0;
}

int
conf_set(const struct conf_filter *f, void *section, const char *option,
    const char *text, const char **errp)
{
	const struct conf_section *spec = conf_filter_specs[f->kind].section;
	const struct conf_opt *o = conf_spec_find(spec, option);
	uint64_t n;

	if (f->kind == CONF_FILTER_RECORD && (strcmp(option, "only") == 0 ||
	    strcmp(option, "until") == 0))
		return set_record(section, option, text, errp);
	if (o == NULL || o->type > CONF_BOOL)
		return set_unknown(spec, option, errp);
	if (conf_scalar_of(o, o->name, text, &n, errp) == -1)
		return -1;
	conf_field_set(o, section, n);
	return 0;
}

static int
set_unknown(const struct conf_section *spec, const char *option,
    const char **errp)
{
	static char sentence[256];
	const struct conf_opt *o;
	struct near near;

	near_init(&near, option);
	for (o = spec->opts; o->name != NULL; o++)
		if (o->type <= CONF_BOOL)
			near_try(&near, o->name);
	snprintf(sentence, sizeof(sentence), "\"%.40s\" is no option of a %s "
	    "that can be set%s", option, spec->name, near_hint(&near));
	*errp = sentence;
	return -1;
}

const char *
conf_set_wrong(const struct conf_filter *f, const void *section)
{
	const char *option;

	return f->kind == CONF_FILTER_FAULT ?
	    conf_fault_wrong(section, &option) : NULL;
}
