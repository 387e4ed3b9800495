#include "compat.h"

#include "dial.h"
#include "race.h"
#include "remote/hold.h"
#include "remote/remotes.h"
#include "remote/wait.h"
#include "self.h"
#include "session.h"
#include "sockopt.h"
#include "stage/connect.h"
#include "trace.h"

#define FULL_LOOK	20	/* ms between tries at a full backlog */
#define LEAD_SLOW	25	/* ms of lead, if the other one was faster */

static enum step	 connect_waited(struct sess *);
static enum step	 connect_start(struct sess *);
static enum step	 connect_try(struct sess *);
static bool		 connect_is_from(const struct conf_listen *,
			    const struct conf_relay *);
static void		 connect_race(struct sess *);
static int		 connect_race_one(struct sess *, struct remote *);
static enum step	 connect_look(struct sess *);
static enum step	 connect_won(struct sess *, struct racer *);
static void		 connect_lost(struct sess *, struct racer *);
static int		 connect_with(struct sess *, struct racer *);
static enum step	 connect_failed(struct sess *, int);
static bool		 connect_next(struct sess *);
static bool		 connect_remember(struct sess *, const struct remote *);
static enum step	 connect_done(struct sess *);
static bool		 connect_to_self(const struct sess *);
static bool		 connect_is_listener(const struct sess *,
			    const struct addr *);

bool
connect_wanted(const struct path *p)
{
	return p->relay->ntargets == 0;
}

enum step
connect_enter(struct sess *s)
{
	struct remotes *rs = s->path->remotes;

	if (s->chosen != NULL)
		return connect_start(s);
	if (wait_has(s)) {		/* for another place of the remote */
		sess_touch(s);
		return STEP_WAIT;
	}
	if (wait_is_on(rs))
		wait_look(rs);
	if ((s->chosen = remote_pick(rs, s)) != NULL)
		return connect_start(s);
	if (!wait_helps(rs, s))
		return sess_end(s, WHO_RELAY, WHY_NO_REMOTE, CUT_RESET);
	if (wait_begin(s) == -1)
		return sess_end(s, WHO_RELAY, WHY_MEMORY, CUT_RESET);
	trace(s, "waits", NULL);
	sess_touch(s);
	return STEP_WAIT;
}

static enum step
connect_waited(struct sess *s)
{
	bool given_up;

	if (!wait_called(s))
		return STEP_WAIT;
	given_up = wait_bound(s) && s->chosen == NULL;
	wait_end(s);
	if (given_up && ++s->ntried > s->path->relay->retries)
		return sess_end(s, WHO_REMOTE, WHY_CONNECT, CUT_RESET);
	return connect_enter(s);
}

static enum step
connect_start(struct sess *s)
{
	sess_touch(s);
	s->soon = false;	/* of the stage before, it may be */
	s->dial_us = sess_span(s->taken_us, ev_now_us());
	return connect_try(s);
}

static enum step
connect_try(struct sess *s)
{
	const struct addr *to = s->chosen->addr;
	int fd;

	s->version = s->chosen->version;
	trace_at(s, "connect", s->chosen, NULL);
	/* Each connect to ourselves would bring a session that connects. */
	if (s->chosen->whose == REMOTE_OURS && hold_is(s->chosen))
		return connect_failed(s, ELOOP);
	if ((fd = dial(s->chosen->locals, s->chosen->addr)) == -1) {
		/* A unix socket whose backlog is full: no event will tell
		 * when there is room. */
		if (errno != EAGAIN || to->sa.sa_family != AF_UNIX)
			return connect_failed(s, errno);
		sess_look_soon(s, FULL_LOOK);
		return STEP_WAIT;
	}
	s->remote.readable = s->remote.writable = false;
	s->remote.hup = s->remote.error = false;
	if (sess_watch(&s->remote, fd) == -1) {
		close(fd);
		return connect_failed(s, errno);
	}
	if (s->chosen->both)
		sess_look_soon(s, s->chosen->slow ? LEAD_SLOW : RACE_LEAD);
	return STEP_WAIT;
}

enum step
connect_event(struct sess *s, struct end *e)
{
	int err = 0;

	if (!e->remote) {
		/* Its data waits in the kernel; only a reset matters now. */
		if (e->error)
			return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
		return wait_has(s) ? connect_waited(s) : connect_look(s);
	}
	if (e->hup)
		err = sockopt_error(e->io.fd);
	if (err != 0)
		return connect_failed(s, err);
	return e->writable ? connect_done(s) : STEP_WAIT;
}

enum step
connect_timeout(struct sess *s)
{
	if (wait_has(s))
		return sess_is_late(s) ? sess_end(s, WHO_RELAY,
		    WHY_CONNECT_TIMEOUT, CUT_RESET) : STEP_WAIT;
	if (sess_is_late(s))
		return connect_failed(s, ETIMEDOUT);
	if (s->remote.io.fd == -1)
		return connect_try(s);
	if (s->chosen->both)
		connect_race(s);
	return STEP_WAIT;
}

/* Other places of the remote get their chance beside those that are under way,
 * and count as tried from then on. What this machine lacks ends nothing: it may
 * be there the next time. */
static void
connect_race(struct sess *s)
{
	struct racer *latest = race_latest(s);
	struct remote *r = latest != NULL ? latest->place : s->chosen;
	int err = -1;

	while (err != 0 && connect_remember(s, s->chosen) && race_room(s) &&
	    (r = remote_other(r, s)) != NULL) {
		if ((err = connect_race_one(s, r)) != 0)
			remote_release(r, s);
		if (dial_lacks(err))
			break;
		connect_remember(s, r);
	}
	if (r != NULL)
		sess_look_soon(s, RACE_LEAD);
}

/* Returns 0 or errno. */
static int
connect_race_one(struct sess *s, struct remote *r)
{
	int fd, err;

	trace_at(s, "connect", r, NULL);
	if ((fd = dial(r->locals, r->addr)) != -1 &&
	    race_add(s, r, r->version, fd) == 0)
		return 0;
	err = errno;
	trace_at(s, "failed", r, strerror(err));
	if (fd != -1)
		close(fd);
	if (!dial_lacks(err))
		remote_failed(r, err, strerror(err));
	return err;
}

/* What has become of the others. */
static enum step
connect_look(struct sess *s)
{
	struct racer *r;

	while ((r = race_known(s)) != NULL) {
		if (r->error == 0)
			return connect_won(s, r);
		connect_lost(s, r);
	}
	return STEP_WAIT;
}

/* Who was overtaken has not failed: it has less of a lead the next time. */
static enum step
connect_won(struct sess *s, struct racer *r)
{
	s->chosen->slow = true;
	ev_io_close(&s->remote.io);
	if (connect_with(s, r) == -1)
		return connect_failed(s, errno);
	s->remote.writable = true;
	return connect_done(s);
}

/* The next one need not wait. */
static void
connect_lost(struct sess *s, struct racer *r)
{
	const int err = r->error;

	close(race_take(r));
	trace_at(s, "failed", r->place, strerror(err));
	if (!dial_lacks(err))
		remote_failed(r->place, err, strerror(err));
	remote_release(r->place, s);
	connect_race(s);
}

/* A racer takes the place of the one that the session had. Returns 0, or -1
 * with errno. */
static int
connect_with(struct sess *s, struct racer *r)
{
	int fd = race_take(r), saved;

	remote_release(s->chosen, s);
	s->chosen = r->place;
	s->version = r->version;
	s->last = r->since;
	s->dial_us = sess_span(s->taken_us, MAX(s->taken_us,
	    r->since * 1000));
	s->remote.readable = s->remote.writable = false;
	s->remote.hup = s->remote.error = false;
	if (sess_watch(&s->remote, fd) == 0)
		return 0;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static enum step
connect_done(struct sess *s)
{
	race_close(s);
	s->soon = false;
	s->chosen->slow = false;
	/* Once, until one fails: who answers now was there before. */
	if (s->chosen->whose != REMOTE_OTHER && connect_to_self(s))
		return connect_failed(s, ELOOP);
	s->chosen->whose = REMOTE_OTHER;
	s->connect_us = MAX(1, sess_span(s->taken_us, ev_now_us()));
	board_took(&s->chosen->more->connect, s->connect_us - MIN(s->dial_us,
	    s->connect_us));
	s->unsent = 0;
	trace_at(s, "connected", s->chosen, NULL);
	s->keepalive = s->path->relay->keepalive &&
	    remote_addr(s->chosen, s->version)->sa.sa_family != AF_UNIX;
	if (s->chosen->conf->tls == CONF_NOREF)
		remote_ok(s->chosen);
	return STEP_NEXT;
}

/*
 * A port out of those that the kernel gives to who connects may be our own:
 * then a connection to this machine meets itself, and is one. Or the address
 * has become one of this machine, and our listener takes it.
 */
static bool
connect_to_self(const struct sess *s)
{
	const struct addr *to = remote_addr(s->chosen, s->version);
	struct addr own = { .len = sizeof(own.un) };
	const uint16_t port = addr_get_port(to);
	bool met;

	if (to->sa.sa_family == AF_UNIX ||
	    getsockname(s->remote.io.fd, &own.sa, &own.len) == -1)
		return false;
	met = addr_get_port(&own) == port;
	addr_set_port(&own, port);
	return addr_cmp(&own, to) == 0 && (met || connect_is_listener(s, to));
}

/* Of this relay section: the others may be meant. */
static bool
connect_is_listener(const struct sess *s, const struct addr *to)
{
	const struct conf_listen *l;
	struct addr any = *to;
	unsigned i, k;

	addr_set_any(&any);
	for (i = 0; i < self.conf->nlistens; i++) {
		l = &self.conf->listens[i];
		if (!connect_is_from(l, s->path->relay))
			continue;
		for (k = 0; k < l->naddr; k++)
			if (addr_cmp(&l->addr[k], to) == 0 ||
			    addr_cmp(&l->addr[k], &any) == 0)
				return true;
	}
	return false;
}

/* Whether sessions of a listener may come to a relay section. */
static bool
connect_is_from(const struct conf_listen *l, const struct conf_relay *relay)
{
	const unsigned index = (unsigned)(relay - self.conf->relays);
	unsigned i;

	for (i = 0; i < l->nroutes; i++)
		if (l->routes[i].relay == index)
			return true;
	return l->relay == index;
}

/* Another one that is under way, else the next place of the remote, else the
 * next remote, else the end; at once if another one would need what is lacking
 * as well. */
static enum step
connect_failed(struct sess *s, int err)
{
	const char *why = err == ELOOP ? "it leads back to spawnd itself" :
	    strerror(err);
	bool lacks = dial_lacks(err);
	struct racer *r = race_first(s);

	trace_at(s, "failed", s->chosen, why);
	s->chosen->whose = err == ELOOP ? REMOTE_OURS : REMOTE_UNSEEN;
	ev_io_close(&s->remote.io);
	if (r == NULL && lacks)
		sess_warn(s, "connect", err);
	if (r == NULL && lacks && err != EADDRNOTAVAIL)
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	if (!lacks)
		remote_failed(s->chosen, err, why);
	if (r != NULL) {
		if (connect_with(s, r) == -1)
			return connect_failed(s, errno);
		connect_race(s);
		return STEP_WAIT;
	}
	if (connect_next(s))
		return connect_enter(s);
	if (lacks)
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	return sess_end(s, WHO_REMOTE, err == ETIMEDOUT ?
	    WHY_CONNECT_TIMEOUT : WHY_CONNECT, CUT_RESET);
}

/* Notes the place as tried, and chooses another one: of the same remote, else
 * of another one, if that may be tried. False if there is none, nor one that
 * will have room. */
static bool
connect_next(struct sess *s)
{
	struct remote *r = s->chosen, *next;

	if (!connect_remember(s, r)) {
		s->ntried++;
		return false;
	}
	next = remote_other(r, s);
	if (next == NULL && r->of->wanted != NULL) {
		remote_release(r, s);
		s->chosen = NULL;
		return wait_for(s, r->of->wanted) == 0;
	}
	if (next == NULL) {
		if (++s->ntried > s->path->relay->retries)
			return false;
		next = remote_pick(s->path->remotes, s);
	}
	remote_release(r, s);
	s->chosen = next;
	return next != NULL || wait_helps(s->path->remotes, s);
}

/* False without memory. */
static bool
connect_remember(struct sess *s, const struct remote *r)
{
	const struct path *p = s->path;
	struct extra *x = sess_extra(s);

	if (x != NULL && x->tried == NULL)
		x->tried = calloc((p->relay->retries + 1) * REMOTE_PLACES,
		    sizeof(*x->tried));
	if (x == NULL || x->tried == NULL)
		return false;
	if (!remote_is_tried(r, s))
		x->tried[x->ntried++] = (uint32_t)(r - p->remotes->all);
	return true;
}

enum step
connect_again(struct sess *s, enum sess_why why)
{
	s->connect_us = 0;
	if (connect_next(s))
		return STEP_AGAIN;
	return sess_end(s, WHO_REMOTE, why, CUT_RESET);
}
