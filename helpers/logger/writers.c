#include "compat.h"

#include <poll.h>
#include <signal.h>

#include "ipc.h"
#include "log.h"
#include "logger.h"

#define BURST	64	/* lines of one, then it is the next one's turn */
#define WARNINGS	5	/* that the master is told of a second */

static bool	 grow(void);
static void	 signals_in(void);
static bool	 read_one(size_t);
static void	 read_control(void);
static void	 order(const struct ipc_msg *);
static void	 take_file(uint32_t, int);
static void	 add(const struct proto_writer *, int);
static void	 end(size_t);
static void	 give_back(uint32_t);

/* Of the same length; the first place is the control channel's, the second
 * the master's, so that it is heard behind those of whom it tells. */
static struct writer	*writers;
static struct pollfd	*polls;
static size_t		 n, room;
static bool		 finish;

void
writers_start(int control)
{
	if (!grow())
		fatal("writers");
	polls[0].fd = control;
	n = 1;
}

static bool
grow(void)
{
	const size_t more = room + 32;
	struct writer *w = realloc(writers, more * sizeof(*w));
	struct pollfd *p;

	if (w != NULL)
		writers = w;
	p = realloc(polls, more * sizeof(*p));
	if (p != NULL)
		polls = p;
	if (w == NULL || p == NULL)
		return false;
	memset(polls + room, 0, (more - room) * sizeof(*p));
	room = more;
	return true;
}

/* They are let in only here, so that none is missed. */
bool
writers_wait(int ms)
{
	const struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t none;
	size_t i;
	int ready;

	for (i = 0; i < n; i++) {
		polls[i].events = POLLIN;
		polls[i].revents = 0;
	}
	sigemptyset(&none);
	ready = ppoll(polls, (nfds_t)n, ms == -1 ? NULL : &limit, &none);
	if (ready == 0)
		return false;
	for (i = 0; ready == -1 && i < n; i++)
		polls[i].revents = 0;
	return true;
}

/* ppoll(2) does not while there is always something to read. */
static void
signals_in(void)
{
	sigset_t none, held;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &held);
	sigprocmask(SIG_SETMASK, &held, NULL);
}

bool
writers_read(void)
{
	bool more = false;
	size_t i;

	for (i = n - 1; i > 0; i--)
		if (polls[i].revents != 0 && read_one(i))
			more = true;
	if (polls[0].revents != 0)
		read_control();
	if (more)
		signals_in();
	return more;
}

static bool
read_one(size_t i)
{
	char line[LOG_LINE + 1];
	ssize_t len;
	int k;

	for (k = 0; k < BURST; k++) {
		len = sender_take(polls[i].fd, line, sizeof(line) - 1);
		if (len == -1) {
			if (errno == EPIPE)
				end(i);
			return false;
		}
		lines_take(&writers[i], line, (size_t)len);
	}
	return true;
}

static void
read_control(void)
{
	struct ipc_msg m;
	int r;

	while ((r = ipc_recv(polls[0].fd, PROTO_TO_LOG, &m)) == 1)
		order(&m);
	if (r == 0)
		polls[0].fd = -1;
}

static void
order(const struct ipc_msg *m)
{
	unsigned i;

	if (m->type == MSG_FINISH)
		finish = true;
	else if (m->type == MSG_FILE && m->fds[0] != -1)
		take_file(m->file.target, m->fds[0]);
	else if (m->type == MSG_LEAST)
		target_of(0)->level = (int)MIN(m->level.level, LOG_DEBUG);
	else if (m->type == MSG_WRITER)
		for (i = 0; i < m->count; i++)
			add(&m->writer[i], m->fds[i]);
}

static void
take_file(uint32_t number, int fd)
{
	struct target *t = target_of(number);

	if (t == NULL)
		close(fd);
	else
		target_take(t, fd);
}

static void
add(const struct proto_writer *new, int fd)
{
	static const char *const names[] = {
		[WHO_MASTER] = "spawnd", [WHO_WORKER] = "relay",
		[WHO_FOREIGN] = "worker",
		[WHO_CHECKER] = "checker", [WHO_STATUS] = "status",
		[WHO_RECORDER] = "recorder"
	};
	struct writer *w;

	if (fd == -1 || (n == room && !grow())) {
		if (fd != -1)
			close(fd);
		give_back(new->number);
		return;
	}
	sender_start(fd);
	polls[n].fd = fd;
	w = &writers[n++];
	memset(w, 0, sizeof(*w));
	w->number = new->number;
	w->master = new->who == WHO_MASTER;
	strlcpy(w->name, new->who < nitems_of(names) ? names[new->who] : "?",
	    sizeof(w->name));
	snprintf(w->pid, sizeof(w->pid), "%ld", (long)new->pid);
	snprintf(w->who, sizeof(w->who), "%s[%s]: ", w->name, w->pid);
}

static void
end(size_t i)
{
	give_back(writers[i].number);
	close(polls[i].fd);
	n--;
	writers[i] = writers[n];
	polls[i] = polls[n];
}

static void
give_back(uint32_t number)
{
	const struct proto_ended ended = { .number = number };

	if (polls[0].fd != -1)
		ipc_send(polls[0].fd, MSG_ENDED, &ended, 1, NULL);
}

/* The master knows its own. */
void
writers_warned(const struct writer *w, int level, const char *text)
{
	struct proto_event e = { .level = (uint32_t)level };
	static unsigned told;
	static time_t second;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (ts.tv_sec != second)
		told = 0;
	second = ts.tv_sec;
	if (w->master || polls[0].fd == -1 || told++ >= WARNINGS)
		return;
	strlcpy(e.who, w->who, sizeof(e.who));
	e.who[strcspn(e.who, ":")] = '\0';
	strlcpy(e.text, text, sizeof(e.text));
	ipc_send(polls[0].fd, MSG_EVENT, &e, 1, NULL);
}

void
writers_open(unsigned target)
{
	const struct proto_open again = { .target = target };

	if (polls[0].fd != -1)
		ipc_send(polls[0].fd, MSG_OPEN, &again, 1, NULL);
}

bool
writers_finish(void)
{
	return finish;
}

bool
writers_gone(void)
{
	return n == 1 && polls[0].fd == -1;
}
