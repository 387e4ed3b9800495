/*
 * Any settings of a fault, and any reads, times and room: what comes out is
 * what went in, in order and no more of it, the same bytes whatever the reads;
 * and when all is due, or the fault is removed, nothing is held back.
 */
#include "compat.h"

#include "conf/int.h"
#include "filter/fault_flow.h"
#include "store.h"

#define MOST	4096		/* bytes of a direction */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint64_t	 number(void);
static void	 settings(struct conf_fault *);
static uint64_t	 any_of(const struct conf_opt *);
static size_t	 run(const struct conf_fault *, bool, char *);
static size_t	 take(struct queue **, char *, size_t);
static void	 look(const struct conf_fault *, const char *, size_t);

static const uint8_t	*input;
static size_t		 left;
static char		 data[MOST];

static uint64_t
number(void)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < 2 && left > 0; i++, left--)
		n = n << 8 | *input++;
	return n;
}

/* Of one kind, as the file would be refused otherwise. */
static void
settings(struct conf_fault *c)
{
	const struct conf_opt *o;
	const char *name;
	unsigned i;

	memset(c, 0, sizeof(*c));
	for (o = conf_spec_fault.opts; o->name != NULL; o++)
		conf_field_default(o, c);
	for (i = 0; i < 6; i++) {
		const struct conf_fault before = *c;
		unsigned row = (unsigned)(number() % 23);

		for (o = conf_spec_fault.opts; row > 0 && o[1].name != NULL;
		    o++)
			row--;
		conf_field_set(o, c, any_of(o));
		if (conf_fault_wrong(c, &name) != NULL &&
		    conf_fault_kinds(&before) != 0)
			*c = before;
	}
}

static uint64_t
any_of(const struct conf_opt *o)
{
	const uint64_t n = number();

	switch (o->type) {
	case CONF_WORD:
		return (uint64_t)o->words[n % 2].value;
	case CONF_BOOL:
		return n & 1;
	case CONF_SHARE:
		return n % 2 ? CONF_WHOLE / (n + 1) : CONF_WHOLE;
	default:
		return o->min + n % (MIN(o->max, 5000) - o->min + 1);
	}
}

/* Returns how many bytes came out. pieces: in reads, at times and with room as
 * the input has them. */
static size_t
run(const struct conf_fault *c, bool pieces, char *out)
{
	struct fault_flow f = { .begun = 0 };
	struct fault_call call = { .conf = c, .on = true, .room = SIZE_MAX,
	    .now = 1 };
	struct queue *in = NULL, *q = NULL;
	size_t put = 0, got = 0, n, turns;
	enum verdict v = FILTER_GO;

	fault_begin(&f, c, 0, 1, call.now);
	for (turns = 0; v <= FILTER_HOLD && turns < 100000; turns++) {
		n = MIN(pieces ? number() % 600 : MOST, MOST - put);
		if (pieces && left == 0)
			n = MOST - put;
		if (n > 0 && queue_add(&in, data + put, n) == -1)
			abort();
		put += n;
		call.room = pieces && left > 0 ? number() % 700 : SIZE_MAX;
		v = fault_run(&f, &call, &in, &q);
		if (queue_len(q) > call.room)
			abort();
		got = take(&q, out, got);
		if (call.wake != 0)
			call.now = MAX(call.now, call.wake);
		else if (put == MOST && call.room == SIZE_MAX)
			break;
	}
	if (turns == 100000)
		abort();	/* it never ends */
	if (v <= FILTER_HOLD) {
		call.on = false;
		if (fault_run(&f, &call, &in, &q) != FILTER_GO || in != NULL ||
		    call.wake != 0)
			abort();
		got = take(&q, out, got);
	}
	queue_free(&in);
	fault_free(&f);
	return got;
}

static size_t
take(struct queue **q, char *out, size_t at)
{
	struct iovec iov[QUEUE_IOV];
	size_t n;

	while (*q != NULL) {
		queue_look(*q, iov);
		n = iov[0].iov_len;
		if (at + n > MOST)
			abort();
		memcpy(out + at, iov[0].iov_base, n);
		queue_taken(q, n);
		at += n;
	}
	return at;
}

/* How much, and what. */
static void
look(const struct conf_fault *c, const char *out, size_t n)
{
	const enum conf_fault_kind kind = conf_fault_kind(c);
	const uint64_t most = kind == CONF_FAULT_LIMIT ? c->limit :
	    kind == CONF_FAULT_DROP ? c->drop_after :
	    kind == CONF_FAULT_RESET ? c->reset_after : MOST;

	if (kind == CONF_FAULT_DOWN ? n != 0 :
	    kind == CONF_FAULT_CUT ? n > MOST : n != MIN(most, MOST))
		abort();
	if (kind != CONF_FAULT_FLIP && kind != CONF_FAULT_FLIP_AT &&
	    memcmp(out, data, n) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char once[MOST], again[MOST];
	struct conf_fault c;
	size_t i, n;

	for (i = 0; i < MOST; i++)
		data[i] = (char)(i * 2654435761u >> 24);
	input = bytes;
	left = size;
	settings(&c);
	store_limit(64 << 20);
	n = run(&c, false, once);
	look(&c, once, n);
	n = run(&c, true, again);
	look(&c, again, n);
	if (memcmp(once, again, n) != 0)
		abort();
	return 0;
}
