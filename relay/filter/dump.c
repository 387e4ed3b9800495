#include "compat.h"

#include "filter/tap.h"
#include "self.h"

static int	 dump_open(struct filt *, struct sess *);
static enum verdict dump_data(struct filt *, struct end *, struct queue **,
		    struct queue **, enum flow);

const struct filter filter_dump = {
	.size = sizeof(struct tap), .why = WHY_FIN, .start = tap_start,
	.open = dump_open, .data = dump_data, .close = tap_close
};

static int
dump_open(struct filt *f, struct sess *s)
{
	(void)s;
	return tap_open(container_of(f, struct tap, filt),
	    FEED_DUMP, false);
}

static enum verdict
dump_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	const struct conf_dump *c = &self.conf->dumps[f->section->conf.index];
	const struct tap_how how = { .way = c->direction,
		.limit = c->limit };

	return tap_data(container_of(f, struct tap, filt), &how,
	    from, in, out, flow);
}
