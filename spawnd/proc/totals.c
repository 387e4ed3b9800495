#include "compat.h"

#include "board.h"
#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/totals.h"
#include "proc/worker.h"

static void	 totals_add(struct totals *, const struct worker *);

struct totals
totals_sum(void)
{
	struct totals t = {
		.sessions = board_get(&ledger->past_sessions),
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

	t->workers++;
	t->draining += w->state == WORKER_DRAINING;
	t->stuck += w->state == WORKER_STUCK;
	t->open += worker_users(w);
	t->sessions += w->sent;
	t->bytes_in += board_get(&b->bytes_in);
	t->bytes_out += board_get(&b->bytes_out);
	t->log_dropped += board_get(&b->log_dropped);
}

void
totals_fold(const struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);

	board_add(&ledger->past_sessions, w->sent);
	board_add(&ledger->past_in, board_get(&b->bytes_in));
	board_add(&ledger->past_out, board_get(&b->bytes_out));
	board_add(&ledger->past_dropped, board_get(&b->log_dropped));
}
