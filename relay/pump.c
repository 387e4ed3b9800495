#include "compat.h"

#include "pump.h"
#include "remote/remotes.h"
#include "self.h"
#include "splice.h"

#define SCRATCH		(64 * 1024)	/* read at once, at most */
#define TURN_MOVES	32		/* a direction a wake-up, at most */
#define TURN_BYTES	(1024 * 1024)	/* the same */
#define BULK_READ	(32 * 1024)	/* a read this large counts as bulk */
#define BULK_ON		4		/* so many in a row: zero copy */
#define BULK_MAX	16		/* so many small ones end it */
#define FLUSH_LOOK	10		/* ms between looks at a send queue */
#define SPLICE_LOOK	1000		/* ms between looks at a direction
					   that the kernel moves by itself,
					   or a quarter of a time limit */

enum moved { MOVED_ALL, MOVED_MORE, MOVED_BROKEN };

static enum sess_why	 why_of(int);
static enum step	 pump_both(struct sess *, struct end *);
static bool		 nothing_to_do(const struct end *);
static enum moved	 pump(struct end *, struct end **);
static size_t		 stored(const struct end *);
static enum moved	 pump_stored(struct end *, struct end **);
static enum moved	 pump_error(struct end *, int, struct end **);
static bool		 bulk(const struct end *);
static void		 bulk_note(struct end *, uint64_t);
static enum moved	 pump_splice(struct end *, struct end **);
static void		 pump_spliced(struct end *);
static uint64_t		 pump_look_after(const struct sess *);
static void		 pump_look(struct end *);
static size_t		 pump_room(const struct end *);
static enum moved	 pump_read(struct end *, struct end **);
static enum moved	 pump_write(struct end *, const char *, size_t,
			    struct end **);
static ssize_t		 pump_send(struct end *, const char *, size_t);
static bool		 pump_keep(struct end *, const char *, size_t);
static void		 pump_count(struct end *, uint64_t);
static void		 pump_forward_eof(struct end *);
static struct end	*flush_failed(struct sess *);
static bool		 flush_acknowledged(struct sess *, struct end *);
static int		 unsent(int);

/* Every read of this process goes here first; what the other end takes at
 * once is never stored anywhere else. */
static char scratch[SCRATCH];

enum step
pump_enter(struct sess *s)
{
	if (s->remotes->conf->io == CONF_IO_SPLICE && splice_works())
		s->client.score = s->remote.score = BULK_MAX;
	return pump_both(s, &s->client);
}

enum step
pump_event(struct sess *s, struct end *e)
{
	int err = 0;
	socklen_t len = sizeof(err);

	/* Nobody reads from it now, so nobody else would see the error. */
	if (e->error && (e->eof || !far_of(e)->writable)) {
		getsockopt(e->io.fd, SOL_SOCKET, SO_ERROR, &err, &len);
		sess_abort(e, why_of(err));
		return STEP_DONE;
	}
	return pump_both(s, e);
}

static enum sess_why
why_of(int err)
{
	return err == 0 || err == ECONNRESET || err == EPIPE ? WHY_RESET :
	    WHY_ERROR;
}

/*
 * Moves what can be moved both ways, beginning with what comes from first.
 * The order matters only for the bytes that arrive in the same turn.
 */
static enum step
pump_both(struct sess *s, struct end *first)
{
	struct end *broken = NULL;
	enum moved a, b = MOVED_ALL;
	bool half = s->client.eof || s->remote.eof;

	if ((a = pump(first, &broken)) == MOVED_BROKEN ||
	    (!nothing_to_do(far_of(first)) &&
	    (b = pump(far_of(first), &broken)) == MOVED_BROKEN)) {
		sess_abort(broken, why_of(errno));
		return STEP_DONE;
	}
	if (!half && (s->client.eof || s->remote.eof)) {
		s->who = s->client.eof ? WHO_CLIENT : WHO_REMOTE;
		sess_touch(s);
		sess_arm(s);
	}
	if (s->client.eof && s->remote.eof && stored(&s->client) == 0 &&
	    stored(&s->remote) == 0) {
		sess_close(s, s->who, WHY_FIN, false);
		return STEP_DONE;
	}
	if (a == MOVED_MORE || b == MOVED_MORE)
		sess_resume(s);
	return STEP_WAIT;
}

/* Most events are of one direction only. */
static bool
nothing_to_do(const struct end *from)
{
	return !from->readable && !from->eof && from->kept == NULL &&
	    from->splicer == NULL;
}

/*
 * One direction, from an end to its peer, until the one has nothing or the
 * other takes nothing. *broken is the end whose socket failed.
 */
static enum moved
pump(struct end *from, struct end **broken)
{
	const struct end *to = far_of(from);
	uint64_t limit = from->bytes + TURN_BYTES;
	enum moved m;
	int moves;

	for (moves = 0; to->writable; moves++) {
		if (stored(from) == 0 && (from->eof || !from->readable))
			break;
		if (moves == TURN_MOVES || from->bytes >= limit)
			return MOVED_MORE;
		if (stored(from) != 0)
			m = pump_stored(from, broken);
		else if (pump_left_to_kernel(from) || bulk(from))
			m = pump_splice(from, broken);
		else
			m = pump_read(from, broken);
		if (m != MOVED_ALL)
			return m;
	}
	if (from->splicer != NULL)
		pump_spliced(from);
	if (from->eof && stored(from) == 0 && !to->shut)
		pump_forward_eof(from);
	return MOVED_ALL;
}

/* Read from an end and not yet taken by its peer. */
static size_t
stored(const struct end *from)
{
	return (from->kept != NULL ? from->kept->len : 0) +
	    (from->splicer != NULL ? splice_len(from->splicer) : 0);
}

/* Writes what is stored, or a part of it. */
static enum moved
pump_stored(struct end *from, struct end **broken)
{
	struct kept *k = from->kept;
	struct end *to = far_of(from);
	ssize_t n;

	if (k != NULL)
		n = pump_send(to, k->data + k->off, k->len);
	else
		n = splice_out(from->splicer, to->io.fd);
	if (n == -1)
		return pump_error(to, IO_WRITE, broken);
	sess_touch(sess_of(from));
	if (k == NULL)
		return MOVED_ALL;
	k->off += (uint32_t)n;
	k->len -= (uint32_t)n;
	if (k->len == 0) {
		free(k);
		from->kept = NULL;
	}
	return MOVED_ALL;
}

/* What a call that returned -1 means for the direction. */
static enum moved
pump_error(struct end *e, int what, struct end **broken)
{
	if (errno == EINTR)
		return MOVED_MORE;
	if (errno != EAGAIN) {
		*broken = e;
		return MOVED_BROKEN;
	}
	if (what == IO_READ)
		e->readable = false;
	else
		e->writable = false;
	ev_io_again(&e->io, what);
	return MOVED_ALL;
}

/*
 * Does the direction move bulk? A run of large reads says so, a run of small
 * ones that it is over; the score keeps it from flapping.
 */
static bool
bulk(const struct end *from)
{
	/* splice(2) does not get past urgent data, and a kernel that goes on
	 * by itself has nothing more to do at the end of the file. */
	return from->score >= BULK_ON && !from->urgent && !from->no_splice &&
	    splice_works() && !(from->hup && splice_by_itself());
}

bool
pump_left_to_kernel(const struct end *from)
{
	return from->splicer != NULL && splice_by_itself();
}

static void
bulk_note(struct end *from, uint64_t n)
{
	enum conf_io io = sess_of(from)->remotes->conf->io;

	if (io != CONF_IO_AUTO)
		from->score = io == CONF_IO_SPLICE ? BULK_MAX : 0;
	else if (n >= BULK_READ)
		from->score = from->score >= BULK_ON ? BULK_MAX :
		    from->score + 1;
	else if (from->score > BULK_ON)
		from->score--;
	else
		from->score = 0;
}

/* Nothing is stored, so EAGAIN is the socket's. */
static enum moved
pump_splice(struct end *from, struct end **broken)
{
	struct end *to = far_of(from);
	ssize_t n;

	if (from->splicer == NULL &&
	    (from->splicer = splice_get(from->io.fd, to->io.fd)) == NULL) {
		from->score = 0;
		from->no_splice = errno != ENOMEM && errno != EMFILE &&
		    errno != ENFILE;
		return MOVED_ALL;
	}
	n = splice_in(from->splicer, from->io.fd, to->io.fd);
	if (n == -1 && (errno == EINVAL || errno == ECANCELED)) {
		from->score = 0;
		from->no_splice = errno == EINVAL;
		pump_unsplice(from);
		return MOVED_ALL;
	}
	if (n == -1 && errno == EPIPE) {
		*broken = to;
		return MOVED_BROKEN;
	}
	if (n == -1)
		return pump_error(from, IO_READ, broken);
	if (n == 0)
		from->eof = true;
	else
		pump_count(from, (uint64_t)n);
	return MOVED_ALL;
}

/* An empty pipe is for others. What the kernel does by itself it is left to,
 * with a look at it now and then. */
static void
pump_spliced(struct end *from)
{
	struct sess *s = sess_of(from);

	if (pump_left_to_kernel(from))
		sess_look_soon(s, pump_look_after(s));
	else if (stored(from) == 0)
		pump_unsplice(from);
}

/* Soon enough not to take what moves for idle, nor the other way round. */
static uint64_t
pump_look_after(const struct sess *s)
{
	uint64_t idle = s->remotes->conf->idle_timeout;
	uint64_t half = s->remotes->conf->half_close_timeout, ms = SPLICE_LOOK;

	if (idle != 0)
		ms = MIN(ms, idle / 4 + 1);
	if (half != 0)
		ms = MIN(ms, half / 4 + 1);
	return ms;
}

void
pump_unsplice(struct end *from)
{
	uint64_t n = splice_put(&from->splicer, from->io.fd);

	if (n != 0)
		pump_count(from, n);
}

/* No event tells of bytes that the kernel moves by itself. */
static void
pump_look(struct end *from)
{
	uint64_t n;

	if (!pump_left_to_kernel(from))
		return;
	if ((n = splice_moved(from->splicer, from->io.fd)) != 0)
		pump_count(from, n);
	/* This ends it, and reads what there is. */
	if (n == 0 || !bulk(from))
		from->readable = true;
}

/*
 * How much may be read at once: whatever is read must fit if the other end
 * takes none of it. One direction gets three quarters of the buffer at most,
 * so that it can never stop the other one.
 */
static size_t
pump_room(const struct end *from)
{
	size_t limit = sess_of(from)->remotes->conf->buffer;
	const struct kept *other = far_of(from)->kept;
	size_t room = other == NULL ? limit : limit - other->len;

	if (room > limit / 4 * 3)
		room = limit / 4 * 3;
	return room < SCRATCH ? room : SCRATCH;
}

static enum moved
pump_read(struct end *from, struct end **broken)
{
	size_t room = pump_room(from);
	ssize_t n;

	n = recv(from->io.fd, scratch, room, 0);
	if (n == -1)
		return pump_error(from, IO_READ, broken);
	if (n == 0) {
		from->eof = true;
		return MOVED_ALL;
	}
	/* A short read has emptied the socket: the next byte is an edge. */
	if ((size_t)n < room && !from->hup) {
		from->readable = false;
		ev_io_again(&from->io, IO_READ);
	}
	pump_count(from, (uint64_t)n);
	return pump_write(from, scratch, (size_t)n, broken);
}

static enum moved
pump_write(struct end *from, const char *buf, size_t len, struct end **broken)
{
	struct end *to = far_of(from);
	ssize_t n;

	n = pump_send(to, buf, len);
	if (n == (ssize_t)len)
		return MOVED_ALL;
	if (n == -1) {
		if (errno != EINTR && pump_error(to, IO_WRITE, broken) ==
		    MOVED_BROKEN)
			return MOVED_BROKEN;
		n = 0;
	} else {
		to->writable = false;
		ev_io_again(&to->io, IO_WRITE);
	}
	if (pump_keep(from, buf + n, len - (size_t)n))
		return MOVED_ALL;
	*broken = to;
	return MOVED_BROKEN;
}

/* An error met here may be that of the socket which the other direction is
 * spliced to: it is told once, so a second try says whose it is. */
static ssize_t
pump_send(struct end *to, const char *buf, size_t len)
{
	ssize_t n = send(to->io.fd, buf, len, MSG_NOSIGNAL);

	if (n != -1 || errno == EAGAIN || errno == EINTR ||
	    !pump_left_to_kernel(to))
		return n;
	pump_unsplice(to);
	to->readable = true;
	sess_resume(sess_of(to));
	return send(to->io.fd, buf, len, MSG_NOSIGNAL);
}

static bool
pump_keep(struct end *from, const char *buf, size_t len)
{
	if ((from->kept = malloc(sizeof(*from->kept) + len)) == NULL)
		return false;
	from->kept->off = 0;
	from->kept->len = (uint32_t)len;
	memcpy(from->kept->data, buf, len);
	return true;
}

static void
pump_count(struct end *from, uint64_t n)
{
	struct board_worker *w = self.board.own;
	struct sess *s = sess_of(from);
	struct board_remote *r = s->chosen->board;

	sess_touch(s);
	bulk_note(from, n);
	from->bytes += n;
	board_add(from->remote ? &w->bytes_out : &w->bytes_in, n);
	board_add(from->remote ? &r->bytes_out : &r->bytes_in, n);
}

/* The last bytes are on their way; when the other direction has ended too,
 * the close that follows says the same with one call less. */
static void
pump_forward_eof(struct end *from)
{
	struct end *to = far_of(from);

	to->shut = true;
	if (!to->eof || stored(to) != 0)
		shutdown(to->io.fd, SHUT_WR);
}

enum step
pump_timeout(struct sess *s)
{
	bool half = s->client.eof || s->remote.eof;

	pump_look(&s->client);
	pump_look(&s->remote);
	if (!sess_is_late(s)) {
		sess_arm(s);
		return pump_both(s, &s->client);
	}
	sess_close(s, WHO_RELAY, half ? WHY_HALF_CLOSE : WHY_IDLE, false);
	return STEP_DONE;
}

/* --- FLUSH: one end has failed, the other still gets what it had sent --- */

static struct end *
flush_failed(struct sess *s)
{
	return s->client.failed ? &s->client : &s->remote;
}

/* Bytes that the kernel has taken and the peer has not acknowledged; 0 where
 * the system does not tell. */
static int
unsent(int fd)
{
	int n = 0;

#ifdef SOCKET_UNSENT
	if (ioctl(fd, SOCKET_UNSENT, &n) == -1)
		return 0;
#else
	(void)fd;
#endif
	return n;
}

enum step
flush_enter(struct sess *s)
{
	struct end *from = flush_failed(s);

	/* A write that failed has not seen what the socket had received
	 * before; it is read to its end. An end of the file that comes after
	 * the failure is no FIN. */
	from->readable = from->hup = true;
	if (!from->eof)
		far_of(from)->shut = true;
	return flush_event(s, from);
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
	if (broken == from || from->eof) {
		ev_io_close(&from->io);
		from->readable = false;
	}
	if (broken == to || to->error || (from->io.fd == -1 &&
	    stored(from) == 0 && flush_acknowledged(s, to))) {
		sess_close(s, s->who, s->why, true);
		return STEP_DONE;
	}
	sess_look_soon(s, FLUSH_LOOK);
	return STEP_WAIT;
}

/* Every acknowledgement counts as progress. */
static bool
flush_acknowledged(struct sess *s, struct end *to)
{
	int n = unsent(to->io.fd);

	if (n != s->unsent)
		sess_touch(s);
	s->unsent = n;
	return n == 0;
}

enum step
flush_timeout(struct sess *s)
{
	if (sess_is_late(s)) {
		sess_close(s, s->who, s->why, true);
		return STEP_DONE;
	}
	return flush_event(s, flush_failed(s));
}
