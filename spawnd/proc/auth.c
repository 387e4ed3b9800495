#include "compat.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>

#include "conf/conf.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/auth.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/worker.h"

#define PATH_MOST	1024
#define YOUNG		5000	/* ms: who ends earlier ends young */
#define AGAIN_MIN	100	/* ms until the next try */
#define AGAIN_MAX	5000	/* clients may be the cause */
#define END_LIMIT	5000	/* ms that a program may take to its end */
#define END_WAIT	1000	/* the same when the master ends */
#define END_LOOK	5	/* ms */

/* One program or connection, for one worker. */
struct asker {
	TAILQ_ENTRY(asker)	 entry;
	struct worker		*w;		/* NULL: it has gone */
	struct proto_auth	 who;
	struct child		 child;		/* if it is a program */
	struct ev_timer		 again;
	uint64_t		 started;	/* ms */
	uint64_t		 backoff;	/* ms, 0: none */
	int			 fd;		/* to be sent; or -1 */
};

static struct asker *asker_new(struct worker *, unsigned, unsigned);
static void	 asker_free(struct asker *);
static struct asker *asker_find(struct worker *, const struct proto_auth *);
static const struct conf_auth *asker_conf(const struct asker *);
static void	 asker_begin(struct asker *);
static int	 asker_start(struct asker *, const struct conf_auth *);
static int	 asker_run(struct asker *, const struct conf_auth *, int);
static int	 asker_users(struct asker *, const struct conf_auth *,
		    const struct child_fd [2]);
static int	 asker_connect(const struct conf_auth *);
static void	 asker_ended(struct child *, int);
static void	 asker_later(struct asker *, const char *);
static void	 asker_again(struct ev_timer *);
static bool	 asker_wanted(const struct asker *);
static long	 asker_pid(const struct asker *);
static void	 take_pid(struct asker *, long);

static TAILQ_HEAD(, asker)	 ending = TAILQ_HEAD_INITIALIZER(ending);
static uint32_t			 last_serial;

int
auth_worker(struct worker *w)
{
	const struct conf *c = w->gen->conf;
	struct asker *a;
	unsigned i, k;

	for (i = 0; i < conf_naskers(c); i++)
		for (k = 0; k < c->auths[i].processes; k++) {
			if ((a = asker_new(w, i, k)) == NULL)
				return -1;
			asker_begin(a);
		}
	return 0;
}

static struct asker *
asker_new(struct worker *w, unsigned section, unsigned number)
{
	struct asker *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return NULL;
	a->w = w;
	a->who.section = section;
	a->who.number = number;
	a->fd = -1;
	child_init(&a->child, asker_conf(a)->program ? "filter program" :
	    "auth program", CHILD_WORKER |
	    (asker_conf(a)->users != NULL ? CHILD_OWN : CHILD_GROUP),
	    asker_ended);
	ev_timer_init(&a->again, asker_again);
	TAILQ_INSERT_TAIL(&w->askers, a, entry);
	return a;
}

static void
asker_free(struct asker *a)
{
	ev_timer_stop(&a->again);
	child_forget(&a->child);
	if (a->fd != -1)
		close(a->fd);
	free(a);
}

static struct asker *
asker_find(struct worker *w, const struct proto_auth *who)
{
	struct asker *a;

	TAILQ_FOREACH(a, &w->askers, entry)
		if (a->who.section == who->section &&
		    a->who.number == who->number &&
		    a->who.serial == who->serial)
			break;
	return a;
}

static const struct conf_auth *
asker_conf(const struct asker *a)
{
	return &a->w->gen->conf->auths[a->who.section];
}

/* --- the start of one --- */

static void
asker_begin(struct asker *a)
{
	const struct conf_auth *c = asker_conf(a);

	a->started = ev_now();
	a->fd = c->command != NULL ? asker_start(a, c) : asker_connect(c);
	if (a->fd == -1) {
		asker_later(a, log_why(errno));
		return;
	}
	a->who.serial = ++last_serial;
	mark(MARK_SEND);
}

/* Returns the worker's end. */
static int
asker_start(struct asker *a, const struct conf_auth *c)
{
	int sv[2], saved;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	if (fcntl(sv[0], F_SETFL, O_NONBLOCK) == -1 ||
	    asker_run(a, c, sv[1]) == -1) {
		saved = errno;
		close(sv[0]);
		sv[0] = -1;
		errno = saved;
	}
	saved = errno;
	close(sv[1]);
	errno = saved;
	return sv[0];
}

/* By who workers are, unless it says otherwise. */
static int
asker_run(struct asker *a, const struct conf_auth *c, int fd)
{
	const struct child_fd fds[] = {
		{ fd, STDIN_FILENO }, { fd, STDOUT_FILENO }
	};
	const struct conf *conf = a->w->gen->conf;
	char *argv[CONF_WORDS + 1], *words, *rest;
	int n = 0, r;

	if (c->users != NULL)
		return asker_users(a, c, fds);
	if ((words = rest = strdup(c->command)) == NULL)
		return -1;
	while (n < CONF_WORDS && (argv[n] = strsep(&rest, " ")) != NULL)
		n += *argv[n] != '\0';
	argv[n] = NULL;
	a->child.conf = conf;
	a->child.user = c->user != NULL ? c->user : conf->user;
	a->child.uid = c->user != NULL ? c->uid : conf->uid;
	a->child.gid = c->user != NULL ? c->gid : conf->gid;
	r = child_start(&a->child, argv[0], argv, fds, nitems_of(fds));
	free(words);
	return r;
}

/* Our own, which reads the file, maybe as root, before it becomes somebody
 * else. */
static int
asker_users(struct asker *a, const struct conf_auth *c,
    const struct child_fd fds[2])
{
	const struct conf *conf = a->w->gen->conf;
	char called[] = "users", uid[16], gid[16], path[PATH_MOST];
	char *argv[] = { called, NULL, NULL, uid, gid, NULL };
	int r = -1;

	snprintf(uid, sizeof(uid), "%u", (unsigned)conf->uid);
	snprintf(gid, sizeof(gid), "%u", (unsigned)conf->gid);
	argv[1] = strdup(c->users);
	argv[2] = strdup(conf->user != NULL ? conf->user : "");
	a->child.conf = conf;
	if (argv[1] != NULL && argv[2] != NULL)
		r = child_start(&a->child, master_libexec("users", path,
		    sizeof(path)), argv, fds, 2);
	free(argv[1]);
	free(argv[2]);
	return r;
}

/* Does not wait: a backlog without room is an error. */
static int
asker_connect(const struct conf_auth *c)
{
	const char *err;
	struct addr to;
	int fd, saved;

	if (addr_unix(c->path, &to, &err) == -1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, &to.sa, to.len) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* --- to the worker --- */

int
auth_next(const struct worker *w, struct proto_auth *who)
{
	const struct asker *a;

	TAILQ_FOREACH(a, &w->askers, entry)
		if (a->fd != -1) {
			*who = a->who;
			return a->fd;
		}
	return -1;
}

void
auth_sent(struct worker *w, const struct proto_auth *who)
{
	struct asker *a = asker_find(w, who);

	close(a->fd);
	a->fd = -1;
}

/* --- the end of one --- */

/* The worker has said why, unless it was the end. */
void
auth_lost(struct worker *w, const struct proto_auth *who)
{
	struct asker *a = asker_find(w, who);

	if (a == NULL || a->fd != -1 || ev_timer_on(&a->again))
		return;
	if (child_runs(&a->child))
		child_kill(&a->child, SIGKILL, NULL);
	else if (asker_conf(a)->path != NULL)
		asker_later(a, "the connection is lost");
}

static void
asker_ended(struct child *child, int status)
{
	struct asker *a = container_of(child, struct asker, child);
	char why[64];

	if (a->w == NULL) {
		TAILQ_REMOVE(&ending, a, entry);
		asker_free(a);
		return;
	}
	if (a->fd != -1)
		close(a->fd);
	a->fd = -1;
	if (child->killed)
		strlcpy(why, "it was killed", sizeof(why));
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "it has died of signal %d",
		    WTERMSIG(status));
	else
		snprintf(why, sizeof(why), "it has ended with status %d",
		    WEXITSTATUS(status));
	asker_later(a, why);
}

static void
asker_later(struct asker *a, const char *why)
{
	const struct conf_auth *c = asker_conf(a);

	if (!asker_wanted(a))
		return;
	a->backoff = a->backoff == 0 || ev_now() - a->started >= YOUNG ?
	    AGAIN_MIN : MIN(a->backoff * 2, AGAIN_MAX);
	log_warnx("%s %s: %s: %s; again in %.1f s",
	    c->program ? "program" : "auth", c->name,
	    c->command != NULL ? c->command : c->path, why,
	    (double)a->backoff / 1e3);
	ev_timer_set(&a->again, a->backoff);
}

/* Workers that drain close it by themselves when they ask no more: what ends
 * before that is not had again. */
static bool
asker_wanted(const struct asker *a)
{
	return !master.stopping && (a->w->state == WORKER_STARTING ||
	    a->w->state == WORKER_READY || a->w->state == WORKER_LEAVING);
}

static void
asker_again(struct ev_timer *t)
{
	struct asker *a = container_of(t, struct asker, again);

	if (asker_wanted(a))
		asker_begin(a);
}

void
auth_worker_gone(struct worker *w)
{
	struct asker *a;

	while ((a = TAILQ_FIRST(&w->askers)) != NULL) {
		TAILQ_REMOVE(&w->askers, a, entry);
		a->w = NULL;
		if (!child_runs(&a->child)) {
			asker_free(a);
			continue;
		}
		ev_timer_stop(&a->again);
		TAILQ_INSERT_TAIL(&ending, a, entry);
		child_kill(&a->child, SIGTERM, NULL);
		child_limit(&a->child, END_LIMIT);
	}
}

/* Whoever waits for us to end takes what is left for ours. */
void
auth_end(void)
{
	struct asker *a, *next;
	int ms;

	for (ms = 0; ms < END_WAIT && !TAILQ_EMPTY(&ending); ms += END_LOOK) {
		TAILQ_FOREACH_SAFE(a, &ending, entry, next)
			if (waitpid(a->child.pid, NULL, WNOHANG) != 0) {
				TAILQ_REMOVE(&ending, a, entry);
				asker_free(a);
			}
		if (!TAILQ_EMPTY(&ending))
			poll(NULL, 0, END_LOOK);
	}
	while ((a = TAILQ_FIRST(&ending)) != NULL) {
		TAILQ_REMOVE(&ending, a, entry);
		child_kill(&a->child, SIGKILL, NULL);
		asker_free(a);
	}
}

/* --- over an upgrade --- */

void
auth_save(FILE *f)
{
	const struct generation *g;
	const struct worker *w;
	const struct asker *a;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			TAILQ_FOREACH(a, &w->askers, entry)
				fprintf(f, "auth %u %u %" PRIu32 " %" PRIu32
				    " %" PRIu32 " %d %ld %" PRIu64 " %" PRIu64
				    "\n", g->number, w->slot, a->who.section,
				    a->who.number, a->who.serial,
				    a->fd == -1 ? -1 : inherit_fd(a->fd),
				    asker_pid(a), a->started, a->backoff);
}

bool
auth_take(const char *line)
{
	unsigned number, slot;
	struct generation *g;
	struct proto_auth who;
	struct asker *a;
	uint64_t started, backoff;
	long pid;
	int fd;

	if (sscanf(line, "auth %u %u %" SCNu32 " %" SCNu32 " %" SCNu32
	    " %d %ld %" SCNu64 " %" SCNu64, &number, &slot, &who.section,
	    &who.number, &who.serial, &fd, &pid, &started, &backoff) != 9)
		return false;
	TAILQ_FOREACH(g, &master.gens, entry)
		if (g->number == number)
			break;
	if (g == NULL || slot >= BOARD_SLOTS || g->slots[slot] == NULL ||
	    who.section >= conf_naskers(g->conf) ||
	    (a = asker_new(g->slots[slot], who.section, who.number)) == NULL)
		return false;
	a->who = who;
	a->fd = fd;
	a->started = started;
	a->backoff = backoff;
	last_serial = MAX(last_serial, who.serial);
	take_pid(a, pid);
	return true;
}

/* Of its program; 0: it has none; -1: it is about to be begun anew. */
static long
asker_pid(const struct asker *a)
{
	if (child_runs(&a->child))
		return (long)a->child.pid;
	return ev_timer_on(&a->again) ? -1 : 0;
}

static void
take_pid(struct asker *a, long pid)
{
	if (pid != 0 && child_adopt(&a->child, (pid_t)pid) == -1)
		ev_timer_set(&a->again, AGAIN_MIN);
	mark(MARK_SEND);
}
