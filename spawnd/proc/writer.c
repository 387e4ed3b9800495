#include "compat.h"

#include <inttypes.h>

#include "ev.h"
#include "ipc.h"
#include "log.h"
#include "mark.h"
#include "proc/inherit.h"
#include "proc/writer.h"

#define BUFFER_ALL	(16 * 1024 * 1024)	/* bytes under way, if root */
#define BUFFER_MOST	(512 * 1024)		/* of one */
#define BUFFER_LEAST	(128 * 1024)
#define AGAIN		1000	/* ms until what has failed is tried again */
#define OVER_MOST	256	/* that have ended and were not read yet */

struct writer {
	TAILQ_ENTRY(writer)	 entry;
	uint32_t		 number;
	uint32_t		 who;		/* enum proto_who */
	pid_t			 pid;		/* -1: not known yet */
	int			 fd;		/* the logger's end */
	bool			 handed;	/* to the logger that runs */
	bool			 over;		/* nobody writes there */
	bool			 ended;		/* but somebody is to */
	bool			 wanted;	/* another, and now */
};

TAILQ_HEAD(writers, writer);

static void	 buffer(int);
static struct writer *add(uint32_t, enum proto_who, int);
static void	 forget(struct writer *);
static void	 over_limit(void);
static bool	 read_all(const struct writer *);
static bool	 hand(struct writer *);
static void	 again(struct ev_timer *);

static struct writers	 writers = TAILQ_HEAD_INITIALIZER(writers);
static struct ev_timer	 again_timer = EV_TIMER(again);
static uint32_t		 last;		/* number that was given */
static unsigned		 nwriters, nover;
static int		 logger = -1;
static struct writer	*own;			/* this process's */
static int		 own_end = -1;

/* Also in the place of one that has ended. */
int
writer_start(void)
{
	struct writer *w;
	int end;

	if ((w = writer_new(WHO_MASTER, &end)) == NULL)
		return -1;
	log_init(end);
	if (own_end != -1)
		close(own_end);
	own_end = end;
	writer_over(&own);
	own = w;
	writer_begin(w, getpid());
	return 0;
}

struct writer *
writer_new(enum proto_who who, int *end)
{
	struct writer *w;
	int sv[2], saved;

	if (ipc_pair(sv) == -1)
		return NULL;
	if ((w = add(last + 1, who, sv[0])) == NULL) {
		saved = errno;
		close(sv[0]);
		close(sv[1]);
		errno = saved;
		return NULL;
	}
	ipc_no_fds(sv[0]);
	buffer(sv[1]);
	*end = sv[1];
	return w;
}

/* Many have less each: it is memory that the kernel cannot do without. */
static void
buffer(int fd)
{
	const unsigned share = BUFFER_ALL / nwriters;
	const int size = (int)MAX(MIN(share, BUFFER_MOST), BUFFER_LEAST);

#ifdef SO_SNDBUFFORCE
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size,
	    sizeof(size)) == 0)
		return;
#endif
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static struct writer *
add(uint32_t number, enum proto_who who, int fd)
{
	struct writer *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->number = number;
	w->who = who;
	w->pid = -1;
	w->fd = fd;
	TAILQ_INSERT_TAIL(&writers, w, entry);
	nwriters++;
	last = MAX(last, number);
	return w;
}

static void
forget(struct writer *w)
{
	TAILQ_REMOVE(&writers, w, entry);
	nwriters--;
	nover -= w->over;
	close(w->fd);
	free(w);
}

void
writer_begin(struct writer *w, pid_t pid)
{
	w->pid = pid;
	writer_hand();
}

/* Neither it nor its process has asked for that. */
int
writer_replace(struct writer **wp, int channel)
{
	const struct proto_log item = { .reserved = 0 };
	const pid_t pid = (*wp)->pid;
	struct writer *next;
	int end, r;

	if ((next = writer_new((*wp)->who, &end)) == NULL)
		return -1;
	r = ipc_send(channel, MSG_LOG, &item, 1, &end);
	close(end);
	if (r == -1) {
		writer_over(&next);
		return -1;
	}
	writer_over(wp);
	*wp = next;
	writer_begin(next, pid);
	return 0;
}

void
writer_over(struct writer **wp)
{
	struct writer *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	w->over = true;
	nover++;
	/* One that was never begun nobody has written to, and nobody will say
	 * that it has ended: a process between fork(2) and execve(2) may still
	 * have its other end. */
	if (w->pid == -1 || read_all(w))
		forget(w);
	else if (nover > OVER_MOST)
		over_limit();
}

/* A logger that never reads does not keep all descriptors. */
static void
over_limit(void)
{
	struct writer *w;

	TAILQ_FOREACH(w, &writers, entry)
		if (w->over)
			break;
	if (w == NULL)
		return;
	log_warnx("the last log lines of worker %ld are lost: the logger does "
	    "not read them", (long)w->pid);
	forget(w);
}

/* And is there nobody who could write more? */
static bool
read_all(const struct writer *w)
{
	char c;

	return recv(w->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool
writer_wanted(const struct writer *w)
{
	return w != NULL && w->wanted;
}

void
writer_logger(int fd)
{
	struct writer *w, *next;

	logger = fd;
	TAILQ_FOREACH_SAFE(w, &writers, entry, next) {
		w->handed = false;
		if (w->over && read_all(w))
			forget(w);
	}
	writer_hand();
}

void
writer_adopt(int fd)
{
	logger = fd;
}

void
writer_hand(void)
{
	struct writer *w;

	if (logger == -1)
		return;
	TAILQ_FOREACH(w, &writers, entry)
		if (!w->handed && !w->ended && w->pid != -1 && !hand(w))
			return;
}

static bool
hand(struct writer *w)
{
	const struct proto_writer item = { .number = w->number,
	    .who = w->who, .pid = (int32_t)w->pid };

	if (ipc_send(logger, MSG_WRITER, &item, 1, &w->fd) == 0) {
		w->handed = true;
		return true;
	}
	/* An event tells when a full channel has room. */
	if (errno != EAGAIN)
		ev_timer_set(&again_timer, AGAIN);
	return false;
}

/* What has not ended it had no descriptor for. Another channel for one that
 * lives comes after a while: it may be ended again and again. */
void
writer_ended(uint32_t number)
{
	struct writer *w = writer_find(number);

	if (w == NULL)
		return;
	if (!read_all(w))
		w->handed = false;
	else if (w->over) {
		forget(w);
		return;
	} else
		w->ended = true;
	if (!ev_timer_on(&again_timer))
		ev_timer_set(&again_timer, AGAIN);
}

static void
again(struct ev_timer *t)
{
	struct writer *w;

	(void)t;
	TAILQ_FOREACH(w, &writers, entry)
		w->wanted = w->ended && !w->over;
	if (writer_wanted(own) && writer_start() == -1)
		ev_timer_set(&again_timer, AGAIN);
	writer_hand();
	mark(MARK_SEND);
}

void
writer_close(void)
{
	struct writer *w, *next;

	log_init(-1);
	ev_timer_stop(&again_timer);
	logger = -1;
	own = NULL;
	if (own_end != -1)
		close(own_end);
	own_end = -1;
	TAILQ_FOREACH_SAFE(w, &writers, entry, next)
		forget(w);
}

uint32_t
writer_number(const struct writer *w)
{
	return w == NULL ? 0 : w->number;
}

struct writer *
writer_find(uint32_t number)
{
	struct writer *w;

	TAILQ_FOREACH(w, &writers, entry)
		if (w->number == number)
			break;
	return w;
}

void
writer_save(FILE *f)
{
	const struct writer *w;

	TAILQ_FOREACH(w, &writers, entry)
		fprintf(f, "writer %" PRIu32 " %" PRIu32
		    " %ld %d %d %d %d %d\n",
		    w->number, w->who, (long)w->pid, inherit_fd(w->fd),
		    w->handed, w->over, w->ended,
		    w == own ? inherit_fd(own_end) : -1);
}

bool
writer_take(const char *line)
{
	uint32_t number, who;
	int fd, handed, over, ended, end;
	struct writer *w;
	long pid;

	if (sscanf(line, "writer %" SCNu32 " %" SCNu32 " %ld %d %d %d %d %d",
	    &number, &who, &pid, &fd, &handed, &over, &ended, &end) != 8 ||
	    (w = add(number, (enum proto_who)who, fd)) == NULL)
		return false;
	w->pid = (pid_t)pid;
	w->handed = handed != 0;
	w->over = over != 0;
	w->ended = ended != 0;
	nover += w->over;
	if (end != -1) {
		own = w;
		own_end = end;
		log_init(end);
	}
	/* Whatever was to be done in a while. */
	ev_timer_set(&again_timer, AGAIN);
	return true;
}
