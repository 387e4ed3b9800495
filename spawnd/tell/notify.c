#include "compat.h"

#include <sys/un.h>

#include <limits.h>
#include <stdarg.h>
#include <time.h>

#include "accept/handoff.h"
#include "ev.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/totals.h"
#include "proc/worker.h"
#include "tell/notify.h"

#define TEXT_MAX	2048	/* longest message, with the NUL */
#define WAITING_MAX	32	/* messages that wait; then the oldest goes */
#define RETRY		100	/* ms, while the supervisor takes nothing */
#define EXTEND_EVERY	3000	/* ms between requests for more time */
#define EXTEND_BY	15000	/* ms asked for */

struct message {
	TAILQ_ENTRY(message)	 entry;
	char			 text[];
};

static void	find_socket(void);
static void	find_watchdog(void);
static void	tell(const char *, ...) printf_like(1, 2);
static int	transmit(const char *);
static void	keep(const char *);
static void	retry(struct ev_timer *);
static void	ping(struct ev_timer *);
static void	extend(struct ev_timer *);
static unsigned long long sessions(void);

static struct sockaddr_un	 un;
static socklen_t		 un_len;	/* 0: nobody wants to know */
static TAILQ_HEAD(, message)	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static unsigned			 nwaiting;
static uint64_t			 ping_every;	/* ms */
static struct ev_timer		 retry_timer, ping_timer, extend_timer;

void
notify_start(bool upgraded)
{
	ev_timer_init(&retry_timer, retry);
	ev_timer_init(&ping_timer, ping);
	ev_timer_init(&extend_timer, extend);
	find_socket();
	if (un_len == 0)
		return;
	find_watchdog();
	if (upgraded)
		return;
	tell("STATUS=starting\n");
	ev_timer_set(&extend_timer, EXTEND_EVERY);
}

static void
find_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path == NULL || path[0] == '\0')
		return;
	if ((path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(un.sun_path)) {
		log_warnx("NOTIFY_SOCKET %s: not the path of a unix socket",
		    path);
		return;
	}
	un.sun_family = AF_UNIX;
	strlcpy(un.sun_path, path, sizeof(un.sun_path));
	un_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path));
	if (path[0] == '@')
		un.sun_path[0] = '\0';	/* the abstract name space */
}

/* sd_watchdog_enabled(3). */
static void
find_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *err;
	const char *pid = getenv("WATCHDOG_PID");
	long long n;

	if (usec == NULL || (pid != NULL && strtonum(pid, 1, LLONG_MAX,
	    &err) != (long long)getpid()))
		return;
	if ((n = strtonum(usec, 1, LLONG_MAX, &err)) == 0) {
		log_warnx("WATCHDOG_USEC %s: %s", usec, err);
		return;
	}
	ping_every = (uint64_t)n / 2000;
	if (ping_every == 0)
		ping_every = 1;
	ev_timer_set(&ping_timer, 0);
}

/* In the loop, so that it stops when the loop does. */
static void
ping(struct ev_timer *t)
{
	if (transmit("WATCHDOG=1\n") == -1 && ping_every > RETRY)
		ev_timer_set(t, RETRY);
	else
		ev_timer_set(t, ping_every);
}

/* What has to arrive, and in order: states. */
static void
tell(const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	int n;

	if (un_len == 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		text[sizeof(text) - 2] = '\n';
	if (nwaiting != 0 || transmit(text) == -1)
		keep(text);
}

/* Returns -1 if it is worth another try. */
static int
transmit(const char *text)
{
	static int complained;
	int fd, r = 0;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	    (struct sockaddr *)&un, un_len) != -1) {
		complained = 0;
	} else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
		r = -1;
	} else if (errno != complained) {
		complained = errno;
		log_warn("%s", getenv("NOTIFY_SOCKET"));
	}
	close(fd);
	return r;
}

static void
keep(const char *text)
{
	struct message *m;
	size_t size = strlen(text) + 1;

	if (nwaiting == WAITING_MAX) {
		m = TAILQ_FIRST(&waiting);
		TAILQ_REMOVE(&waiting, m, entry);
		free(m);
		nwaiting--;
	}
	if ((m = malloc(sizeof(*m) + size)) == NULL) {
		log_warn("supervisor");
		return;
	}
	strlcpy(m->text, text, size);
	TAILQ_INSERT_TAIL(&waiting, m, entry);
	nwaiting++;
	ev_timer_set(&retry_timer, RETRY);
}

static void
retry(struct ev_timer *t)
{
	struct message *m;

	while ((m = TAILQ_FIRST(&waiting)) != NULL) {
		if (transmit(m->text) == -1) {
			ev_timer_set(t, RETRY);
			return;
		}
		TAILQ_REMOVE(&waiting, m, entry);
		free(m);
		nwaiting--;
	}
}

/* Starting, reloading or draining takes longer than usual. */
static void
extend(struct ev_timer *t)
{
	char text[128];
	int n;

	n = snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%llu\n",
	    EXTEND_BY * 1000ULL);
	if (master.stopping)
		snprintf(text + n, sizeof(text) - (size_t)n,
		    "STATUS=draining, %llu sessions are left\n", sessions());
	transmit(text);
	ev_timer_set(t, EXTEND_EVERY);
}

static unsigned long long
sessions(void)
{
	return totals_sum().open + handoff_kept();
}

void
notify_ready(const char *failed)
{
	/* A reload that the end has broken off. */
	if (un_len == 0 || master.stopping)
		return;
	ev_timer_stop(&extend_timer);
	tell("READY=1\nMAINPID=%ld\nSTATUS=generation %u: %u workers, "
	    "%llu sessions%s%.*s\n", (long)getpid(), master.gen->number,
	    worker_count(master.gen, true), sessions(),
	    failed != NULL ? "; the last reload failed: " : "",
	    failed != NULL ? (int)strcspn(failed, "\n") : 0,
	    failed != NULL ? failed : "");
}

void
notify_reloading(void)
{
	struct timespec ts;

	if (un_len == 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	tell("RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading, meanwhile "
	    "generation %u serves %llu sessions\n",
	    (unsigned long long)ts.tv_sec * 1000000 +
	    (unsigned long long)ts.tv_nsec / 1000, master.gen->number,
	    sessions());
	ev_timer_set(&extend_timer, EXTEND_EVERY);
}

void
notify_stopping(void)
{
	if (un_len == 0)
		return;
	tell("STOPPING=1\nSTATUS=draining, %llu sessions are left\n",
	    sessions());
	ev_timer_set(&extend_timer, EXTEND_EVERY);
}

void
notify_failed(const char *why)
{
	tell("STATUS=cannot start: %.*s\n", (int)strcspn(why, "\n"), why);
}
