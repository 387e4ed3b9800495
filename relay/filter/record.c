#include "compat.h"

#include "acl_map.h"
#include "filter/tap.h"
#include "self.h"

/* Of a section. */
struct live {
	struct acl_map	*client;	/* NULL: all */
};

static int	 record_start(struct filter_section *);
static int	 record_open(struct filt *, struct sess *);
static enum verdict record_data(struct filt *, struct end *, struct queue **,
		    struct queue **, enum flow);
static const struct conf_record *record_conf(const struct filter_section *);
static bool	 record_is_on(const struct conf_record *, const struct sess *);
static bool	 record_draws(const struct conf_record *);

const struct filter filter_record = {
	.size = sizeof(struct tap), .why = WHY_FIN, .start = record_start,
	.open = record_open, .data = record_data, .close = tap_close
};

static const struct conf_record *
record_conf(const struct filter_section *section)
{
	return &self.conf->records[section->conf.index];
}

static int
record_start(struct filter_section *section)
{
	const struct conf_record *c = record_conf(section);
	struct live *live = calloc(1, sizeof(*live));

	section->live = live;
	if (live == NULL || (c->client.n != 0 &&
	    (live->client = acl_map_new(&c->client)) == NULL))
		return -1;
	return tap_start(section);
}

/* What we encrypt or decrypt ourselves is not to be found in a file, unless
 * somebody has said so. */
static int
record_open(struct filt *f, struct sess *s)
{
	const struct conf_record *c = record_conf(f->section);
	const struct live *live = f->section->live;

	if (!record_is_on(c, s) || !record_draws(c) || (live->client != NULL &&
	    !acl_map_permits(live->client, &s->source)))
		return 0;
	return tap_open(container_of(f, struct tap, filt),
	    FEED_RECORD, !c->plain && (s->client.layered ||
	    s->remote.layered));
}

/* By the file, or by what the operator has set. */
static bool
record_is_on(const struct conf_record *c, const struct sess *s)
{
	const struct acl only = { (struct acl_rule *)(uintptr_t)&c->only, 1 };
	const bool on = c->until == 0 || ev_now() < c->until ? c->enabled :
	    !c->enabled;

	return !c->has_only || acl_first(&only, &s->source, 0) != NULL ? on :
	    !on;
}

static bool
record_draws(const struct conf_record *c)
{
	return c->share >= CONF_WHOLE ||
	    arc4random_uniform(CONF_WHOLE) < c->share;
}

static enum verdict
record_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	const struct conf_record *c = record_conf(f->section);
	const struct tap_how how = { .snap = (size_t)c->snap,
		.wait = c->full == FULL_WAIT,
		.off = !record_is_on(c, f->sess) };

	return tap_data(container_of(f, struct tap, filt), &how,
	    from, in, out, flow);
}
