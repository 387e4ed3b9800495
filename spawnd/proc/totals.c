#include "compat.h"

#include <inttypes.h>

#include "board.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/totals.h"
#include "proc/worker.h"

static void	 totals_add(struct totals *, const struct worker *);
static struct total *total_of(const char *, const char *);

struct totals
totals_sum(void)
{
	struct totals t = {
		.sessions = master.past_sessions,
		.bytes_in = master.past_in,
		.bytes_out = master.past_out,
		.log_dropped = master.past_dropped + log_dropped()
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

static struct total *
total_of(const char *relay, const char *remote)
{
	struct total *t;

	TAILQ_FOREACH(t, &master.totals, entry)
		if (strcmp(t->remote, remote) == 0 &&
		    strcmp(t->relay, relay) == 0)
			return t;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	strlcpy(t->relay, relay, sizeof(t->relay));
	strlcpy(t->remote, remote, sizeof(t->remote));
	TAILQ_INSERT_TAIL(&master.totals, t, entry);
	return t;
}

int
totals_find(struct generation *g)
{
	const struct conf_relay *r;
	unsigned i, k, n = 0;

	g->totals = calloc(g->board.nremotes, sizeof(struct total *));
	if (g->totals == NULL)
		return -1;
	for (i = 0; i < g->conf->nrelays; i++) {
		r = &g->conf->relays[i];
		for (k = 0; k < r->nremotes; k++)
			if ((g->totals[n++] = total_of(r->name,
			    r->remotes[k].name)) == NULL)
				return -1;
	}
	return 0;
}

void
totals_fold(const struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	struct total *t;
	unsigned i;

	master.past_sessions += w->sent;
	master.past_in += board_get(&b->bytes_in);
	master.past_out += board_get(&b->bytes_out);
	master.past_dropped += board_get(&b->log_dropped);
	for (i = 0; i < w->gen->board.nremotes; i++) {
		t = w->gen->totals[i];
		t->sessions += board_get(&b->remotes[i].sessions);
		t->failed += board_get(&b->remotes[i].failed);
		t->bytes_in += board_get(&b->remotes[i].bytes_in);
		t->bytes_out += board_get(&b->remotes[i].bytes_out);
	}
	board_clear(&w->gen->board, w->slot);
}

void
totals_save(FILE *f)
{
	const struct total *t;

	TAILQ_FOREACH(t, &master.totals, entry)
		fprintf(f, "total %s %s %" PRIu64 " %" PRIu64 " %" PRIu64
		    " %" PRIu64 "\n", t->relay, t->remote, t->sessions,
		    t->failed, t->bytes_in, t->bytes_out);
}

bool
totals_take(const char *line)
{
	struct total t, *own;

	if (sscanf(line, "total %31s %31s %" SCNu64 " %" SCNu64 " %" SCNu64
	    " %" SCNu64, t.relay, t.remote, &t.sessions, &t.failed,
	    &t.bytes_in, &t.bytes_out) != 6 ||
	    (own = total_of(t.relay, t.remote)) == NULL)
		return false;
	own->sessions = t.sessions;
	own->failed = t.failed;
	own->bytes_in = t.bytes_in;
	own->bytes_out = t.bytes_out;
	return true;
}
