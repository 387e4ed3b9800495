#include "compat.h"

#include "board.h"
#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/account.h"
#include "proc/totals.h"
#include "proc/worker.h"

static void	 totals_add(struct totals *, const struct worker *);
static void	 filter_add(struct filter_totals *, const struct worker *,
		    unsigned);

int
totals_generation(struct generation *g)
{
	g->filters = calloc(g->board.nfilters + 1, sizeof(*g->filters));
	return g->filters == NULL ? -1 : 0;
}

struct totals
totals_sum(void)
{
	struct totals t = {
		.sessions = board_get(&ledger->past_sessions),
		.failed = board_get(&ledger->past_failed),
		.bytes_in = board_get(&ledger->past_in),
		.bytes_out = board_get(&ledger->past_out),
		.log_dropped = board_get(&ledger->past_dropped) +
		    log_dropped()
	};
	const struct generation *g;
	const struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			totals_add(&t, w);
	return t;
}

struct totals
totals_of(const struct generation *g)
{
	struct totals t = { .workers = 0 };
	const struct worker *w;

	TAILQ_FOREACH(w, &g->workers, entry)
		totals_add(&t, w);
	return t;
}

static void
totals_add(struct totals *t, const struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	struct board_done done;

	t->workers++;
	t->draining += w->state == WORKER_DRAINING;
	t->stuck += w->state == WORKER_STUCK;
	t->open += worker_users(w);
	t->sessions += w->sent;
	board_done(&w->gen->board, b, &done);
	t->failed += done.failed;
	t->bytes_in += done.bytes_in;
	t->bytes_out += done.bytes_out;
	t->log_dropped += board_get(&b->log_dropped);
}

void
totals_filter(const struct generation *g, unsigned number,
    struct filter_totals *t)
{
	const struct worker *w;
	const struct board_filter *b;

	*t = g->filters[number];
	TAILQ_FOREACH(w, &g->workers, entry) {
		b = board_filter(&g->board, board_slot(&g->board, w->slot),
		    number);
		t->active += atomic_load_explicit(&b->active,
		    memory_order_relaxed);
		filter_add(t, w, number);
	}
}

static void
filter_add(struct filter_totals *t, const struct worker *w, unsigned number)
{
	const struct board_filter *b = board_filter(&w->gen->board,
	    board_slot(&w->gen->board, w->slot), number);

	t->sessions += board_get(&b->sessions);
	t->bytes_in += board_get(&b->bytes_in);
	t->bytes_out += board_get(&b->bytes_out);
	t->hits += board_get(&b->hits);
}

void
totals_fold(const struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	struct board_done done;
	unsigned i;

	account_fold(w);
	w->gen->past += w->sent;
	board_done(&w->gen->board, b, &done);
	for (i = 0; i < w->gen->board.nfilters; i++)
		filter_add(&w->gen->filters[i], w, i);
	board_add(&ledger->past_sessions, w->sent);
	board_add(&ledger->past_failed, done.failed);
	board_add(&ledger->past_in, done.bytes_in);
	board_add(&ledger->past_out, done.bytes_out);
	board_add(&ledger->past_dropped, board_get(&b->log_dropped));
}
