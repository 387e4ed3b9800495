#include "compat.h"

#include <inttypes.h>

#include "accept/gate.h"
#include "accept/limit.h"
#include "board.h"
#include "mark.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/seat.h"
#include "proc/worker.h"

#define NONE		UINT32_MAX
#define TAKEN		(UINT32_MAX - 1)
#define TURN_ENDED	65536	/* of one worker a turn */

struct seat {
	struct tally	*tally;
	uint32_t	 listener;	/* index into conf.listens */
	uint32_t	 next;		/* free one; NONE; or TAKEN */
};

/* Those from fresh on have never been used, and so take no memory yet. */
struct seats {
	uint64_t	 ended;		/* seats that were read so far */
	uint32_t	 n, fresh, free;
	bool		 left;		/* not counted at the gates */
	struct seat	 of[];
};

static uint32_t	 seat_find(struct seats *);
static void	 seat_set(struct worker *, uint32_t, struct tally *,
		    uint32_t);
static bool	 seat_end(struct worker *, uint32_t);
static bool	 seat_reach(struct seats *, uint32_t);
static struct worker *last_worker(void);

int
seat_worker(struct worker *w)
{
	const uint32_t n = w->gen->board.nseats;

	if (n == 0)
		return 0;
	w->seats = calloc(1, sizeof(*w->seats) + n * sizeof(struct seat));
	if (w->seats == NULL)
		return -1;
	w->seats->n = n;
	w->seats->free = NONE;
	return 0;
}

uint32_t
seat_take(struct worker *w, struct tally *tally, uint32_t listener)
{
	uint32_t seat;

	if (w->seats == NULL || (seat = seat_find(w->seats)) == NONE) {
		limit_end(tally);
		return 0;
	}
	seat_set(w, seat, tally, listener);
	return seat;
}

static uint32_t
seat_find(struct seats *s)
{
	const uint32_t seat = s->free;

	if (seat != NONE)
		s->free = s->of[seat].next;
	else if (s->fresh < s->n)
		return s->fresh++;
	return seat;
}

static void
seat_set(struct worker *w, uint32_t seat, struct tally *tally,
    uint32_t listener)
{
	struct seat *s = &w->seats->of[seat];

	s->tally = tally;
	s->listener = listener;
	s->next = TAKEN;
	if (!w->seats->left)
		gate_enter(w->gen->gates, listener);
}

struct tally *
seat_back(struct worker *w, uint32_t seat)
{
	struct seats *s = w->seats;
	struct tally *tally;

	if (s == NULL || seat >= s->n || s->of[seat].next != TAKEN)
		return NULL;
	tally = s->of[seat].tally;
	s->of[seat].next = s->free;
	s->free = seat;
	if (!s->left)
		gate_leave(w->gen->gates, s->of[seat].listener);
	return tally;
}

static bool
seat_end(struct worker *w, uint32_t seat)
{
	const struct seats *s = w->seats;

	if (seat >= s->n || s->of[seat].next != TAKEN)
		return false;
	limit_end(seat_back(w, seat));
	return true;
}

/* How many there are to read has been looked at by watch_counts(). */
bool
seat_look(struct worker *w)
{
	const struct board *b = &w->gen->board;
	uint64_t closed;
	unsigned i;

	if (w->seats == NULL)
		return true;
	closed = MIN(board_get(&board_slot(b, w->slot)->closed), w->sent);
	for (i = 0; w->seats->ended < closed; i++, w->seats->ended++) {
		if (i == TURN_ENDED) {
			mark(MARK_ACCEPT);
			break;
		}
		if (!seat_end(w, board_ended(b, w->slot, w->seats->ended)))
			return false;
	}
	return true;
}

uint64_t
seat_users(const struct worker *w)
{
	return w->sent - w->seats->ended;
}

void
seat_leave(struct worker *w)
{
	struct seats *s = w->seats;
	uint32_t i;

	if (s == NULL || s->left)
		return;
	s->left = true;
	for (i = 0; i < s->fresh; i++)
		if (s->of[i].next == TAKEN)
			gate_leave(w->gen->gates, s->of[i].listener);
}

void
seat_gone(struct worker *w)
{
	uint32_t i;

	if (w->seats == NULL)
		return;
	for (i = 0; i < w->seats->fresh; i++)
		seat_end(w, i);
	free(w->seats);
	w->seats = NULL;
}

void
seat_save(FILE *f, const struct worker *w)
{
	const struct seats *s = w->seats;
	uint32_t i;

	if (s == NULL)
		return;
	fprintf(f, "seats %" PRIu64 " %d\n", s->ended, s->left);
	for (i = 0; i < s->fresh; i++)
		if (s->of[i].next == TAKEN)
			fprintf(f, "seat %" PRIu32 " %" PRIu32 " %" PRIu32
			    "\n", i, limit_number(s->of[i].tally),
			    s->of[i].listener);
}

bool
seat_take_up(const char *line)
{
	struct worker *w = last_worker();
	uint32_t seat, number, listener;
	struct tally *tally;
	uint64_t ended;
	int left;

	if (w == NULL)
		return false;
	if (sscanf(line, "seats %" SCNu64 " %d", &ended, &left) == 2) {
		if (w->seats != NULL || seat_worker(w) == -1 ||
		    w->seats == NULL)
			return false;
		w->seats->ended = ended;
		w->seats->left = left != 0;
		return true;
	}
	if (sscanf(line, "seat %" SCNu32 " %" SCNu32 " %" SCNu32, &seat,
	    &number, &listener) != 3 || w->seats == NULL ||
	    listener >= w->gen->conf->nlistens ||
	    !seat_reach(w->seats, seat) || !limit_again(number, &tally))
		return false;
	seat_set(w, seat, tally, listener);
	return true;
}

/* They come in order: those that are passed over are free. */
static bool
seat_reach(struct seats *s, uint32_t seat)
{
	if (seat < s->fresh || seat >= s->n)
		return false;
	for (; s->fresh < seat; s->fresh++) {
		s->of[s->fresh].next = s->free;
		s->free = s->fresh;
	}
	s->fresh++;
	return true;
}

static struct worker *
last_worker(void)
{
	struct generation *g = TAILQ_LAST(&master.gens, generations);

	return g == NULL ? NULL : TAILQ_LAST(&g->workers, worker_list);
}
