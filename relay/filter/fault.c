#include "compat.h"

#include "filter.h"
#include "filter/fault.h"
#include "filter/fault_flow.h"
#include "path.h"
#include "self.h"

/* Settings as they were when they were made: they are the same for as long as a
 * session has them. */
struct settings {
	struct conf_fault	 conf;
	unsigned		 users;
};

struct fault {
	struct filt		 filt;
	struct settings		*settings;
	struct fault_flow	 flow[2];	/* up, down */
};

static int	 fault_start(struct filter_section *);
static int	 fault_set(struct filter_section *);
static int	 fault_open(struct filt *, struct sess *);
static bool	 fault_is_on(const struct fault *, const struct end *);
static enum verdict fault_data(struct filt *, struct end *, struct queue **,
		    struct queue **, enum flow);
static void	 fault_passed(struct filt *, struct end *, size_t);
static void	 fault_renew(struct filt *);
static void	 fault_close(struct filt *);
static struct settings *settings_use(struct settings *);
static void	 settings_drop(struct settings *);

const struct filter filter_fault = {
	.size = sizeof(struct fault),
	.why = WHY_FAULT,
	.start = fault_start,
	.set = fault_set,
	.open = fault_open,
	.passed = fault_passed,
	.data = fault_data,
	.changed = fault_renew,
	.close = fault_close
};

static int
fault_start(struct filter_section *section)
{
	struct settings *s = malloc(sizeof(*s));

	if (s == NULL)
		return -1;
	s->conf = self.conf->faults[section->conf.index];
	s->users = 1;
	section->live = s;
	return 0;
}

static int
fault_set(struct filter_section *section)
{
	struct settings *former = section->live;

	if (fault_start(section) == -1)
		return -1;
	settings_drop(former);
	return 0;
}

static struct settings *
settings_use(struct settings *s)
{
	s->users++;
	return s;
}

static void
settings_drop(struct settings *s)
{
	if (--s->users == 0)
		free(s);
}

/* A session without its luck has it too: it may be changed. Some end sessions
 * that nothing happens in. */
static int
fault_open(struct filt *filt, struct sess *s)
{
	struct fault *f = container_of(filt, struct fault, filt);
	unsigned way;

	f->settings = settings_use(filt->section->live);
	for (way = 0; way < 2; way++)
		fault_begin(&f->flow[way], &f->settings->conf, way, s->id,
		    ev_now());
	filt_wake(filt, ev_now());
	return 1;
}

static bool
fault_is_on(const struct fault *f, const struct end *from)
{
	const struct conf_fault *c = &f->settings->conf;

	return c->enabled && filt_is_way(c->direction, from) &&
	    fault_drawn(c, f->filt.sess->id);
}

static enum verdict
fault_data(struct filt *filt, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	struct fault *f = container_of(filt, struct fault, filt);
	struct fault_call call = { .conf = &f->settings->conf,
	    .on = fault_is_on(f, from), .flow = flow,
	    .room = filt_room(filt, *out), .now = ev_now() };
	enum verdict v = fault_run(&f->flow[filt_way(from)], &call, in, out);

	if (call.wake != 0)
		filt_wake(filt, call.wake);
	if (!call.on && *in == NULL)
		filt_leave(filt, from);
	return v;
}

/* Offsets go on where it sees nothing. */
static void
fault_passed(struct filt *filt, struct end *from, size_t n)
{
	struct fault *f = container_of(filt, struct fault, filt);

	if (filt->left[filt_way(from)])
		f->flow[filt_way(from)].gone += n;
}

static void
fault_renew(struct filt *filt)
{
	struct fault *f = container_of(filt, struct fault, filt);
	unsigned way;

	settings_drop(f->settings);
	f->settings = settings_use(filt->section->live);
	for (way = 0; way < 2; way++) {
		fault_changed(&f->flow[way], &f->settings->conf, ev_now());
		f->flow[way].gone -= filt_return(filt, way == 0 ?
		    &filt->sess->client : &filt->sess->remote);
	}
}

static void
fault_close(struct filt *filt)
{
	struct fault *f = container_of(filt, struct fault, filt);

	settings_drop(f->settings);
	fault_free(&f->flow[0]);
	fault_free(&f->flow[1]);
}

bool
fault_may_refuse(struct filter_section * const *filters, unsigned n)
{
	const struct conf_fault *c;
	unsigned i;

	for (i = 0; i < n; i++)
		if (filters[i]->ops == &filter_fault) {
			c = &self.conf->faults[filters[i]->conf.index];
			if (conf_fault_kind(c) == CONF_FAULT_DOWN)
				return true;
		}
	return false;
}

bool
fault_refuses(const struct sess *s)
{
	const struct path *p = s->path;
	const struct settings *now;
	unsigned i;

	for (i = 0; i < p->nfilters; i++) {
		if (p->filters[i]->ops != &filter_fault)
			continue;
		now = p->filters[i]->live;
		if (conf_fault_kind(&now->conf) == CONF_FAULT_DOWN &&
		    now->conf.enabled && fault_drawn(&now->conf, s->id))
			return true;
	}
	return false;
}
