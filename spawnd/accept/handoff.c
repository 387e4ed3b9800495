#include "compat.h"

#include <sys/ioctl.h>

#include <inttypes.h>

#include "accept/handoff.h"
#include "accept/limit.h"
#include "accept/pause.h"
#include "accept/sticky.h"
#include "conf/conf.h"
#include "ipc.h"
#include "ledger.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/channel.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/load.h"
#include "proc/refill.h"
#include "proc/seat.h"
#include "proc/watch.h"

#define BURST		256	/* of those that are kept, given a turn */
#define SLACK_MAX	8	/* sessions, to wake fewer workers */

struct kept {
	TAILQ_ENTRY(kept)	 entry;
	struct proto_conn	 conn;
	struct tally		*tally;	/* in which it is counted, or NULL */
	int			 fd;
};

static void	view_make(void);
static uint64_t	view_slack(void);
static void	pick_next(void);
static int	pick_for(const struct proto_conn *);
static int	pick_sticky(const struct gate *, const struct conf_listen *,
		    const struct source *);
static unsigned	processors(void);
static void	put(struct worker *, int, const struct proto_conn *,
		    struct tally *);
static void	out_send(struct worker *);
static void	out_clear(struct worker *);
static void	out_keep(struct worker *);
static bool	recover_due(const struct worker *);
static unsigned	recover(struct worker *, const struct ipc_msg *);
static void	recover_none(struct worker *);
static int	translate(const struct conf *, uint32_t, const struct conf *);
static bool	keep_of(struct worker *, int, const struct proto_conn *);
static void	kept_free(struct kept *);

/* The workers of the current generation as pool.c sees them: made once a
 * turn, counted on in place as sessions are given out. */
static struct pool_worker	 view[BOARD_SLOTS];
static struct worker		*who[BOARD_SLOTS];
static size_t			 nview;
static bool			 viewed;
static uint64_t			 slack;

static struct pool_choice	 next;
static bool			 chosen;	/* next is good */

static TAILQ_HEAD(, worker)	 sending = TAILQ_HEAD_INITIALIZER(sending);
static TAILQ_HEAD(kept_list, kept) kept = TAILQ_HEAD_INITIALIZER(kept);
static unsigned			 nkept;

void
handoff_look(void)
{
	viewed = false;
	chosen = false;
}

static void
view_make(void)
{
	nview = worker_view(master.gen, view, who);
	slack = view_slack();
	viewed = true;
}

/*
 * As many sessions may go to another worker than the least loaded one as have
 * ended since the last turn: where sessions come and go quickly, the next few
 * put it right; where they stay, they are spread exactly.
 */
static uint64_t
view_slack(void)
{
	static uint64_t before;
	uint64_t ended = 0, n;
	size_t i;

	for (i = 0; i < nview; i++)
		ended += who[i]->sent - view[i].users;
	n = ended > before ? ended - before : 0;
	before = ended;
	return MIN(n, SLACK_MAX);
}

uint64_t
handoff_places(void)
{
	const struct conf *c = master.gen->conf;
	uint64_t n = (uint64_t)c->servers_max * c->users_max, used = nkept;
	size_t i;

	if (!viewed)
		view_make();
	for (i = 0; i < nview; i++)
		if (view[i].state == WORKER_READY ||
		    view[i].state == WORKER_STARTING)
			used += view[i].users;
	return used < n ? n - used : 0;
}

static void
pick_next(void)
{
	struct pool_limits limits = refill_limits(master.gen);

	if (!viewed)
		view_make();
	limits.wake = processors();
	limits.slack = slack;
	next = pool_pick(view, nview, &limits);
	chosen = true;
}

static unsigned
processors(void)
{
	static unsigned n;
	long online;

	if (n == 0) {
		online = sysconf(_SC_NPROCESSORS_ONLN);
		n = online < 1 ? 1 : (unsigned)MIN(online, BOARD_SLOTS);
	}
	return n;
}

enum handoff_room
handoff_room(void)
{
	if (nkept != 0 || master.stopping)
		return HANDOFF_NONE;
	if (!chosen)
		pick_next();
	if (next.worker != -1)
		return HANDOFF_ROOM;
	return next.start && refill_ask(master.gen) ? HANDOFF_SOON :
	    HANDOFF_NONE;
}

bool
handoff_give(int fd, const struct proto_conn *c, struct tally *tally)
{
	int i;

	if (master.ending)
		return false;
	if (!chosen)
		pick_next();
	/* The session asks for one more, even if it finds a place now. */
	if (next.start)
		refill_ask(master.gen);
	if (next.worker == -1)
		return false;
	chosen = false;
	i = pick_for(c);
	view[i].users++;
	view[i].awake = true;
	put(who[i], fd, c, tally);
	return true;
}

/* Who is next, but where sources keep their workers. */
static int
pick_for(const struct proto_conn *c)
{
	const struct gate *g = &master.gen->gates->of[c->listener];
	const struct conf_listen *l = &master.gen->conf->listens[c->listener];
	int i;

	if (g->sticky == NULL)
		return next.worker;
	if ((i = pick_sticky(g, l, &c->client)) == -1)
		i = next.worker;
	sticky_set(g->sticky, l, &c->client, who[i]->child.pid);
	return i;
}

static int
pick_sticky(const struct gate *g, const struct conf_listen *l,
    const struct source *source)
{
	const struct pool_limits limits = refill_limits(master.gen);
	const pid_t pid = sticky_worker(g->sticky, l, source);
	size_t i;

	for (i = 0; pid != 0 && i < nview; i++)
		if (who[i]->child.pid == pid)
			return pool_takes(&view[i], &limits) ? (int)i : -1;
	return -1;
}

static void
put(struct worker *w, int fd, const struct proto_conn *c, struct tally *tally)
{
	if (w->nout == 0)
		TAILQ_INSERT_TAIL(&sending, w, send_entry);
	w->sent++;
	w->idle_since = 0;
	w->out[w->nout] = *c;
	w->out[w->nout].seat = seat_take(w, tally, c->listener);
	w->out_fds[w->nout++] = fd;
	if (w->nout == PROTO_BATCH)
		out_send(w);
}

void
handoff_send(void)
{
	struct worker *w;

	while ((w = TAILQ_FIRST(&sending)) != NULL)
		out_send(w);
}

static void
out_send(struct worker *w)
{
	unsigned i;

	load_tell();
	if (ipc_send(w->chan.fd, MSG_CONN, w->out, w->nout,
	    w->out_fds) == 0) {
		for (i = 0; i < w->nout; i++)
			close(w->out_fds[i]);
		out_clear(w);
		watch_look(w);
		return;
	}
	if (errno == EAGAIN)
		channel_is_full(w);	/* until it is writable */
	else if (!channel_failed(w))
		pause_begin("hand-over", errno);	/* then again */
	mark(MARK_ACCEPT);
	out_keep(w);
	handoff_look();
}

static void
out_clear(struct worker *w)
{
	if (w->nout != 0)
		TAILQ_REMOVE(&sending, w, send_entry);
	w->nout = 0;
}

/* What could not be sent goes back to be given to somebody else. */
static void
out_keep(struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->nout; i++)
		keep_of(w, w->out_fds[i], &w->out[i]);
	w->sent -= w->nout;
	out_clear(w);
}

void
handoff_keep(int fd, const struct proto_conn *c, struct tally *tally)
{
	struct kept *k;

	if ((k = malloc(sizeof(*k))) == NULL) {
		log_warn("a session is lost");
		limit_end(tally);
		close(fd);
		return;
	}
	k->fd = fd;
	k->conn = *c;
	k->tally = tally;
	TAILQ_INSERT_TAIL(&kept, k, entry);
	nkept++;
}

void
handoff_save(FILE *f)
{
	const struct kept *k;
	const struct source *p;
	size_t i;

	TAILQ_FOREACH(k, &kept, entry) {
		p = &k->conn.client;
		fprintf(f, "kept %d %u %u %u %" PRIu64 " %u %u %u ",
		    inherit_fd(k->fd), limit_number(k->tally),
		    k->conn.listener,
		    k->conn.backlog_ms, k->conn.accepted_us, p->family,
		    p->port, p->scope);
		for (i = 0; i < sizeof(p->ip); i++)
			fprintf(f, "%02x", p->ip[i]);
		fputc('\n', f);
	}
}

bool
handoff_take(const char *line)
{
	struct proto_conn c;
	unsigned number, family, port, byte;
	struct tally *tally;
	int fd, at;
	size_t i;

	memset(&c, 0, sizeof(c));
	if (sscanf(line, "kept %d %u %u %u %" SCNu64 " %u %u %u %n", &fd,
	    &number, &c.listener, &c.backlog_ms, &c.accepted_us, &family, &port,
	    &c.client.scope, &at) != 8 || !limit_again(number, &tally))
		return false;
	for (i = 0; i < sizeof(c.client.ip); i++) {
		if (sscanf(line + at + 2 * i, "%2x", &byte) != 1)
			return false;
		c.client.ip[i] = (uint8_t)byte;
	}
	c.client.family = (uint8_t)family;
	c.client.port = (uint16_t)port;
	handoff_keep(fd, &c, tally);
	return true;
}

unsigned
handoff_kept(void)
{
	return nkept;
}

/*
 * The listener's place in another configuration: by its name, else any that
 * leads to a relay of the same name, else -1. Never to another relay, but for
 * what the routes of the same listener say now, or another program makes of it.
 */
static int
translate(const struct conf *from, uint32_t index, const struct conf *to)
{
	const struct conf_listen *l = &from->listens[index];
	const char *relay = conf_relay_name(from, l);
	int same = -1;
	unsigned i;

	if (from == to)
		return (int)index;
	for (i = 0; i < to->nlistens; i++) {
		if (strcmp(conf_relay_name(to, &to->listens[i]), relay) != 0)
			continue;
		if (strcmp(to->listens[i].name, l->name) == 0)
			return (int)i;
		if (l->relay != CONF_NOREF && l->nroutes == 0 &&
		    to->listens[i].nroutes == 0)
			same = (int)i;
	}
	return same;
}

void
handoff_switch(const struct conf *from, const struct conf *to)
{
	struct kept *k, *next_kept;
	int i;

	TAILQ_FOREACH_SAFE(k, &kept, entry, next_kept) {
		if ((i = translate(from, k->conn.listener, to)) != -1) {
			k->conn.listener = (uint32_t)i;
			continue;
		}
		log_warnx("a connection that waited at listener %s is closed: "
		    "its relay is gone",
		    from->listens[k->conn.listener].name);
		kept_free(k);
	}
	handoff_look();
}

/* Keeps what was meant for a worker, perhaps of a former generation. */
static bool
keep_of(struct worker *w, int fd, const struct proto_conn *c)
{
	const struct generation *g = w->gen;
	struct tally *tally = seat_back(w, c->seat);
	struct proto_conn own = *c;
	int i = translate(g->conf, c->listener, master.gen->conf);

	if (i == -1) {
		log_warnx("a connection of listener %s is closed: its worker "
		    "and its relay are gone",
		    g->conf->listens[c->listener].name);
		limit_end(tally);
		close(fd);
		return false;
	}
	own.listener = (uint32_t)i;
	handoff_keep(fd, &own, tally);
	return true;
}

/* No more than leaves the reserve free: those who are to serve them could not
 * be started. The rest is well kept where it is. */
bool
handoff_recover(struct worker *w)
{
	struct ipc_msg m;
	unsigned all = 0, n = 0;

	out_keep(w);
	while (recover_due(w) && pause_free(PROTO_BATCH + PAUSE_RESERVE) &&
	    ipc_recv(w->its_end, PROTO_DOWN, &m) == 1) {
		if ((m.type == MSG_LOG || m.type == MSG_AUTH ||
		    m.type == MSG_LIST || m.type == MSG_TRACE) &&
		    m.fds[0] != -1)
			close(m.fds[0]);
		w->lease_due |= m.type == MSG_LEASE;
		if (m.type != MSG_CONN)
			continue;
		all += m.count;
		n += recover(w, &m);
	}
	w->sent -= all;
	if (n != 0)
		log_info("worker %ld: %u sessions that it had not taken go "
		    "to others", (long)w->child.pid, n);
	if (n != all)
		log_warnx("worker %ld: %u sessions that it had not taken are "
		    "lost", (long)w->child.pid, all - n);
	if (!master.stopping)
		return !recover_due(w);
	if (recover_due(w) && w->state == WORKER_DEAD)
		recover_none(w);
	return true;
}

static bool
recover_due(const struct worker *w)
{
	int n;

	return master.gen != NULL && ioctl(w->its_end, FIONREAD, &n) == 0 &&
	    n > 0;
}

/* How many of them have come with their descriptors, and are kept. */
static unsigned
recover(struct worker *w, const struct ipc_msg *m)
{
	unsigned i, n = 0;

	for (i = 0; i < m->count; i++)
		if (m->fds[i] != -1)
			n += keep_of(w, m->fds[i], &m->conn[i]);
		else
			limit_end(seat_back(w, m->conn[i].seat));
	return n;
}

/* Nobody would serve them any more. */
static void
recover_none(struct worker *w)
{
	uint64_t n = worker_untaken(w);

	log_warnx("stopping: %llu sessions that worker %ld had not taken are "
	    "closed", (unsigned long long)n, (long)w->child.pid);
	w->sent -= n;
}

void
handoff_give_kept(void)
{
	unsigned n = MIN(nkept, BURST);
	struct kept *k;

	/* Once each: those that cannot be sent are kept again. */
	for (; n > 0 && (k = TAILQ_FIRST(&kept)) != NULL; n--) {
		if (pause_on() || !handoff_give(k->fd, &k->conn,
		    k->tally))
			return;
		k->fd = -1;		/* it is with the worker now */
		k->tally = NULL;
		kept_free(k);
	}
	if (nkept != 0)
		mark(MARK_ACCEPT);
}

void
handoff_give_up(unsigned n)
{
	struct kept *k, *before;

	if ((n = MIN(n, nkept)) == 0)
		return;
	log_warnx("%u of %u connections that wait for room are closed: "
	    "without descriptors no worker can be started", n, nkept);
	TAILQ_FOREACH_REVERSE_SAFE(k, &kept, kept_list, entry, before) {
		if (n-- == 0)
			return;
		board_add(&ledger->limited, 1);
		kept_free(k);
	}
}

void
handoff_drop(void)
{
	struct kept *k, *behind;

	TAILQ_FOREACH_SAFE(k, &kept, entry, behind)
		kept_free(k);
}

static void
kept_free(struct kept *k)
{
	TAILQ_REMOVE(&kept, k, entry);
	nkept--;
	limit_end(k->tally);
	if (k->fd != -1)
		close(k->fd);
	free(k);
}
