#include "compat.h"

#include "dest/rules.h"
#include "dial.h"
#include "race.h"
#include "remote/remotes.h"
#include "session.h"
#include "sockopt.h"
#include "stage/target.h"
#include "trace.h"

static enum step	 target_next(struct sess *);
static int		 target_dial(struct sess *);
static void		 target_race(struct sess *);
static enum step	 target_look(struct sess *);
static enum step	 target_with(struct sess *, struct racer *);
static enum step	 target_done(struct sess *);
static bool		 target_is_own(struct sess *);
static void		 target_note(struct sess *, int);
static enum dest_fault	 target_fault(int);
static enum step	 target_failed(struct sess *, enum dest_fault);

bool
target_wanted(const struct path *p)
{
	return p->relay->ntargets > 0;
}

enum step
target_enter(struct sess *s)
{
	sess_touch(s);
	s->soon = false;
	s->chosen = s->path->remotes->anywhere;
	return target_next(s);
}

/* The next address, if there is one; else what is under way, else the end. */
static enum step
target_next(struct sess *s)
{
	struct dest *d = s->extra->dest;
	struct racer *r;
	int fd;

	ev_io_close(&s->remote.io);
	while (d->next < d->n) {
		if ((fd = target_dial(s)) == -1)
			continue;
		s->version = d->next - 1;
		s->remote.readable = s->remote.writable = false;
		s->remote.hup = s->remote.error = false;
		if (sess_watch(&s->remote, fd) == -1) {
			target_note(s, errno);
			close(fd);
			continue;
		}
		if (d->next < d->n)
			sess_look_soon(s, RACE_LEAD);
		return STEP_WAIT;
	}
	if ((r = race_first(s)) != NULL)
		return target_with(s, r);
	return target_failed(s, d->fault);
}

/* A socket that connects to the next address, which counts as tried. */
static int
target_dial(struct sess *s)
{
	struct dest *d = s->extra->dest;
	char text[ADDR_STRLEN];
	struct addr to;
	int fd;

	if (trace_is(s))
		trace(s, "connect", source_str(&d->to[d->next], text));
	source_addr(&d->to[d->next++], &to);
	if ((fd = dial(s->chosen->locals, &to)) == -1)
		target_note(s, errno);
	return fd;
}

enum step
target_event(struct sess *s, struct end *e)
{
	int err = 0;

	if (!e->remote && e->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	if (!e->remote)
		return target_look(s);
	if (e->hup)
		err = sockopt_error(e->io.fd);
	if (err != 0) {
		target_note(s, err);
		return target_next(s);
	}
	return e->writable ? target_done(s) : STEP_WAIT;
}

enum step
target_timeout(struct sess *s)
{
	if (sess_is_late(s))
		return target_failed(s, DEST_TIMEOUT);
	target_race(s);
	return STEP_WAIT;
}

/* The next address gets its chance beside those that are under way. */
static void
target_race(struct sess *s)
{
	struct dest *d = s->extra->dest;
	int fd = -1;

	while (d->next < d->n && fd == -1 && race_room(s))
		if ((fd = target_dial(s)) != -1 &&
		    race_add(s, s->chosen, d->next - 1, fd) == -1) {
			target_note(s, errno);
			close(fd);
			break;
		}
	if (d->next < d->n)
		sess_look_soon(s, RACE_LEAD);
}

/* What has become of the others. */
static enum step
target_look(struct sess *s)
{
	struct racer *r;

	while ((r = race_known(s)) != NULL) {
		if (r->error == 0) {
			ev_io_close(&s->remote.io);
			return target_with(s, r);
		}
		target_note(s, r->error);
		close(race_take(r));
		target_race(s);
	}
	return STEP_WAIT;
}

/* One of them takes the place of the one that the session had. */
static enum step
target_with(struct sess *s, struct racer *r)
{
	const bool done = r->known && r->error == 0;
	const uint8_t version = r->version;
	const int fd = race_take(r);

	s->version = version;
	s->remote.readable = s->remote.writable = false;
	s->remote.hup = s->remote.error = false;
	if (sess_watch(&s->remote, fd) == -1) {
		target_note(s, errno);
		close(fd);
		return target_next(s);
	}
	s->remote.writable = done;
	return done ? target_done(s) : STEP_WAIT;
}

static enum step
target_done(struct sess *s)
{
	race_close(s);
	s->soon = false;
	if (target_is_own(s))
		return target_failed(s, DEST_DENIED);
	s->extra->dest->fault = DEST_OK;
	s->connect_us = MAX(1, sess_span(s->taken_us, ev_now_us()));
	s->keepalive = s->path->relay->keepalive;
	trace(s, "connected", NULL);
	return STEP_NEXT;
}

/* It has met itself, or a listener of ours at an address that is new. */
static bool
target_is_own(struct sess *s)
{
	struct dest *d = s->extra->dest;
	struct addr a = { .len = sizeof(a.un) };

	if (getsockname(s->remote.io.fd, &a.sa, &a.len) == -1)
		return false;
	source_set(&d->from, &a.sa);
	return source_same(&d->from, &d->to[s->version]) ||
	    dest_is_own_now(&d->to[s->version], &d->from);
}

/* Which failure the client is told: the first one, but not that of a family
 * that this machine does not have. */
static void
target_note(struct sess *s, int err)
{
	struct dest *d = s->extra->dest;

	trace(s, "failed", strerror(err));
	s->ntried++;
	if (d->fault == DEST_OK || d->fault == DEST_NET_UNREACHABLE)
		d->fault = (uint8_t)target_fault(err);
	if (dial_lacks(err) && err != EADDRNOTAVAIL)
		sess_warn(s, "connect", err);
}

static enum dest_fault
target_fault(int err)
{
	switch (err) {
	case ECONNREFUSED:
	case ECONNRESET:
		return DEST_REFUSED;
	case ETIMEDOUT:
		return DEST_TIMEOUT;
	case ENETUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return DEST_NET_UNREACHABLE;
	case EACCES:
	case EPERM:
		return DEST_DENIED;
	default:
		return dial_lacks(err) ? DEST_LACKS : DEST_UNREACHABLE;
	}
}

static enum step
target_failed(struct sess *s, enum dest_fault fault)
{
	s->extra->dest->fault = (uint8_t)fault;
	if (fault == DEST_DENIED)
		return sess_end(s, WHO_RELAY, WHY_TARGET_DENIED, CUT_RESET);
	if (fault == DEST_LACKS)
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	return sess_end(s, WHO_REMOTE, fault == DEST_TIMEOUT ?
	    WHY_CONNECT_TIMEOUT : WHY_CONNECT, CUT_RESET);
}
