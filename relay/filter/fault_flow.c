#include "compat.h"

#include "filter/fault_flow.h"
#include "filter/fault_random.h"
#include "store.h"

#define SLACK		5		/* ms of bandwidth that may be saved */
#define ELAPSED_MAX	(1 << 20)	/* ms of it that are counted */
#define STAMPS		16		/* at first */

/* What is to be done with a direction: a row for each kind. */
typedef enum verdict run_fn(struct fault_flow *, struct fault_call *,
    struct queue **, struct queue **);

static run_fn	 run_latency, run_bandwidth, run_flip, run_flip_at, run_slice,
		 run_limit, run_slow_close, run_drop, run_reset, run_cut,
		 run_down;
static size_t	 held(const struct fault_flow *);
static bool	 pass(struct fault_flow *, struct fault_call *, uint64_t,
		    struct queue **, struct queue **);
static enum verdict drop(struct fault_flow *, struct queue **);
static void	 turned(struct fault_flow *, struct fault_call *,
		    enum conf_fault_kind);
static void	 stamp(struct fault_flow *, uint64_t);
static bool	 stamp_room(struct fault_flow *);
static uint64_t	 slice_size(struct fault_flow *, const struct conf_fault *);
static void	 flip(struct queue *, uint64_t, uint8_t);
static bool	 reach(struct fault_flow *, struct fault_call *, uint64_t,
		    struct queue **, struct queue **);

static run_fn *const runs[CONF_FAULT_KINDS] = {
	[CONF_FAULT_LATENCY] = run_latency,
	[CONF_FAULT_BANDWIDTH] = run_bandwidth,
	[CONF_FAULT_FLIP] = run_flip,
	[CONF_FAULT_FLIP_AT] = run_flip_at,
	[CONF_FAULT_SLICE] = run_slice,
	[CONF_FAULT_LIMIT] = run_limit,
	[CONF_FAULT_SLOW_CLOSE] = run_slow_close,
	[CONF_FAULT_DROP] = run_drop,
	[CONF_FAULT_RESET] = run_reset,
	[CONF_FAULT_CUT] = run_cut,
	[CONF_FAULT_DOWN] = run_down
};

uint64_t
fault_seed(const struct conf_fault *c, unsigned direction, uint64_t session)
{
	uint64_t n = random_mix(c->seed + 1);
	const char *p;

	for (p = c->name; *p != '\0'; p++)
		n = random_mix(n ^ (uint8_t)*p) + 1;
	n = random_mix(n + direction);
	return session == 0 ? n : random_mix(n ^ random_mix(session));
}

bool
fault_drawn(const struct conf_fault *c, uint64_t session)
{
	return fault_seed(c, UINT_MAX, session) % CONF_WHOLE < c->chance;
}

/* What is made of offsets is the same in all sessions; what is made of times is
 * the session's own. */
void
fault_begin(struct fault_flow *f, const struct conf_fault *c,
    unsigned direction, uint64_t session, uint64_t now)
{
	const enum conf_fault_kind kind = conf_fault_kind(c);

	f->begun = now;
	f->random = fault_seed(c, direction, kind == CONF_FAULT_LATENCY ?
	    session : 0);
	if (kind == CONF_FAULT_FLIP && c->flip != 0)
		f->next = random_gap(&f->random, (double)c->flip / CONF_WHOLE);
	if (kind == CONF_FAULT_SLICE)
		f->next = slice_size(f, c);
}

void
fault_free(struct fault_flow *f)
{
	free(f->stamps);
	f->stamps = NULL;
	f->nstamps = f->first = f->room = 0;
}

enum verdict
fault_run(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	const enum conf_fault_kind kind = conf_fault_kind(call->conf);
	enum verdict verdict = FILTER_GO;

	f->came = f->gone + queue_len(*in);
	call->wake = 0;
	call->nomem = false;
	if (call->on != f->on)
		turned(f, call, kind);
	if (call->on && kind != CONF_FAULT_NONE)
		verdict = runs[kind](f, call, in, out);
	else
		pass(f, call, f->came, in, out);
	return call->nomem ? FILTER_NOMEM : verdict;
}

/* Times begin when it is switched on; that of a session's begin has been. */
static void
turned(struct fault_flow *f, struct fault_call *call,
    enum conf_fault_kind kind)
{
	f->on = call->on;
	f->reached = false;
	f->at = call->now;
	f->credit = 0;
	f->nstamps = f->first = 0;
	if (kind == CONF_FAULT_SLICE && f->next < f->gone)
		f->next = f->gone;
}

static size_t
held(const struct fault_flow *f)
{
	return (size_t)(f->came - f->gone);
}

/* Up to that byte of the direction, as far as there is room; whether all that
 * has gone. */
static bool
pass(struct fault_flow *f, struct fault_call *call, uint64_t upto,
    struct queue **in, struct queue **out)
{
	size_t n;

	if (upto <= f->gone)
		return true;
	n = (size_t)MIN(upto - f->gone, MIN(held(f), call->room));
	if (n != 0 && queue_move(in, out, n) == -1) {
		call->nomem = true;
		return false;
	}
	f->gone += n;
	return f->gone == MIN(upto, f->came);
}

static enum verdict
drop(struct fault_flow *f, struct queue **in)
{
	queue_free(in);
	f->gone = f->came;
	f->nstamps = 0;
	return FILTER_GO;
}

/* --- times --- */

static enum verdict
run_latency(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	const uint64_t stamped = f->nstamps != 0 ?
	    f->stamps[f->first + f->nstamps - 1].upto : f->gone;

	if (call->flow == FLOW_RESET)
		return drop(f, in);
	if (f->came > stamped)
		stamp(f, MAX(f->at, call->now + random_near(&f->random,
		    call->conf->latency, call->conf->jitter)));
	while (f->nstamps != 0 && f->stamps[f->first].due <= call->now) {
		if (!pass(f, call, f->stamps[f->first].upto, in, out))
			return FILTER_GO;
		f->first++;
		f->nstamps--;
	}
	if (f->nstamps != 0)
		call->wake = f->stamps[f->first].due;
	else
		pass(f, call, f->came, in, out);
	return FILTER_GO;
}

/* Without memory for another one, the last one is for more; without any, it
 * goes at once. */
static void
stamp(struct fault_flow *f, uint64_t due)
{
	struct fault_stamp *last = f->nstamps == 0 ? NULL :
	    &f->stamps[f->first + f->nstamps - 1];

	f->at = due;
	if (last == NULL || last->due != due) {
		if (stamp_room(f))
			last = &f->stamps[f->first + f->nstamps++];
		else if (last == NULL)
			return;
	}
	last->upto = f->came;
	last->due = due;
}

static bool
stamp_room(struct fault_flow *f)
{
	struct fault_stamp *more;
	unsigned room = f->room == 0 ? STAMPS : 2 * f->room;

	if (f->first + f->nstamps < f->room)
		return true;
	if (f->nstamps <= f->room / 2 && f->room != 0) {
		memmove(f->stamps, f->stamps + f->first,
		    f->nstamps * sizeof(*f->stamps));
		f->first = 0;
		return true;
	}
	if ((more = reallocarray(f->stamps, room, sizeof(*more))) == NULL)
		return false;
	f->stamps = more;
	f->room = room;
	return true;
}

void
fault_changed(struct fault_flow *f, const struct conf_fault *c, uint64_t now)
{
	uint64_t most;
	unsigned i;

	if (conf_fault_kind(c) != CONF_FAULT_LATENCY)
		return;
	most = now + c->latency + c->jitter;
	f->at = MIN(f->at, most);
	for (i = f->first; i < f->first + f->nstamps; i++)
		f->stamps[i].due = MIN(f->stamps[i].due, most);
}

/*
 * So much may go as the time since the last look allows, and a little of what
 * it allowed before: looks are late, and what is read comes in pieces. What the
 * far end does not take in that time is lost, as on a line.
 */
static enum verdict
run_bandwidth(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	const uint64_t rate = call->conf->bandwidth;
	const uint64_t before = f->gone, ms = call->now - f->at;
	uint64_t want;

	if (call->flow == FLOW_RESET)
		return drop(f, in);
	f->credit += rate * MIN(ms, ELAPSED_MAX);
	f->at = call->now;
	pass(f, call, f->gone + f->credit / 1000, in, out);
	f->credit -= (f->gone - before) * 1000;
	if (held(f) != 0 && f->credit < 1000) {
		want = MIN(held(f), MAX(rate / 100, 1)) * 1000;
		call->wake = call->now + (want - f->credit + rate - 1) / rate;
	}
	f->credit = MIN(f->credit, MAX(rate * SLACK, 999));
	return FILTER_GO;
}

/* One a call, so that each is written by itself. */
static enum verdict
run_slice(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	const struct conf_fault *c = call->conf;

	if (call->flow == FLOW_RESET)
		return drop(f, in);
	if (call->now >= f->at) {
		pass(f, call, f->next, in, out);
		if (f->gone < f->next)
			return FILTER_GO;
		f->next += slice_size(f, c);
		f->at = call->now + c->slice_delay;
	}
	if (held(f) != 0)
		call->wake = f->at;
	return FILTER_GO;
}

static uint64_t
slice_size(struct fault_flow *f, const struct conf_fault *c)
{
	return MAX(random_near(&f->random, c->slice, c->slice_variation), 1);
}

static enum verdict
run_slow_close(struct fault_flow *f, struct fault_call *call,
    struct queue **in, struct queue **out)
{
	if (!pass(f, call, f->came, in, out) || call->flow != FLOW_LAST)
		return FILTER_GO;
	if (!f->reached) {
		f->reached = true;
		f->at = call->now;
	}
	if (call->now - f->at >= call->conf->slow_close)
		return FILTER_GO;
	call->wake = f->at + call->conf->slow_close;
	return FILTER_HOLD;
}

/* --- contents --- */

static enum verdict
run_flip(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	const double chance = (double)call->conf->flip / CONF_WHOLE;
	const uint64_t end = f->gone + MIN(held(f), call->room);

	while (call->conf->flip != 0 && f->next < end * 8) {
		if (f->next >= f->gone * 8)
			flip(*in, f->next / 8 - f->gone,
			    (uint8_t)(1 << f->next % 8));
		f->next += 1 + random_gap(&f->random, chance);
	}
	pass(f, call, end, in, out);
	return FILTER_GO;
}

static enum verdict
run_flip_at(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	const uint64_t end = f->gone + MIN(held(f), call->room);
	const uint64_t at = call->conf->flip_at;

	if (at >= f->gone && at < end)
		flip(*in, at - f->gone, (uint8_t)(1 << call->conf->bit));
	pass(f, call, end, in, out);
	return FILTER_GO;
}

/* The byte at that place of the queue. */
static void
flip(struct queue *q, uint64_t off, uint8_t bits)
{
	struct chunk *c = q->first;

	while (off >= c->len) {
		off -= c->len;
		c = c->next;
	}
	c->data[c->off + off] = (char)((uint8_t)c->data[c->off + off] ^ bits);
}

/* --- ends --- */

/* Passes on up to that byte; whether it has, or had before; since when is at
 * f->at. */
static bool
reach(struct fault_flow *f, struct fault_call *call, uint64_t upto,
    struct queue **in, struct queue **out)
{
	pass(f, call, upto, in, out);
	if (f->gone < upto)
		return false;
	if (!f->reached) {
		f->reached = true;
		f->at = call->now;
	}
	return true;
}

static enum verdict
run_limit(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	if (!reach(f, call, call->conf->limit, in, out))
		return FILTER_GO;
	drop(f, in);
	return call->conf->end == CONF_FAULT_END_RST ? FILTER_RST : FILTER_FIN;
}

static enum verdict
run_drop(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	const uint64_t timeout = call->conf->timeout;

	if (!reach(f, call, call->conf->drop_after, in, out))
		return FILTER_GO;
	drop(f, in);
	if (call->flow == FLOW_RESET)
		return FILTER_GO;
	if (timeout != 0) {
		if (call->now - f->at >= timeout)
			return FILTER_CLOSE;
		call->wake = f->at + timeout;
	}
	return FILTER_HOLD;
}

static enum verdict
run_reset(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	if (!reach(f, call, call->conf->reset_after, in, out))
		return FILTER_GO;
	if (call->now - f->at >= call->conf->delay)
		return FILTER_CUT;
	call->wake = f->at + call->conf->delay;
	return FILTER_HOLD;
}

static enum verdict
run_cut(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	pass(f, call, f->came, in, out);
	call->wake = f->begun + call->conf->cut_after;
	return call->now >= call->wake ? FILTER_CUT : FILTER_GO;
}

static enum verdict
run_down(struct fault_flow *f, struct fault_call *call, struct queue **in,
    struct queue **out)
{
	(void)f;
	(void)call;
	(void)in;
	(void)out;
	return FILTER_CUT;
}
