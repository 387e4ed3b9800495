#include "compat.h"

#include "filter.h"
#include "self.h"

static const struct filter *const filters[CONF_FILTERS] = {
	[CONF_FILTER_MATCH] = &filter_match,
	[CONF_FILTER_PROGRAM] = &filter_program,
	[CONF_FILTER_RATE] = &filter_rate,
	[CONF_FILTER_FAULT] = &filter_fault,
	[CONF_FILTER_RECORD] = &filter_record,
	[CONF_FILTER_DUMP] = &filter_dump,
};

static int	 filter_use(const char **, unsigned);

static struct filter_section	*sections;	/* one a section */
static unsigned			 nsections;

int
filter_start(void)
{
	const struct conf *c = self.conf;
	struct filter_section *f;
	unsigned i;

	nsections = conf_nfilters(c);
	if ((sections = calloc(nsections + 1, sizeof(*sections))) == NULL)
		return -1;
	for (i = 0; i < nsections; i++) {
		f = &sections[i];
		f->conf = conf_filter_at(c, i);
		f->number = i;
		f->name = conf_filter_name(c, &f->conf);
		f->board = board_filter(&self.board, self.board.own, i);
		f->ops = filters[f->conf.kind];
	}
	for (i = 0; i < c->nlistens; i++)
		if (filter_use(c->listens[i].filters,
		    c->listens[i].nfilters) == -1)
			return -1;
	for (i = 0; i < c->nrelays; i++)
		if (filter_use(c->relays[i].filters,
		    c->relays[i].nfilters) == -1)
			return -1;
	return 0;
}

static int
filter_use(const char **names, unsigned n)
{
	struct filter_section *f;
	unsigned i;

	for (i = 0; i < n; i++) {
		if ((f = filter_named(names[i])) == NULL) {
			errno = ENOENT;
			return -1;
		}
		if (f->used)
			continue;
		f->used = true;
		if (f->ops->start != NULL && f->ops->start(f) == -1)
			return -1;
	}
	return 0;
}

struct filter_section *
filter_named(const char *name)
{
	unsigned i;

	for (i = 0; i < nsections; i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

struct filter_section *
filter_numbered(unsigned n)
{
	return n < nsections ? &sections[n] : NULL;
}
