#include "compat.h"

#include <time.h>

#include "ev.h"
#include "ipc.h"
#include "log.h"
#include "master.h"
#include "packet.h"
#include "proc/generation.h"
#include "proc/trace.h"
#include "proc/worker.h"

#define MOST	4	/* at once */
#define PACKET	512

struct trace {
	TAILQ_ENTRY(trace)	 entry;
	struct ev_io		 io;
	struct ev_timer		 timer;
	struct ev_task		 task;	/* free */
	struct proto_trace	 what;
	uint64_t		 until;	/* ms, 0: for ever */
};

static struct trace *trace_new(int, const struct proto_trace *);
static void	 trace_not(FILE *, char **, int);
static bool	 trace_has(const struct worker *);
static bool	 trace_send(const struct trace *, const struct worker *);
static void	 trace_io(struct ev_io *, int);
static void	 trace_late(struct ev_timer *);
static void	 trace_end(struct trace *);
static void	 trace_free(struct ev_task *);

static TAILQ_HEAD(, trace)	 traces = TAILQ_HEAD_INITIALIZER(traces);
static unsigned			 ntraces;

int
trace_begin(int fd, const struct proto_trace *what, char **text, size_t *len)
{
	const struct generation *g;
	const struct worker *w;
	FILE *f = open_memstream(text, len);
	struct trace *t;

	if (f == NULL || (t = trace_new(fd, what)) == NULL) {
		trace_not(f, text, fd);
		return -1;
	}
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			if (trace_has(w))
				fprintf(f, "%s\t%ld\t%u\t0\n",
				    trace_send(t, w) ? "asked" : "busy",
				    (long)w->child.pid, g->number);
	if (fclose(f) != EOF)
		return 0;
	trace_end(t);
	free(*text);
	return -1;
}

static void
trace_not(FILE *f, char **text, int fd)
{
	const int saved = errno;

	if (f != NULL) {
		fclose(f);
		free(*text);
	}
	close(fd);
	errno = saved;
}

/* Another program than relay knows nothing of it; who starts is told when it is
 * ready. */
static bool
trace_has(const struct worker *w)
{
	return w->gen->conf->exec == NULL && w->state != WORKER_STARTING &&
	    w->state != WORKER_DEAD;
}

static struct trace *
trace_new(int fd, const struct proto_trace *what)
{
	struct trace *t;

	if (ntraces == MOST) {
		errno = EBUSY;
		return NULL;
	}
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	if (ev_io_add(&t->io, fd, IO_READ, trace_io) == -1) {
		free(t);
		return NULL;
	}
	t->what = *what;
	ev_timer_init(&t->timer, trace_late);
	if (what->ms != 0) {
		t->until = ev_now() + what->ms;
		ev_timer_set(&t->timer, what->ms);
	}
	TAILQ_INSERT_TAIL(&traces, t, entry);
	ntraces++;
	return t;
}

static bool
trace_send(const struct trace *t, const struct worker *w)
{
	struct proto_trace what = t->what;

	if (t->until != 0)
		what.ms = MAX(1, t->until - MIN(ev_now(), t->until));
	return !w->broken && !w->full &&
	    ipc_send(w->chan.fd, MSG_TRACE, &what, 1, &t->io.fd) == 0;
}

void
trace_ready(const struct worker *w)
{
	const struct trace *t;

	TAILQ_FOREACH(t, &traces, entry)
		if (trace_has(w) && !trace_send(t, w))
			log_debug("worker %ld: it is not told who traces",
			    (long)w->child.pid);
}

/* Nobody writes there but who is to: whoever could read has gone. */
static void
trace_io(struct ev_io *io, int what)
{
	if (what & (IO_EOF | IO_ERROR))
		trace_end(container_of(io, struct trace, io));
}

static void
trace_late(struct ev_timer *timer)
{
	trace_end(container_of(timer, struct trace, timer));
}

static void
trace_end(struct trace *t)
{
	ev_timer_stop(&t->timer);
	ev_io_close(&t->io);
	TAILQ_REMOVE(&traces, t, entry);
	ntraces--;
	ev_defer(&t->task, trace_free);
}

static void
trace_free(struct ev_task *task)
{
	free(container_of(task, struct trace, task));
}

/* What finds no room is not told. */
void
trace_refused(const char *listener, const struct source *client,
    const char *why, const char *by)
{
	char text[ADDR_STRLEN], packet[PACKET];
	const struct trace *t;
	struct timespec now;
	struct acl net;
	int n;

	if (TAILQ_EMPTY(&traces))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(packet, sizeof(packet), "t\ttime_ms=%lld\tevent=refused"
	    "\twhat=%s\tend=relay\twhy=%s\tclient=%s\tlistener=%s\n",
	    (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, by, why,
	    source_str(client, text), listener);
	TAILQ_FOREACH(t, &traces, entry) {
		net.rules = (struct acl_rule *)(uintptr_t)&t->what.rule;
		net.n = 1;
		if (acl_first(&net, client, 0) != NULL)
			packet_send(t->io.fd, packet, (size_t)MIN(n,
			    PACKET - 1));
	}
}
