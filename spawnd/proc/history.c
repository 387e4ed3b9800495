#include "compat.h"

#include <time.h>

#include "accept/backlog.h"
#include "accept/handoff.h"
#include "accept/listener.h"
#include "ev.h"
#include "ledger.h"
#include "master.h"
#include "proc/history.h"
#include "proc/totals.h"

static void	 history_tick(struct ev_timer *);
static void	 history_take(int64_t);
static uint64_t	 since(uint64_t *, uint64_t);

static struct ev_timer	 timer = EV_TIMER(history_tick);

void
history_begin(void)
{
	const int64_t now = (int64_t)time(NULL);
	const int64_t due = ledger->sums.at + LEDGER_STEP - now;

	if (ledger->sums.at == 0)
		ledger->sums.at = now;
	ev_timer_set(&timer, due < 0 || due > LEDGER_STEP ?
	    LEDGER_STEP * 1000 : (uint64_t)due * 1000);
}

static void
history_tick(struct ev_timer *t)
{
	history_take((int64_t)time(NULL));
	ev_timer_set(t, LEDGER_STEP * 1000);
}

static void
history_take(int64_t now)
{
	struct ledger_sample *s = &ledger->samples[ledger->nsamples %
	    LEDGER_SAMPLES], *sums = &ledger->sums;
	const struct totals t = totals_sum();

	s->at = sums->at = now;
	s->sessions = t.open;
	s->waiting = history_waiting();
	s->new = since(&sums->new, t.sessions);
	s->failed = since(&sums->failed, t.failed);
	s->bytes_in = since(&sums->bytes_in, t.bytes_in);
	s->bytes_out = since(&sums->bytes_out, t.bytes_out);
	ledger->nsamples++;
}

/* What a worker had not taken, and another one gets, is counted anew. */
static uint64_t
since(uint64_t *before, uint64_t now)
{
	const uint64_t n = now - MIN(now, *before);

	*before += n;
	return n;
}

uint64_t
history_waiting(void)
{
	const struct listener *l;
	uint64_t sum = handoff_kept();
	int n;

	TAILQ_FOREACH(l, &master.listeners, entry)
		if (!l->fresh && (n = backlog_count(l->io.fd)) > 0)
			sum += (unsigned)n;
	return sum;
}
