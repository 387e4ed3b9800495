#include "compat.h"

#include "carry.h"
#include "end.h"
#include "pump.h"
#include "session.h"
#include "stage/flush.h"
#include "unsent.h"

#define LOOK_MIN	10	/* ms to the first look at a send queue */
#define LOOK_MAX	1000	/* and at most; it doubles */
#define NOBODYS		(16 * 1024)	/* read for nobody at once */
#define NOBODYS_READS	64	/* so often at a look, at most */

static struct end	*flush_failed(struct sess *);
static void		 flush_close(struct end *);
static bool		 flush_acknowledged(struct sess *, struct end *);
static bool		 flush_in_vain(const struct end *);
static bool		 flush_take(struct end *);

static struct end *
flush_failed(struct sess *s)
{
	return s->client.failed ? &s->client : &s->remote;
}

enum step
flush_enter(struct sess *s)
{
	struct end *from = flush_failed(s);

	if (from->filtered)
		chain_fail(from);
	if (s->why != WHY_RESET) {
		if (carry_by_kernel(from))
			carry_end(from);
		if (s->who == WHO_RELAY)
			sess_reset(from);
		flush_close(from);
	}
	/* A write that failed has not seen what the socket had received
	 * before; it is read to its end. An end of the file that comes after
	 * the failure is no FIN. */
	from->readable = from->hup = true;
	if (!from->eof)
		far_of(from)->shut = true;
	s->look_ms = LOOK_MIN;
	return flush_event(s, from);
}

static void
flush_close(struct end *from)
{
	sess_lost(from);
	ev_io_close(&from->io);
}

/*
 * A reset that overtakes data would destroy it in the kernel, so it waits
 * until the survivor has acknowledged everything: looked at by a timer, as
 * no event tells.
 */
enum step
flush_event(struct sess *s, struct end *any)
{
	struct end *from = flush_failed(s), *to = far_of(from), *broken = NULL;
	enum moved m = pump(from, &broken);

	(void)any;
	if (m == MOVED_MORE) {
		sess_resume(s);
		return STEP_WAIT;
	}
	if (broken == from || from->eof ||
	    (from->filtered && chain_waits(from))) {
		flush_close(from);
		from->readable = false;
	}
	if (broken == to || to->error || (from->io.fd == -1 &&
	    sess_stored(from) == 0 && flush_acknowledged(s, to)))
		return sess_end(s, s->who, s->why, CUT_RESET);
	sess_look_soon(s, s->look_ms);
	if (s->client.filtered)
		sess_look_due(s);
	return STEP_WAIT;
}

/* Every acknowledgement counts as progress. */
static bool
flush_acknowledged(struct sess *s, struct end *to)
{
	int n = unsent(to->io.fd, to->fin);

	if (n != s->unsent)
		sess_touch(s);
	s->unsent = n;
	return n == 0 ? end_held(to) == 0 : flush_in_vain(to);
}

/* Has the survivor died as well? A layer may have met its error, and where
 * events are levels, as of poll(2), none tells of an end that is neither read
 * nor written. */
static bool
flush_in_vain(const struct end *to)
{
	struct addr peer = { .len = sizeof(peer.un) };

	return getpeername(to->io.fd, &peer.sa, &peer.len) == -1;
}

enum step
flush_timeout(struct sess *s)
{
	chain_tick(s);
	if (sess_is_late(s))
		return sess_end(s, s->who, s->why, CUT_RESET);
	if (!flush_take(far_of(flush_failed(s))))
		s->look_ms = MIN(2 * s->look_ms, LOOK_MAX);
	return flush_event(s, flush_failed(s));
}

/*
 * Takes what the survivor has sent, which nobody is there to have any more: it
 * may read nothing before that has been taken. It always is so if it is a relay
 * whose other end has failed as well, and that waits for us.
 */
static bool
flush_take(struct end *to)
{
	char nowhere[NOBODYS];
	bool some = false;
	unsigned i;

	if (to->eof || carry_by_kernel(to))
		return false;
	for (i = 0; i < NOBODYS_READS; i++) {
		if (end_read(to, nowhere, sizeof(nowhere)) <= 0)
			break;
		some = true;
	}
	return some;
}
