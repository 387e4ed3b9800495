/*
 * The claims of a worker on the board are any bytes: nobody is told of more
 * sessions than a worker may have, nor of anything that is still to come; no
 * more leases are out than there may be; what a session is counted in is given
 * back once; and what is on record goes over
 * an upgrade as it was.
 */
#include "compat.h"

#include "accept/gate.h"
#include "accept/limit.h"
#include "board.h"
#include "ev.h"
#include "mark.h"
#include "master.h"
#include "proc/account.h"
#include "proc/auth.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/lease.h"
#include "proc/load.h"
#include "proc/recproc.h"
#include "proc/seat.h"
#include "proc/totals.h"
#include "proc/writer.h"

#define MOST	100		/* sessions a worker */
#define REMOTES	3
#define SENT	10		/* to each worker */
#define LEASES	5		/* of the second remote */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct master master;

static uint64_t			 now = 1000000;
static struct addr		 addr;
static struct conf_remote	 remotes[] = {
	{ .name = "a", .addr = &addr, .naddr = 1 },
	{ .name = "b", .addr = &addr, .naddr = 1, .max_sessions = LEASES },
	{ .name = "c", .addr = &addr, .naddr = 1 }
};
static struct conf_relay	 relay = {
	.name = "x", .remotes = remotes, .nremotes = REMOTES
};
static struct conf_listen	 section = {
	.name = "l", .tls = CONF_NOREF, .source_sessions = MOST,
	.source_prefix = 32
};
static struct conf		 conf = {
	.relays = &relay, .nrelays = 1, .users_max = MOST,
	.listens = &section, .nlistens = 1
};
static struct generation	*gen;
static struct worker		 liar, honest;

uint64_t
ev_now(void)
{
	return now;
}

uint64_t
ev_now_us(void)
{
	return now * 1000;
}

/* What worker.c needs of the other files, and none of this does. */
void
ev_timer_set(struct ev_timer *t, uint64_t delay_ms)
{
	(void)t;
	(void)delay_ms;
	abort();
}

bool
ev_timer_on(const struct ev_timer *t)
{
	(void)t;
	return false;
}

void
ev_timer_stop(struct ev_timer *t)
{
	(void)t;
	abort();
}

void
inbox_end(struct inbox *in)
{
	(void)in;
	abort();
}

void
ev_io_close(struct ev_io *io)
{
	(void)io;
	abort();
}

void
child_forget(struct child *c)
{
	(void)c;
	abort();
}

int
child_kill(struct child *c, int signo, const char *why)
{
	(void)c;
	(void)signo;
	(void)why;
	abort();
}

void
writer_over(struct writer **w)
{
	(void)w;
	abort();
}

void
recproc_worker_gone(struct worker *w)
{
	(void)w;
	abort();
}

void
auth_worker_gone(struct worker *w)
{
	(void)w;
	abort();
}

uint32_t
writer_number(const struct writer *w)
{
	(void)w;
	abort();
}

int
inherit_fd(int fd)
{
	(void)fd;
	abort();
}

void
mark(unsigned what)
{
	if (what != MARK_SEND)
		abort();
}

static void	sit(struct worker *);

static void
begin(struct worker *w, unsigned slot)
{
	memset(w, 0, sizeof(*w));
	w->gen = gen;
	w->slot = slot;
	w->sent = SENT;
	if (board_slot_make(&gen->board, slot) == -1)
		abort();
	TAILQ_INSERT_TAIL(&gen->workers, w, entry);
	if (load_worker(w) == -1 || seat_worker(w) == -1)
		abort();
	sit(w);
}

/* Half of them by their sources. */
static void
sit(struct worker *w)
{
	struct source s = { .family = AF_INET };
	struct tally *t;
	unsigned i;

	for (i = 0; i < SENT; i++) {
		t = limit_begin(gen->gates->of[0].quota);
		s.ip[0] = (uint8_t)(i / 4);
		if (i % 2 == 0 &&
		    limit_source(&t, &section, &s) != LIMIT_NONE)
			abort();
		seat_take(w, t, 0);
	}
}

static void
end(struct worker *w)
{
	load_worker_gone(w);
	seat_gone(w);
	board_slot_free(&gen->board, w->slot);
	TAILQ_REMOVE(&gen->workers, w, entry);
}

/* How many leases a worker was given and has not given back. */
static uint32_t
leases(const struct worker *w)
{
	return atomic_load(&board_told(&gen->board, w->slot)->places[1].leases)
	    - BOARD_CLAIM_BACK(board_get(&board_slot(&gen->board,
	    w->slot)->places[1].claim));
}

/* The honest one says what it needs; it has something to give back, or not. */
static void
claim(uint32_t need)
{
	board_u64 *c = &board_slot(&gen->board, honest.slot)->places[1].claim;
	const uint32_t has = leases(&honest);

	atomic_store(c, BOARD_CLAIM(BOARD_CLAIM_BACK(board_get(c)) +
	    (has > need ? has - need : 0), need));
	lease_claim(&honest, 1);
	if (leases(&honest) > need)
		abort();
}

static void
look_leases(void)
{
	const struct total *t = gen->places[1].total;
	unsigned i;

	for (i = 0; i < REMOTES; i++)
		lease_claim(&liar, i);
	claim(1);
	lease_look();
	if (t->leases > LEASES || leases(&honest) > t->leases)
		abort();
}

static void
look(void)
{
	const struct board_told *b = board_told(&gen->board, honest.slot);
	unsigned i;

	const uint32_t *counted = &gen->gates->of[0].quota->tally.open;

	now++;
	load_tell();
	look_leases();
	seat_look(&liar);
	if (*counted < SENT || *counted > 2 * SENT ||
	    gen->gates->of[0].open != *counted)
		abort();
	for (i = 0; i < REMOTES; i++)
		if (atomic_load(&b->places[i].sessions) > MOST ||
		    board_get(&b->places[i].outcome) >> 8 > now)
			abort();
	account_look();
	if (totals_sum().open > liar.sent + honest.sent)
		abort();
}

static char *
record(void)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		abort();
	load_save(f);
	account_save(f);
	if (fclose(f) == EOF)
		abort();
	return text;
}

static void
again(void)
{
	char *text = record(), *rest = strdup(text), *lines = rest, *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
		if (!(*line == 't' ? load_take(line) : account_take(line)))
			abort();
	free(lines);
	lines = record();
	if (strcmp(text, lines) != 0)
		abort();
	free(lines);
	free(text);
}

static void
make_generation(void)
{
	if ((gen = calloc(1, sizeof(*gen))) == NULL)
		abort();
	TAILQ_INIT(&master.gens);
	TAILQ_INIT(&gen->workers);
	gen->conf = &conf;
	if ((gen->gates = gate_new(&conf)) == NULL ||
	    board_create(&gen->board, &conf) == -1 ||
	    load_generation(gen) == -1 || account_generation(gen) == -1)
		abort();
	TAILQ_INSERT_TAIL(&master.gens, gen, entry);
}

/* The first two bytes say where the others are written; then all of it moves by
 * one. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *mem;
	size_t at, n;

	if (size < 2)
		return 0;
	if (gen == NULL)
		make_generation();
	begin(&honest, 0);
	begin(&liar, 1);
	mem = (uint8_t *)board_slot(&gen->board, liar.slot);
	at = (data[0] | (size_t)data[1] << 8) % gen->board.slot_size;
	n = MIN(size - 2, gen->board.slot_size - at);
	memcpy(mem + at, data + 2, n);
	look();
	memmove(mem, mem + 1, gen->board.slot_size - 1);
	look();
	claim(LEASES);
	totals_fold(&liar);
	end(&liar);
	if (leases(&honest) != LEASES)
		abort();
	if (gen->gates->of[0].quota->tally.open != SENT)
		abort();
	load_tell();
	end(&honest);
	if (gen->places[1].total->leases != 0)
		abort();
	if (gen->gates->of[0].quota->tally.open != 0)
		abort();
	again();
	return 0;
}
