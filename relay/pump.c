#include "compat.h"

#include "carry.h"
#include "end.h"
#include "pump.h"
#include "store.h"

#define SCRATCH		(64 * 1024)	/* read at once, at most */
#define TURN_MOVES	32		/* a direction a wake-up, at most */
#define TURN_BYTES	(1024 * 1024)	/* the same */

static in_line enum moved pump_move(struct end *, struct end **, bool);
static inline bool	 pump_may_read(struct end *, size_t, bool);
static bool		 pump_is_allowed(struct end *, size_t);
static size_t		 pump_share(const struct end *, size_t);
static size_t		 pump_room(const struct end *);
static enum moved	 pump_stored(struct end *, struct end **);
static ssize_t		 pump_send_queue(struct end *, const struct queue *);
static enum moved	 pump_error(struct end *, int, struct end **);
static enum moved	 pump_splice(struct end *, struct end **);
static enum moved	 pump_read(struct end *, struct end **);
static enum moved	 pump_write(struct end *, size_t, struct end **);
static ssize_t		 pump_send(struct end *, size_t);
static bool		 pump_send_again(struct end *);
static enum moved	 pump_store(struct end *, size_t, size_t,
			    struct end **);
static enum moved	 pump_no_memory(struct end *, struct end **);
static void		 pump_forward_eof(struct end *);

/* Every read of what no filter sees goes here first; what the other end takes
 * at once is never stored anywhere else. */
static char scratch[SCRATCH];

/* Twice the same, of which one has nothing to do with filters. */
enum moved
pump(struct end *from, struct end **broken)
{
	return from->filtered ? pump_move(from, broken, true) :
	    pump_move(from, broken, false);
}

static in_line enum moved
pump_move(struct end *from, struct end **broken, bool filtered)
{
	const struct end *to = far_of(from);
	uint64_t limit = from->bytes + TURN_BYTES;
	size_t ready, stored;
	enum moved m;
	int moves;

	for (moves = 0;; moves++) {
		if (filtered && chain_run(from) == -1)
			return MOVED_CUT;
		ready = sess_ready(from);
		stored = filtered ? sess_stored(from) : ready;
		if ((ready == 0 || !to->writable) &&
		    !pump_may_read(from, stored, filtered))
			break;
		if (moves == TURN_MOVES || from->bytes >= limit)
			return MOVED_MORE;
		if (ready != 0 && to->writable)
			m = pump_stored(from, broken);
		else if (stored == 0 &&
		    (carry_by_kernel(from) || carry_wanted(from)))
			m = pump_splice(from, broken);
		else
			m = pump_read(from, broken);
		if (m != MOVED_ALL)
			return m;
	}
	if (from->splicer != NULL)
		carry_rest(from);
	if (stored == 0 && !to->shut &&
	    (filtered ? chain_over(from) : from->eof))
		pump_forward_eof(from);
	return MOVED_ALL;
}

/* What would stand behind something else is read in large pieces only. */
static inline bool
pump_may_read(struct end *from, size_t stored, bool filtered)
{
	if (!from->readable || from->eof)
		return false;
	if (filtered)
		return pump_is_allowed(from, stored);
	if (stored == 0)
		return far_of(from)->writable;
	return !store_full() && pump_room(from) == SCRATCH;
}

/* The same where filters hold some of it, and have a say. */
static bool
pump_is_allowed(struct end *from, size_t stored)
{
	const size_t room = pump_share(from, stored);
	const size_t least = MIN(SCRATCH, pump_share(from, 0) / 4);

	if (stored == 0 ? !far_of(from)->writable : store_full() ||
	    room < least)
		return false;
	return chain_allow(from, stored == 0 && carry_wanted(from) ?
	    TURN_BYTES : MIN(room, SCRATCH)) != 0;
}

/*
 * What of the buffer is left for a direction that stores so much. A quarter is
 * its own, whatever the other one stores: nothing would tell this one that it
 * has become less. What is in a pipe is not in the buffer.
 */
static size_t
pump_share(const struct end *from, size_t stored)
{
	const struct end *to = far_of(from);
	const size_t limit = sess_of(from)->path->relay->buffer;
	const size_t other = queue_len(to->queue) + chain_held(to);
	const size_t most = limit - MAX(limit / 4, MIN(other, limit / 4 * 3));

	return stored < most ? most - stored : 0;
}

/*
 * How much may be read at once: whatever is read must fit if the other end
 * takes none of it. One direction gets three quarters of the buffer at most,
 * so that it can never stop the other one.
 */
static size_t
pump_room(const struct end *from)
{
	size_t limit = sess_of(from)->path->relay->buffer;
	size_t mine = queue_len(from->queue);
	size_t other = queue_len(far_of(from)->queue);
	size_t room = MIN(limit / 4 * 3, limit - other) - mine;

	if (from->filtered)
		room = chain_allowed(from);
	return MIN(room, SCRATCH);
}

/* Writes what is stored, or a part of it: what is in a pipe is older than
 * what is in the queue. */
static enum moved
pump_stored(struct end *from, struct end **broken)
{
	struct end *to = far_of(from);
	bool piped = from->splicer != NULL && splice_len(from->splicer) != 0;
	ssize_t n;

	if (piped)
		n = end_raw(to) == -1 ? -1 :
		    splice_out(from->splicer, to->io.fd);
	else
		n = pump_send_queue(to, from->queue);
	if (n == -1)
		return pump_error(to, IO_WRITE, broken);
	sess_touch(sess_of(from));
	sess_count(from, (uint64_t)n);
	if (!piped)
		queue_taken(&from->queue, (size_t)n);
	return MOVED_ALL;
}

static ssize_t
pump_send_queue(struct end *to, const struct queue *q)
{
	struct iovec iov[QUEUE_IOV];
	int places = queue_look(q, iov);
	ssize_t n = end_writev(to, iov, places);

	if (n == -1 && pump_send_again(to))
		n = end_writev(to, iov, places);
	return n;
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

/* Nothing is stored, so EAGAIN is the socket's. */
static enum moved
pump_splice(struct end *from, struct end **broken)
{
	struct end *to = far_of(from);
	ssize_t n;

	if (!carry_begin(from))
		return MOVED_ALL;
	n = splice_in(from->splicer, from->io.fd, to->io.fd,
	    from->filtered ? chain_allowed(from) : SIZE_MAX);
	if (n == -1 && from->filtered)
		chain_passed(from, 0);
	if (n == -1 && (errno == EINVAL || errno == ECANCELED)) {
		from->score = 0;
		from->no_splice = errno == EINVAL;
		carry_end(from);
		return MOVED_ALL;
	}
	if (n == -1 && errno == EPIPE) {
		*broken = to;
		return MOVED_BROKEN;
	}
	if (n == -1)
		return pump_error(from, IO_READ, broken);
	if (n == 0) {
		/* The end, or an urgent byte that the end follows. */
		from->score = 0;
		carry_end(from);
		return pump_read(from, broken);
	}
	sess_touch(sess_of(from));
	carry_note(from, (uint64_t)n);
	if (from->filtered)
		chain_passed(from, (size_t)n);
	if (splice_by_itself())
		sess_count(from, (uint64_t)n);
	return MOVED_ALL;
}

static enum moved
pump_read(struct end *from, struct end **broken)
{
	size_t room = pump_room(from);
	char *buf = from->filtered ? chain_buffer(from, &room) : NULL;
	ssize_t n;
	int taken;

	if (buf == NULL)
		buf = scratch;
	n = end_read(from, buf, room);
	if (n <= 0 && from->filtered)
		chain_passed(from, 0);
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
	sess_touch(sess_of(from));
	carry_note(from, (uint64_t)n);
	if (from->filtered && (taken = chain_take(from, buf, (size_t)n)) != 0)
		return taken == 1 ? MOVED_ALL : pump_no_memory(from, broken);
	if (buf != scratch)	/* the last one has just left */
		memcpy(scratch, buf, (size_t)n);
	if (!far_of(from)->writable)
		return pump_store(from, 0, (size_t)n, broken);
	return pump_write(from, (size_t)n, broken);
}

/* What has been read goes to the other end, or as much as it takes. */
static enum moved
pump_write(struct end *from, size_t len, struct end **broken)
{
	struct end *to = far_of(from);
	ssize_t n = pump_send(to, len);

	if (n == -1) {
		if (errno != EINTR && pump_error(to, IO_WRITE, broken) ==
		    MOVED_BROKEN)
			return MOVED_BROKEN;
		return pump_store(from, 0, len, broken);
	}
	sess_count(from, (uint64_t)n);
	if (n == (ssize_t)len)
		return MOVED_ALL;
	to->writable = false;
	ev_io_again(&to->io, IO_WRITE);
	return pump_store(from, (size_t)n, len, broken);
}

static ssize_t
pump_send(struct end *to, size_t len)
{
	ssize_t n = end_write(to, scratch, len);

	if (n == -1 && pump_send_again(to))
		n = end_write(to, scratch, len);
	return n;
}

/* An error met here may be that of the socket which the other direction is
 * spliced to: it is told once, so a second try says whose it is. */
static bool
pump_send_again(struct end *to)
{
	if (errno == EAGAIN || errno == EINTR || !carry_by_kernel(to))
		return false;
	carry_end(to);
	to->readable = true;
	sess_resume(sess_of(to));
	return true;
}

/* Keeps what was read, from off to end. */
static enum moved
pump_store(struct end *from, size_t off, size_t end, struct end **broken)
{
	if (queue_add(&from->queue, scratch + off, end - off) == 0)
		return MOVED_ALL;
	return pump_no_memory(from, broken);
}

static enum moved
pump_no_memory(struct end *from, struct end **broken)
{
	*broken = far_of(from);
	return MOVED_BROKEN;
}

/* The last bytes are on their way; when the other direction has ended too,
 * the close that follows says the same with one call less. */
static void
pump_forward_eof(struct end *from)
{
	struct end *to = far_of(from);

	to->shut = true;
	if (from->eof && to->eof && sess_stored(to) == 0 && !to->layered)
		return;
	end_shut(to);
	to->fin = true;
}
