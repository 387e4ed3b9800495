#include "compat.h"

#include <inttypes.h>

#include "board.h"
#include "hash.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/shakes.h"
#include "proc/worker.h"

#define BUCKETS	1021

LIST_HEAD(bucket, shakes);

static struct shakes *shakes_of(const char *, const char *);
static struct shakes *shakes_new(struct bucket *, const char *,
		    const char *);
static void	 shakes_free(struct shakes *);
static int	 shakes_listener(struct generation *,
		    const struct conf_listen *, unsigned *);
static void	 shakes_add(const struct worker *, bool);

static struct bucket	 names[BUCKETS];

static struct shakes *
shakes_of(const char *listener, const char *file)
{
	struct bucket *b = &names[hash_text(hash_text(HASH_BEGIN, listener),
	    file) % BUCKETS];
	struct shakes *s;

	LIST_FOREACH(s, b, entry)
		if (strcmp(s->listener, listener) == 0 &&
		    strcmp(s->file, file) == 0)
			return s;
	return shakes_new(b, listener, file);
}

static struct shakes *
shakes_new(struct bucket *b, const char *listener, const char *file)
{
	struct shakes *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->file = strdup(file)) == NULL) {
		free(s);
		return NULL;
	}
	strlcpy(s->listener, listener, sizeof(s->listener));
	LIST_INSERT_HEAD(b, s, entry);
	return s;
}

static void
shakes_free(struct shakes *s)
{
	LIST_REMOVE(s, entry);
	free(s->file);
	free(s);
}

int
shakes_generation(struct generation *g)
{
	const struct conf_listen *l;
	unsigned n = 0;

	g->shakes = calloc(g->board.ncerts + 1, sizeof(*g->shakes));
	if (g->shakes == NULL)
		return -1;
	for (l = g->conf->listens; l < g->conf->listens + g->conf->nlistens;
	    l++)
		if (l->tls != CONF_NOREF && shakes_listener(g, l, &n) == -1)
			return -1;
	return 0;
}

static int
shakes_listener(struct generation *g, const struct conf_listen *l,
    unsigned *n)
{
	const struct conf_tls *t = &g->conf->tlss[l->tls];
	unsigned i;

	for (i = 0; i < t->ncerts; i++) {
		g->shakes[*n] = shakes_of(l->name, t->certs[i].file);
		if (g->shakes[*n] == NULL)
			return -1;
		g->shakes[(*n)++]->used++;
	}
	return 0;
}

void
shakes_generation_free(struct generation *g)
{
	unsigned i;

	for (i = 0; g->shakes != NULL && g->shakes[i] != NULL; i++)
		if (--g->shakes[i]->used == 0)
			shakes_free(g->shakes[i]);
	free(g->shakes);
	g->shakes = NULL;
}

static void
shakes_add(const struct worker *w, bool past)
{
	const struct board *b = &w->gen->board;
	struct shakes *s;
	unsigned i, k;

	for (i = 0; i < b->ncerts; i++) {
		s = w->gen->shakes[i];
		for (k = 0; k < SHAKES; k++)
			*(past ? &s->past[k] : &s->sum[k]) +=
			    board_get(&board_cert(b, board_slot(b, w->slot),
			    i)->n[k]);
	}
}

void
shakes_fold(const struct worker *w)
{
	shakes_add(w, true);
}

void
shakes_sum(void)
{
	const struct generation *g;
	const struct worker *w;
	unsigned i;

	TAILQ_FOREACH(g, &master.gens, entry)
		for (i = 0; i < g->board.ncerts; i++)
			memcpy(g->shakes[i]->sum, g->shakes[i]->past,
			    sizeof(g->shakes[i]->sum));
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			shakes_add(w, false);
}

/* The file comes last, as its name may have blanks. */
void
shakes_save(FILE *f)
{
	const struct shakes *s;
	unsigned i, k;

	for (i = 0; i < BUCKETS; i++)
		LIST_FOREACH(s, &names[i], entry) {
			fprintf(f, "shakes %s", s->listener);
			for (k = 0; k < SHAKES; k++)
				fprintf(f, " %" PRIu64, s->past[k]);
			fprintf(f, " %s\n", s->file);
		}
}

bool
shakes_take(const char *line)
{
	char listener[CONF_NAME];
	uint64_t past[SHAKES];
	struct shakes *s;
	unsigned k;
	int at;

	if (sscanf(line, "shakes %31s%n", listener, &at) != 1)
		return false;
	line += at;
	for (k = 0; k < SHAKES; k++, line += at)
		if (sscanf(line, " %" SCNu64 "%n", &past[k], &at) != 1)
			return false;
	if (*line != ' ' || (s = shakes_of(listener, line + 1)) == NULL)
		return false;
	memcpy(s->past, past, sizeof(s->past));
	return true;
}
