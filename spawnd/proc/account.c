#include "compat.h"

#include <inttypes.h>

#include "hash.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/account.h"
#include "proc/worker.h"

#define BUCKETS		4099

LIST_HEAD(bucket, account);
TAILQ_HEAD(accounts, account);

static struct bucket *bucket_of(const char *, const char *);
static struct account *find(const char *, const char *);
static struct account *account_of(const char *, const char *);
static void	 use(struct generation *, unsigned, struct account *);
static void	 leave(struct account *);
static void	 add(const struct worker *, bool);
static void	 add_listener(struct account_listener *, const struct worker *,
		    unsigned);
static void	 add_remote(struct account_remote *, const struct worker *,
		    unsigned);
static void	 save(FILE *, const struct account *);

_Static_assert(sizeof(struct account_remote) ==
    sizeof(struct board_place_more), "one row");
_Static_assert(offsetof(struct account_listener, queue) ==
    sizeof(struct board_listener), "one row");
_Static_assert(offsetof(struct account_listener, lost) ==
    sizeof(struct board_listener) + sizeof(struct board_listener_more),
    "one row");

static struct bucket	 names[BUCKETS];
static struct accounts	 used = TAILQ_HEAD_INITIALIZER(used);
static struct accounts	 unused = TAILQ_HEAD_INITIALIZER(unused);
static unsigned		 nunused;

/* --- names --- */

static struct bucket *
bucket_of(const char *relay, const char *what)
{
	return &names[hash_text(hash_text(HASH_BEGIN, relay), what) % BUCKETS];
}

static struct account *
find(const char *relay, const char *what)
{
	struct account *t;

	LIST_FOREACH(t, bucket_of(relay, what), name)
		if (strcmp(t->what, what) == 0 && strcmp(t->relay, relay) == 0)
			return t;
	return NULL;
}

/* NULL with errno. */
static struct account *
account_of(const char *relay, const char *what)
{
	struct account *t = find(relay, what);

	if (t != NULL)
		return t;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	strlcpy(t->relay, relay, sizeof(t->relay));
	strlcpy(t->what, what, sizeof(t->what));
	LIST_INSERT_HEAD(bucket_of(relay, what), t, name);
	TAILQ_INSERT_TAIL(&unused, t, entry);
	nunused++;
	return t;
}

int
account_generation(struct generation *g)
{
	const struct conf *c = g->conf;
	const struct conf_relay *r;
	const struct conf_remote *remote;
	struct account *t;
	unsigned i, k, at = 0;

	g->accounts = calloc(c->nlistens + g->board.nplaces + 1,
	    sizeof(struct account *));
	if (g->accounts == NULL)
		return -1;
	for (i = 0; i < c->nlistens; i++) {
		if ((t = account_of("", c->listens[i].name)) == NULL)
			return -1;
		use(g, at++, t);
	}
	for (r = c->relays; r < c->relays + c->nrelays; r++) {
		for (i = 0; i < r->nremotes; i++) {
			remote = &r->remotes[i];
			if ((t = account_of(r->name, remote->name)) == NULL)
				return -1;
			for (k = 0; k < conf_places(r, remote); k++)
				use(g, at++, t);
		}
	}
	return 0;
}

/* In the order of the latest configuration. */
static void
use(struct generation *g, unsigned at, struct account *t)
{
	TAILQ_REMOVE(t->uses != 0 ? &used : &unused, t, entry);
	TAILQ_INSERT_TAIL(&used, t, entry);
	if (t->uses++ == 0)
		nunused--;
	g->accounts[at] = t;
}

void
account_generation_free(struct generation *g)
{
	unsigned i;

	for (i = 0; g->accounts != NULL && g->accounts[i] != NULL; i++)
		leave(g->accounts[i]);
	free(g->accounts);
	g->accounts = NULL;
}

/* It may come back. */
static void
leave(struct account *t)
{
	if (--t->uses != 0)
		return;
	TAILQ_REMOVE(&used, t, entry);
	TAILQ_INSERT_TAIL(&unused, t, entry);
	for (nunused++; nunused > ACCOUNT_KEPT; nunused--) {
		t = TAILQ_FIRST(&unused);
		TAILQ_REMOVE(&unused, t, entry);
		LIST_REMOVE(t, name);
		free(t);
	}
}

/* --- numbers --- */

void
account_look(void)
{
	const struct generation *g;
	const struct worker *w;
	struct account *t;

	TAILQ_FOREACH(t, &used, entry)
		t->now = t->past;
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			add(w, false);
}

void
account_fold(const struct worker *w)
{
	add(w, true);
}

static void
add(const struct worker *w, bool past)
{
	const unsigned n = w->gen->board.nlisteners;
	struct account **t = w->gen->accounts;
	struct account_listener *l;
	uint64_t open;
	unsigned i;

	for (i = 0; i < n; i++, t++) {
		l = past ? &(*t)->past.listener : &(*t)->now.listener;
		open = l->sessions - account_count(&l->session);
		add_listener(l, w, i);
		open = l->sessions - account_count(&l->session) - open;
		if (open > INT64_MAX)	/* it claims more ends */
			open = 0;
		if (past)
			l->lost += open;
		else if (w->state != WORKER_DEAD)
			l->open += open;
	}
	for (i = 0; i < w->gen->board.nplaces; i++, t++)
		add_remote(past ? &(*t)->past.remote : &(*t)->now.remote, w,
		    i);
}

static void
add_listener(struct account_listener *t, const struct worker *w, unsigned i)
{
	const struct board *b = &w->gen->board;
	const struct board_worker *mem = board_slot(b, w->slot);
	const struct board_listener *l = board_listener(b, mem, i);

	/* What nobody has written takes no memory. */
	if (board_get(&l->sessions) != 0)
		board_sum(t->queue.n, board_listener_more(b, mem,
		    i)->queue.n, BOARD_LISTENER_MORE);
	t->sessions += board_get(&l->sessions);
	t->failed += board_get(&l->failed);
	t->bytes_in += board_get(&l->bytes_in);
	t->bytes_out += board_get(&l->bytes_out);
}

static void
add_remote(struct account_remote *t, const struct worker *w, unsigned i)
{
	const struct board *b = &w->gen->board;
	const struct board_worker *mem = board_slot(b, w->slot);
	const struct board_place *p = &mem->places[i];

	if (board_get(&p->sessions) != 0 || board_get(&p->failed) != 0)
		board_sum(t->connect.n, board_place_more(b, mem,
		    i)->connect.n, BOARD_PLACE_MORE);
}

uint64_t
account_count(const struct account_times *t)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i <= TIMES_N; i++)
		sum += t->n[i];
	return sum;
}

const struct account *
account_next(const struct account *t)
{
	return t == NULL ? TAILQ_FIRST(&used) : TAILQ_NEXT(t, entry);
}

const struct account *
account_listener(const char *name)
{
	return find("", name);
}

/* --- over an upgrade --- */

void
account_save(FILE *f)
{
	const struct account *t;

	TAILQ_FOREACH(t, &unused, entry)
		save(f, t);
	TAILQ_FOREACH(t, &used, entry)
		save(f, t);
}

/* The numbers that are not 0, by their places in the row. */
static void
save(FILE *f, const struct account *t)
{
	const uint64_t *row = (const uint64_t *)(const void *)&t->past;
	size_t i;

	if (*t->relay == '\0')
		fprintf(f, "account listener %s", t->what);
	else
		fprintf(f, "account remote %s %s", t->relay, t->what);
	for (i = 0; i < sizeof(t->past) / sizeof(*row); i++)
		if (row[i] != 0)
			fprintf(f, " %zu:%" PRIu64, i, row[i]);
	fputc('\n', f);
}

bool
account_take(const char *line)
{
	char relay[CONF_NAME] = "", what[CONF_NAME];
	struct account *t;
	uint64_t *row, n;
	size_t i;
	int at, more;

	if ((sscanf(line, "account listener %31s%n", what, &at) != 1 &&
	    sscanf(line, "account remote %31s %31s%n", relay, what,
	    &at) != 2) || (t = account_of(relay, what)) == NULL)
		return false;
	row = (uint64_t *)(void *)&t->past;
	for (line += at; *line != '\0'; line += more) {
		if (sscanf(line, " %zu:%" SCNu64 "%n", &i, &n, &more) != 2 ||
		    i >= sizeof(t->past) / sizeof(*row))
			return false;
		row[i] = n;
	}
	return true;
}
