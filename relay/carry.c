#include "compat.h"

#include "carry.h"
#include "end.h"

#define BULK_READ	(32 * 1024)	/* a read this large counts as bulk */
#define SCORE_MAX	16		/* so many small ones end it */
#define LOOK_AFTER	1000		/* ms between looks at a direction
					   that the kernel moves by itself,
					   or a quarter of a time limit */

static void	 carry_filtered(struct sess *);
static bool	 can_splice(struct end *);
static uint64_t	 look_after(const struct sess *);

void
carry_init(struct sess *s)
{
	if (s->client.layered || s->remote.layered) {
		s->client.no_splice = !can_splice(&s->client);
		s->remote.no_splice = !can_splice(&s->remote);
	}
	if (s->client.filtered)
		carry_filtered(s);
	if (s->path->relay->io == CONF_IO_SPLICE && splice_works())
		s->client.score = s->remote.score = SCORE_MAX;
}

/* Not while a filter sees the bytes. */
static void
carry_filtered(struct sess *s)
{
	struct chain *c = s->extra->chain;

	c->way[0].no_splice = s->client.no_splice || splice_by_itself();
	c->way[1].no_splice = s->remote.no_splice || splice_by_itself();
	s->client.no_splice = c->bytes || c->way[0].no_splice;
	s->remote.no_splice = c->bytes || c->way[1].no_splice;
}

/* From a socket, to one or to a layer that the kernel is a part of. */
static bool
can_splice(struct end *from)
{
	struct end *to = far_of(from);

	if (from->layered || !to->layered)
		return !from->layered;
	return (end_raw(to) == 0 || errno != EINVAL) && !splice_by_itself();
}

/*
 * Does the direction move bulk? A run of large reads says so, a run of small
 * ones that it is over; the score keeps it from flapping.
 */
void
carry_note(struct end *from, uint64_t n)
{
	enum conf_io io = sess_of(from)->path->relay->io;

	if (io != CONF_IO_AUTO)
		from->score = io == CONF_IO_SPLICE ? SCORE_MAX : 0;
	else if (n >= BULK_READ)
		from->score = from->score >= CARRY_ON ? SCORE_MAX :
		    from->score + 1;
	else if (from->score > CARRY_ON)
		from->score--;
	else
		from->score = 0;
}

bool
carry_begin(struct end *from)
{
	if (from->splicer != NULL)
		return true;
	from->splicer = splice_get(from->io.fd, far_of(from)->io.fd);
	if (from->splicer != NULL)
		return true;
	from->score = 0;
	from->no_splice = errno != ENOMEM && errno != EMFILE &&
	    errno != ENFILE;
	return false;
}

void
carry_end(struct end *from)
{
	uint64_t n = splice_put(&from->splicer, from->io.fd);

	if (n == 0)
		return;
	sess_touch(sess_of(from));
	carry_note(from, n);
	sess_count(from, n);
}

void
carry_rest(struct end *from)
{
	struct sess *s = sess_of(from);

	if (from->splicer == NULL)
		return;
	if (splice_by_itself())
		sess_look_soon(s, look_after(s));
	else if (splice_len(from->splicer) == 0)
		carry_end(from);
}

/* Soon enough not to take what moves for idle, nor the other way round. */
static uint64_t
look_after(const struct sess *s)
{
	uint64_t idle = s->path->limit[LIMIT_IDLE];
	uint64_t half = s->path->limit[LIMIT_HALF_CLOSE], ms = LOOK_AFTER;

	if (idle != 0)
		ms = MIN(ms, idle / 4 + 1);
	if (half != 0)
		ms = MIN(ms, half / 4 + 1);
	return ms;
}

void
carry_look(struct end *from)
{
	uint64_t n;

	if (!carry_by_kernel(from))
		return;
	if ((n = splice_moved(from->splicer, from->io.fd)) != 0) {
		sess_touch(sess_of(from));
		carry_note(from, n);
		sess_count(from, n);
	}
	/* This ends it, and reads what there is. */
	if (n == 0 || !carry_wanted(from))
		from->readable = true;
}
