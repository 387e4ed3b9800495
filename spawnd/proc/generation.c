#include "compat.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "acl_map.h"
#include "board.h"
#include "buckets.h"
#include "conf/conf.h"
#include "ledger.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/account.h"
#include "proc/checkproc.h"
#include "proc/foreign.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/load.h"
#include "proc/recproc.h"
#include "proc/shakes.h"
#include "proc/tickets.h"
#include "proc/totals.h"
#include "proc/worker.h"
#include "proto.h"
#include "sandbox.h"
#include "shm.h"

#define FD_SESSION	2	/* descriptors of a session */
#define FD_MASTER	64	/* of this process, with few listeners */

static bool	 budget(struct conf *);
static int	 value_again(struct generation *);
static int	 targets_begin(struct generation *);
static int	 buckets_begin(struct generation *);
static bool	 confined(const struct generation *, const char **);
static void	 generation_free(struct generation *);
static void	 generation_note(const struct generation *);

/*
 * A worker that runs out of descriptors would lose sessions, so it never
 * gets more than it can hold. True if that had to be lowered.
 */
static bool
budget(struct conf *c)
{
	struct rlimit rl;
	const rlim_t others = PROTO_FD_WORKER + conf_auth_lines(c) +
	    (c->single ? FD_MASTER : 0);
	rlim_t need = (rlim_t)c->users_max * FD_SESSION + others;
	unsigned fit;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return false;
	if (rl.rlim_max != RLIM_INFINITY && rl.rlim_max < need &&
	    geteuid() == 0) {
		rl.rlim_max = need;
		rl.rlim_cur = need;
		setrlimit(RLIMIT_NOFILE, &rl);
		getrlimit(RLIMIT_NOFILE, &rl);
	}
	if (rl.rlim_cur != rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
		getrlimit(RLIMIT_NOFILE, &rl);
	}
	if (rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur >= need)
		return false;
	fit = rl.rlim_cur <= others + FD_SESSION ? 1 :
	    (unsigned)(rl.rlim_cur - others) / FD_SESSION;
	log_warnx("users max %u needs %llu descriptors a worker and there are "
	    "%llu: lowered to %u", c->users_max, (unsigned long long)need,
	    (unsigned long long)rl.rlim_cur, fit);
	c->users_max = fit;
	if (c->users_min > fit)
		c->users_min = fit;
	return true;
}

/* The workers are to have it as it is now. */
static int
value_again(struct generation *g)
{
	int fd;

	if ((fd = shm_create("spawnd-conf", 0)) == -1)
		return -1;
	if (conf_put(g->conf, fd) == -1 || shm_seal(fd) == -1) {
		close(fd);
		return -1;
	}
	close(g->conf_fd);
	g->conf_fd = fd;
	return 0;
}

struct generation *
generation_new(struct conf **conf, int fd, int secrets, const char **errp)
{
	struct generation *g;

	if ((g = calloc(1, sizeof(*g))) == NULL) {
		*errp = strerror(errno);
		conf_free(conf);
		close(fd);
		if (secrets != -1)
			close(secrets);
		return NULL;
	}
	g->conf = *conf;
	g->conf_fd = fd;
	g->secrets_fd = secrets;
	g->text_fd = g->buckets_fd = -1;
	*conf = NULL;
	g->board.fd = g->board.ro = -1;
	g->targets.fd = g->targets.ro = -1;
	g->started = ev_now();
	g->recorded = recproc_wanted(g->conf);
	g->number = ++master.last_number;
	TAILQ_INIT(&g->workers);
	TAILQ_INSERT_TAIL(&master.gens, g, entry);
	if (!confined(g, errp)) {
		generation_free(g);
		return NULL;
	}
	if ((budget(g->conf) && value_again(g) == -1) ||
	    foreign_text(g) == -1 ||
	    (g->acl = acl_map_new(&g->conf->acl)) == NULL ||
	    (g->gates = gate_new(g->conf)) == NULL ||
	    board_create(&g->board, g->conf) == -1 ||
	    targets_begin(g) == -1 || buckets_begin(g) == -1 ||
	    totals_generation(g) == -1 || load_generation(g) == -1 ||
	    account_generation(g) == -1 || shakes_generation(g) == -1 ||
	    tickets_generation(g) == -1) {
		*errp = log_why(errno);
		generation_free(g);
		return NULL;
	}
	return g;
}

/* What is known of the places that stay goes on. */
static int
targets_begin(struct generation *g)
{
	const struct generation *former = master.gen;

	if (!targets_wanted(g->conf))
		return 0;
	if (targets_create(&g->targets, g->conf) == -1)
		return -1;
	if (former != NULL && former->targets.mem != NULL)
		targets_inherit(&g->targets, g->conf, &former->targets,
		    former->conf);
	return 0;
}

/* That of an older one whose sessions are still open, if there is any. */
static int
buckets_begin(struct generation *g)
{
	const struct generation *other;

	if (!buckets_wanted(g->conf))
		return 0;
	TAILQ_FOREACH(other, &master.gens, entry)
		if (other->buckets_fd != -1) {
			g->buckets_fd = fcntl(other->buckets_fd,
			    F_DUPFD_CLOEXEC, 0);
			return g->buckets_fd == -1 ? -1 : 0;
		}
	g->buckets_fd = buckets_create();
	return g->buckets_fd == -1 ? -1 : 0;
}

/* Can its workers have the sandbox that it asks for? */
static bool
confined(const struct generation *g, const char **errp)
{
	static char why[256];
	const char *missing = sandbox_missing();

	if (missing == NULL || g->conf->sandbox == CONF_SANDBOX_OFF)
		return true;
	if (g->conf->sandbox == CONF_SANDBOX_REQUIRE) {
		snprintf(why, sizeof(why), "sandbox = require: this system "
		    "lacks %s", missing);
		*errp = why;
		return false;
	}
	if (g->number == 1)
		log_info("sandbox: workers do without what this system "
		    "lacks: %s", missing);
	return true;
}

static void
generation_free(struct generation *g)
{
	checkproc_gone(g);
	recproc_gone(g);
	TAILQ_REMOVE(&master.gens, g, entry);
	if (g->conf_fd != -1)
		close(g->conf_fd);
	if (g->secrets_fd != -1)
		close(g->secrets_fd);
	if (g->text_fd != -1)
		close(g->text_fd);
	if (g->buckets_fd != -1)
		close(g->buckets_fd);
	load_generation_free(g);
	shakes_generation_free(g);
	account_generation_free(g);
	free(g->filters);
	board_close(&g->board);
	targets_close(&g->targets);
	acl_map_free(&g->acl);
	gate_free(&g->gates);
	conf_free(&g->conf);
	free(g);
}

void
generation_save(FILE *f)
{
	const struct generation *g;

	load_save(f);
	shakes_save(f);
	account_save(f);
	TAILQ_FOREACH(g, &master.gens, entry) {
		fprintf(f, "generation %u %d %d %d %d %d %d %d %" PRIu64
		    " %u %" PRIu64 "\n",
		    g->number, g->old, g == master.gen,
		    inherit_fd(g->conf_fd), g->secrets_fd == -1 ? -1 :
		    inherit_fd(g->secrets_fd), inherit_fd(g->board.fd),
		    g->targets.fd == -1 ? -1 : inherit_fd(g->targets.fd),
		    g->buckets_fd == -1 ? -1 : inherit_fd(g->buckets_fd),
		    g->started, g->died, g->past);
		worker_save(f, g);
	}
}

bool
generation_take(const char *line)
{
	struct generation *g;
	int old, current, board_fd, targets_fd;
	const char *err;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		return false;
	g->text_fd = g->buckets_fd = -1;
	TAILQ_INIT(&g->workers);
	TAILQ_INSERT_TAIL(&master.gens, g, entry);
	g->targets.fd = g->targets.ro = -1;
	if (sscanf(line, "generation %u %d %d %d %d %d %d %d %" SCNu64
	    " %u %" SCNu64,
	    &g->number, &old, &current, &g->conf_fd, &g->secrets_fd, &board_fd,
	    &targets_fd, &g->buckets_fd, &g->started, &g->died,
	    &g->past) != 11 ||
	    (g->conf = conf_get(g->conf_fd, &err)) == NULL ||
	    foreign_text(g) == -1 ||
	    (g->acl = acl_map_new(&g->conf->acl)) == NULL ||
	    (g->gates = gate_new(g->conf)) == NULL ||
	    board_reopen(&g->board, board_fd, g->conf) == -1 ||
	    (targets_fd != -1 &&
	    targets_reopen(&g->targets, targets_fd, g->conf) == -1) ||
	    totals_generation(g) == -1 || load_generation(g) == -1 ||
	    account_generation(g) == -1 || shakes_generation(g) == -1)
		return false;
	g->old = old != 0;
	g->recorded = recproc_wanted(g->conf);
	if (current)
		master.gen = g;
	return true;
}

void
generation_retire(struct generation *g)
{
	struct worker *w;

	g->old = true;
	atomic_store(&g->board.head->want_room, 0);
	TAILQ_FOREACH(w, &g->workers, entry)
		worker_drain(w);
	mark(MARK_WORKERS);
}

static void
generation_note(const struct generation *g)
{
	const int64_t now = (int64_t)time(NULL);

	ledger->generations[ledger->ngenerations++ % LEDGER_GENERATIONS] =
	    (struct ledger_generation){ .number = g->number, .died = g->died,
	    .began = now - (int64_t)((ev_now() - g->started) / 1000),
	    .ended = now, .sessions = g->past };
}

void
generation_sweep(void)
{
	struct generation *g, *next;

	TAILQ_FOREACH_SAFE(g, &master.gens, entry, next) {
		/* The current one is needed to the end, to be shown. */
		if (!g->old || g->nworkers != 0 || g == master.gen)
			continue;
		log_info("generation %u has ended", g->number);
		generation_note(g);
		generation_free(g);
		tickets_sweep();
	}
}
