#include "compat.h"

#include "ev.h"
#include "listing.h"
#include "packet.h"
#include "telling.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"

#define MOST		4	/* at once */
#define MOST_GUESTS	2	/* of those */
#define TURN		64	/* sessions looked at in a turn */
#define PATIENCE	30000	/* ms for who reads nothing */

struct listing {
	LIST_ENTRY(listing)	 entry;
	struct ev_io		 io;
	struct ev_timer		 timer;		/* nobody reads */
	struct ev_task		 task;		/* the next turn, or free */
	struct sess_walk	 walk;
	struct proto_list	 what;
	uint64_t		 last;		/* session that is there */
	uint64_t		 done;		/* sessions told of, or ended */
	bool			 over;		/* the last packet is made */
	struct telling		 out;		/* the packet to be sent */
};

static struct listing *listing_new(int, const struct proto_list *);
static void	 listing_turn(struct ev_task *);
static void	 listing_io(struct ev_io *, int);
static void	 listing_late(struct ev_timer *);
static void	 listing_fill(struct listing *);
static void	 listing_take(struct listing *, struct sess *);
static bool	 listing_wants(const struct listing *, const struct sess *);
static bool	 listing_wants_id(const struct proto_list *, uint64_t);
static bool	 listing_wants_remote(const struct proto_list *,
		    const struct sess *);
static bool	 listing_send(struct listing *);
static void	 listing_end(struct listing *);
static void	 listing_free(struct ev_task *);
static void	 listing_kill(struct sess *);

static LIST_HEAD(, listing)	 listings = LIST_HEAD_INITIALIZER(listings);
static unsigned			 nlistings;

void
listing_start(int fd, const struct proto_list *what)
{
	struct listing *l;

	if (nlistings >= (what->guest != 0 ? MOST_GUESTS : MOST) ||
	    (l = listing_new(fd, what)) == NULL) {
		telling_busy(fd);
		close(fd);
		return;
	}
	nlistings++;
	LIST_INSERT_HEAD(&listings, l, entry);
	ev_timer_set(&l->timer, PATIENCE);
	ev_defer(&l->task, listing_turn);
}

static struct listing *
listing_new(int fd, const struct proto_list *what)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	if (ev_io_add(&l->io, fd, IO_WRITE, listing_io) == -1) {
		free(l);
		return NULL;
	}
	ev_timer_init(&l->timer, listing_late);
	l->what = *what;
	l->last = self.serial;
	sess_walk_begin(&l->walk);
	return l;
}

void
listing_stop(void)
{
	struct listing *l, *next;

	LIST_FOREACH_SAFE(l, &listings, entry, next) {
		if (!l->over && telling_room(&l->out))
			telling_end(&l->out, l->done);
		if (listing_send(l) || l->io.fd != -1)
			listing_end(l);
	}
}

static void
listing_turn(struct ev_task *task)
{
	struct listing *l = container_of(task, struct listing, task);

	if (l->out.len == 0)
		listing_fill(l);
	/* Its worker may have ended with the last session. */
	if (l->io.fd == -1 || !listing_send(l))
		return;
	if (l->over)
		listing_end(l);
	else
		ev_defer(&l->task, listing_turn);
}

static void
listing_io(struct ev_io *io, int what)
{
	struct listing *l = container_of(io, struct listing, io);

	(void)what;
	if (!ev_deferred(&l->task))
		ev_defer(&l->task, listing_turn);
}

static void
listing_late(struct ev_timer *t)
{
	listing_end(container_of(t, struct listing, timer));
}

/* Those that have come since it was asked are not waited for: there may be no
 * end of them. */
static void
listing_fill(struct listing *l)
{
	struct sess *s;
	unsigned n;

	for (n = 0; l->io.fd != -1 && n < TURN && telling_room(&l->out);
	    n++) {
		if ((s = sess_walk_next(&l->walk)) == NULL ||
		    s->id > l->last) {
			telling_end(&l->out, l->done);
			l->over = true;
			return;
		}
		if (listing_wants(l, s))
			listing_take(l, s);
	}
}

static void
listing_take(struct listing *l, struct sess *s)
{
	l->done++;
	if (l->what.what == LIST_KILL)
		listing_kill(s);
	else
		telling_session(&l->out, s, l->what.verbose != 0);
}

static bool
listing_wants(const struct listing *l, const struct sess *s)
{
	const struct proto_list *w = &l->what;
	struct acl_rule rule = w->rule;
	const struct acl net = { .rules = &rule, .n = 1 };

	return listing_wants_id(w, s->id) &&
	    (w->net == 0 || acl_first(&net, &s->source, 0) != NULL) &&
	    (w->listener[0] == '\0' ||
	    strcmp(w->listener, s->path->listen->name) == 0) &&
	    (w->relay[0] == '\0' || listing_wants_remote(w, s)) &&
	    ev_now() - MIN(s->last, ev_now()) >= w->idle_ms &&
	    ev_now_us() - MIN(s->taken_us, ev_now_us()) >=
	    w->older_ms * 1000;
}

static bool
listing_wants_id(const struct proto_list *w, uint64_t id)
{
	uint32_t i = 0;

	while (i < w->nids && i < PROTO_LIST_IDS && w->ids[i] != id)
		i++;
	return w->nids == 0 || (i < w->nids && i < PROTO_LIST_IDS);
}

static bool
listing_wants_remote(const struct proto_list *w, const struct sess *s)
{
	return s->chosen != NULL &&
	    strcmp(w->relay, s->chosen->of->conf->name) == 0 &&
	    (w->remote[0] == '\0' ||
	    strcmp(w->remote, s->chosen->conf->name) == 0);
}

/* False: it is not to go on, now or ever. */
static bool
listing_send(struct listing *l)
{
	int r;

	if (l->out.len == 0)
		return true;
	r = packet_send(l->io.fd, l->out.text, l->out.len);
	if (r == -1 && (errno == EAGAIN || errno == ENOBUFS)) {
		ev_io_again(&l->io, IO_WRITE);
		return false;
	}
	if (r == -1) {
		listing_end(l);
		return false;
	}
	l->out.len = 0;
	ev_timer_set(&l->timer, PATIENCE);
	return true;
}

static void
listing_end(struct listing *l)
{
	sess_walk_end(&l->walk);
	ev_timer_stop(&l->timer);
	ev_io_close(&l->io);
	LIST_REMOVE(l, entry);
	nlistings--;
	ev_undefer(&l->task);
	ev_defer(&l->task, listing_free);
}

static void
listing_free(struct ev_task *task)
{
	free(container_of(task, struct listing, task));
}

static void
listing_kill(struct sess *s)
{
	sess_end(s, WHO_RELAY, WHY_KILLED, CUT_RESET);
	sess_close(s);
}
