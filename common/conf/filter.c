#include "compat.h"

#include "conf/int.h"

static unsigned	 kind_count(const struct conf *, enum conf_filter_kind);
static bool	 kind_named(const struct conf *, enum conf_filter_kind,
		    const char **, unsigned);

const struct conf_word conf_ways[] = {
	{ "both", CONF_WAY_BOTH },
	{ "up", CONF_WAY_UP },
	{ "down", CONF_WAY_DOWN },
	{ NULL, 0 }
};

const struct conf_filter_spec conf_filter_specs[CONF_FILTERS] = {
	[CONF_FILTER_MATCH] = { &conf_spec_match, true },
	[CONF_FILTER_PROGRAM] = { &conf_spec_program, true },
	[CONF_FILTER_RATE] = { &conf_spec_rate, false },
	[CONF_FILTER_FAULT] = { &conf_spec_fault, true },
	[CONF_FILTER_RECORD] = { &conf_spec_record, true },
	[CONF_FILTER_DUMP] = { &conf_spec_dump, true },
};

struct conf_array
conf_filter_array(const struct conf *c, enum conf_filter_kind kind)
{
	const struct conf_opt o = {
		.section = conf_filter_specs[kind].section
	};

	return conf_field_others(&o, c);
}

static unsigned
kind_count(const struct conf *c, enum conf_filter_kind kind)
{
	return conf_filter_array(c, kind).n;
}

bool
conf_filter_of(const struct conf *c, const char *name, struct conf_filter *f)
{
	const unsigned n = conf_nfilters(c);
	unsigned i;

	for (i = 0; i < n; i++) {
		*f = conf_filter_at(c, i);
		if (strcmp(conf_filter_name(c, f), name) == 0)
			return true;
	}
	return false;
}

/* Of those names. */
static bool
kind_named(const struct conf *c, enum conf_filter_kind kind,
    const char **names, unsigned n)
{
	struct conf_filter f;
	unsigned i;

	for (i = 0; i < n; i++)
		if (conf_filter_of(c, names[i], &f) && f.kind == kind)
			return true;
	return false;
}

bool
conf_filter_used(const struct conf *c, enum conf_filter_kind kind)
{
	unsigned i;

	for (i = 0; i < c->nlistens; i++)
		if (kind_named(c, kind, c->listens[i].filters,
		    c->listens[i].nfilters))
			return true;
	for (i = 0; i < c->nrelays; i++)
		if (kind_named(c, kind, c->relays[i].filters,
		    c->relays[i].nfilters))
			return true;
	return false;
}

unsigned
conf_nfilters(const struct conf *c)
{
	unsigned kind, n = 0;

	for (kind = 0; kind < CONF_FILTERS; kind++)
		n += kind_count(c, kind);
	return n;
}

unsigned
conf_filter_number(const struct conf *c, const struct conf_filter *f)
{
	unsigned kind, n = f->index;

	for (kind = 0; kind < f->kind; kind++)
		n += kind_count(c, kind);
	return n;
}

struct conf_filter
conf_filter_at(const struct conf *c, unsigned number)
{
	struct conf_filter f = { .index = number };
	unsigned n;

	for (; number >= (n = kind_count(c, f.kind)); f.kind++)
		number -= n;
	f.index = number;
	return f;
}

const char *
conf_filter_name(const struct conf *c, const struct conf_filter *f)
{
	return conf_filter_array(c, f->kind).items +
	    f->index * conf_filter_specs[f->kind].section->size;
}

const char *
conf_filter_kind_name(enum conf_filter_kind kind)
{
	return conf_filter_specs[kind].section->name;
}
