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
#include "proto.h"

/* A seat is told by its place and how often it was taken: so much of it that
 * what is said of a session does not reach the one after it. */
#define PLACE_BITS	20
#define PLACE		((1u << PLACE_BITS) - 1)
#define USES		16

#define NONE		UINT32_MAX
#define TAKEN		(UINT32_MAX - 1)
#define TURN_ENDED	65536	/* of one worker a turn */

enum verdict { NOT_ASKED, ASKED, PERMITTED, REFUSED };

struct seat {
	struct tally	*tally;
	uint32_t	 listener;	/* index into conf.listens */
	uint32_t	 next;		/* free one; NONE; or TAKEN */
	uint8_t		 uses;		/* of USES */
	uint8_t		 verdict;	/* enum verdict */
};

/* Those from fresh on have never been used, and so take no memory yet. */
struct seats {
	uint64_t	 ended;		/* seats that were read so far */
	uint32_t	 n, fresh, free;
	bool		 left;		/* not counted at the gates */
	uint32_t	*due;		/* who is to be told: a ring of n */
	uint32_t	 due_at, ndue;
	struct seat	 of[];
};

static struct seats *seats_new(uint32_t);
static uint32_t	 seat_find(struct seats *);
static void	 seat_set(struct worker *, uint32_t, struct tally *,
		    uint32_t);
static struct seat *seat_of(const struct worker *, uint32_t);
static uint32_t	 seat_number(const struct seats *, uint32_t);
static bool	 seat_end(struct worker *, uint32_t);
static void	 seat_due(struct seats *, uint32_t, enum verdict);
static bool	 seat_begin(struct seats *, uint64_t, bool);
static bool	 seat_reach(struct seats *, uint32_t);
static struct worker *last_worker(void);

int
seat_worker(struct worker *w)
{
	const uint32_t n = w->gen->board.nseats;

	if (n == 0)
		return 0;
	w->seats = seats_new(n);
	return w->seats == NULL ? -1 : 0;
}

static struct seats *
seats_new(uint32_t n)
{
	struct seats *s = calloc(1, sizeof(*s) + n * sizeof(struct seat));
	uint32_t *due = calloc(n, sizeof(*due));

	if (s == NULL || due == NULL) {
		free(s);
		free(due);
		return NULL;
	}
	s->n = n;
	s->free = NONE;
	s->due = due;
	return s;
}

uint32_t
seat_take(struct worker *w, struct tally *tally, uint32_t listener)
{
	uint32_t seat;

	if (w->seats == NULL || (seat = seat_find(w->seats)) == NONE) {
		limit_end(tally);
		return 0;
	}
	w->seats->of[seat].uses = (w->seats->of[seat].uses + 1) % USES;
	seat_set(w, seat, tally, listener);
	return seat_number(w->seats, seat);
}

static uint32_t
seat_number(const struct seats *s, uint32_t seat)
{
	return (uint32_t)s->of[seat].uses << PLACE_BITS | seat;
}

/* NULL: nobody has it. */
static struct seat *
seat_of(const struct worker *w, uint32_t number)
{
	struct seats *s = w->seats;
	struct seat *seat;

	if (s == NULL || (number & PLACE) >= s->fresh)
		return NULL;
	seat = &s->of[number & PLACE];
	return seat->next == TAKEN && seat->uses == number >> PLACE_BITS ?
	    seat : NULL;
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
	s->verdict = NOT_ASKED;
	if (!w->seats->left)
		gate_enter(w->gen->gates, listener);
}

struct tally *
seat_back(struct worker *w, uint32_t number)
{
	struct seat *seat = seat_of(w, number);

	if (seat == NULL)
		return NULL;
	seat->next = w->seats->free;
	w->seats->free = number & PLACE;
	if (!w->seats->left)
		gate_leave(w->gen->gates, seat->listener);
	return seat->tally;
}

static bool
seat_end(struct worker *w, uint32_t number)
{
	if (seat_of(w, number) == NULL)
		return false;
	limit_end(seat_back(w, number));
	return true;
}

/* One that has ended meanwhile needs no answer, and there is one for each, of
 * listeners with headers. */
enum limit
seat_named(struct worker *w, const struct proto_named *n)
{
	struct seat *seat = seat_of(w, n->seat);
	enum limit over = LIMIT_NONE;

	if (seat == NULL || seat->verdict != NOT_ASKED ||
	    w->gen->gates->of[seat->listener].proxy_from == NULL)
		return LIMIT_NONE;
	if (seat->tally != NULL)
		over = limit_source(&seat->tally,
		    &w->gen->conf->listens[seat->listener], &n->client);
	seat_due(w->seats, n->seat & PLACE, over == LIMIT_NONE ? PERMITTED :
	    REFUSED);
	return over;
}

/* More than there are sessions are for some that have ended. */
static void
seat_due(struct seats *s, uint32_t place, enum verdict verdict)
{
	s->of[place].verdict = (uint8_t)verdict;
	if (s->ndue == s->n)
		return;
	s->due[(s->due_at + s->ndue++) % s->n] = seat_number(s, place);
	mark(MARK_SEND);
}

unsigned
seat_listener(const struct worker *w, uint32_t number)
{
	const struct seat *seat = seat_of(w, number);

	return seat == NULL ? 0 : seat->listener;
}

bool
seat_verdict(struct worker *w, struct proto_verdict *v)
{
	const struct seats *s = w->seats;
	const struct seat *seat;

	for (; s != NULL && s->ndue != 0; seat_told(w)) {
		v->seat = s->due[s->due_at];
		if ((seat = seat_of(w, v->seat)) == NULL)
			continue;	/* it has ended meanwhile */
		v->permitted = seat->verdict == PERMITTED;
		return true;
	}
	return false;
}

void
seat_told(struct worker *w)
{
	struct seats *s = w->seats;
	struct seat *seat = seat_of(w, s->due[s->due_at]);

	if (seat != NULL)
		seat->verdict = ASKED;
	s->due_at = (s->due_at + 1) % s->n;
	s->ndue--;
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
		seat_end(w, seat_number(w->seats, i));
	free(w->seats->due);
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
			    " %d\n", seat_number(s, i),
			    limit_number(s->of[i].tally), s->of[i].listener,
			    s->of[i].verdict);
}

bool
seat_take_up(const char *line)
{
	struct worker *w = last_worker();
	uint32_t seat, number, listener;
	struct tally *tally;
	uint64_t ended;
	int left, verdict;

	if (w == NULL)
		return false;
	if (sscanf(line, "seats %" SCNu64 " %d", &ended, &left) == 2) {
		if (w->seats == NULL && seat_worker(w) == -1)
			return false;
		return seat_begin(w->seats, ended, left != 0);
	}
	if (sscanf(line, "seat %" SCNu32 " %" SCNu32 " %" SCNu32 " %d", &seat,
	    &number, &listener, &verdict) != 4 || w->seats == NULL ||
	    listener >= w->gen->conf->nlistens ||
	    !seat_reach(w->seats, seat) || !limit_again(number, &tally))
		return false;
	seat_set(w, seat & PLACE, tally, listener);
	if (verdict == PERMITTED || verdict == REFUSED)
		seat_due(w->seats, seat & PLACE, (enum verdict)verdict);
	else
		w->seats->of[seat & PLACE].verdict = (uint8_t)verdict;
	return true;
}

/* Once, where there are seats. */
static bool
seat_begin(struct seats *s, uint64_t ended, bool left)
{
	if (s == NULL || s->ended != 0 || s->fresh != 0)
		return false;
	s->ended = ended;
	s->left = left;
	return true;
}

/* They come in order: those that are passed over are free. */
static bool
seat_reach(struct seats *s, uint32_t number)
{
	const uint32_t place = number & PLACE;

	if (place < s->fresh || place >= s->n || number >> PLACE_BITS >= USES)
		return false;
	for (; s->fresh < place; s->fresh++) {
		s->of[s->fresh].next = s->free;
		s->free = s->fresh;
	}
	s->of[s->fresh++].uses = (uint8_t)(number >> PLACE_BITS);
	return true;
}

static struct worker *
last_worker(void)
{
	struct generation *g = TAILQ_LAST(&master.gens, generations);

	return g == NULL ? NULL : TAILQ_LAST(&g->workers, worker_list);
}
