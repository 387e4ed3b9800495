#include "compat.h"

#include <time.h>

#include "ev.h"
#include "feed.h"
#include "feeds.h"
#include "log.h"
#include "taps.h"

#define TURN_ITEMS	256	/* of one worker, then it is the next one's
				   turn */
#define WAKES		64	/* reads: who has sent more than they take
				   does not mean to wake us */
#define LOOK		2	/* ms until it is looked anew, while there is
				   something: no worker need wake us then */

struct feed {
	TAILQ_ENTRY(feed)	 entry;
	struct ev_io		 wake;
	struct ev_task		 gone;
	struct feed_reader	 reader;
	struct taps		*taps;
	long			 pid;
	bool			 over;		/* its worker has gone */
};

static void	 woken(struct ev_io *, int);
static void	 look(void);
static void	 look_timer(struct ev_timer *);
static void	 look_task(struct ev_task *);
static void	 look_on(unsigned, bool);
static unsigned	 take(struct feed *);
static void	 flush(void);
static void	 end(struct feed *);
static void	 feed_free(struct ev_task *);
static uint64_t	 now_us(void);

static TAILQ_HEAD(, feed) feeds = TAILQ_HEAD_INITIALIZER(feeds);
static struct sections	 sections;
static struct ev_timer	 timer = EV_TIMER(look_timer);
static struct ev_task	 task;
static bool		 finish;

void
feeds_start(const struct conf *c, const int *folders)
{
	unsigned i;

	sections.conf = c;
	sections.files = calloc(c->nrecords + 1, sizeof(*sections.files));
	sections.dumps = calloc(c->ndumps + 1, sizeof(*sections.dumps));
	if (sections.files == NULL || sections.dumps == NULL)
		fatal("sections");
	for (i = 0; i < c->nrecords; i++)
		sections.files[i] = files_new(&c->records[i], folders[i]);
	for (i = 0; i < c->ndumps; i++)
		sections.dumps[i] = dump_new(&c->dumps[i]);
}

void
feeds_add(int ring, int wake, long pid)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (f == NULL || ring == -1 || wake == -1 ||
	    (f->reader.ring = feed_map(ring)) == NULL ||
	    (f->taps = taps_new(&sections, pid)) == NULL ||
	    ev_io_add(&f->wake, wake, IO_READ, woken) == -1) {
		log_warn("sessions of worker %ld cannot be recorded", pid);
		if (f != NULL && f->taps != NULL)
			taps_free(&f->taps, 0);
		if (f != NULL)
			feed_unmap(&f->reader.ring);
		free(f);
		if (wake != -1)
			close(wake);
	} else {
		f->pid = pid;
		TAILQ_INSERT_TAIL(&feeds, f, entry);
		feed_attach(&f->reader);
		ev_timer_set(&timer, 0);
	}
	if (ring != -1)
		close(ring);
}

void
feeds_dump(unsigned section, int fd)
{
	if (fd != -1 && section < sections.conf->ndumps)
		dump_file(sections.dumps[section], fd);
	else if (fd != -1)
		close(fd);
}

void
feeds_finish(void)
{
	finish = true;
	ev_timer_set(&timer, 0);
}

static void
woken(struct ev_io *io, int what)
{
	struct feed *f = container_of(io, struct feed, wake);
	char bytes[64];
	ssize_t n = 0;
	int i;

	(void)what;
	for (i = 0; i < WAKES && (n = recv(io->fd, bytes, sizeof(bytes),
	    0)) > 0; i++)
		;
	if (n != -1 || errno != EAGAIN)
		f->over = true;
	else
		ev_io_again(io, IO_READ);
	if (!ev_deferred(&task))
		ev_timer_set(&timer, 0);
}

/* --- a turn --- */

static void
look_timer(struct ev_timer *t)
{
	(void)t;
	look();
}

static void
look_task(struct ev_task *t)
{
	(void)t;
	look();
}

/* Whoever has ended has told all before. */
static void
look(void)
{
	struct feed *f, *next;
	unsigned n, some = 0;
	bool more = false;

	TAILQ_FOREACH_SAFE(f, &feeds, entry, next) {
		n = take(f);
		some += n;
		if (n == TURN_ITEMS)
			more = true;
		else if (f->over)
			end(f);
	}
	flush();
	if (finish && TAILQ_EMPTY(&feeds))
		ev_stop();
	else
		look_on(some, more);
}

static void
look_on(unsigned some, bool more)
{
	struct feed *f;

	if (more) {
		ev_defer(&task, look_task);
		return;
	}
	TAILQ_FOREACH(f, &feeds, entry)
		if (some != 0 || !feed_sleep(&f->reader)) {
			ev_timer_set(&timer, LOOK);
			return;
		}
}

static unsigned
take(struct feed *f)
{
	struct feed_item i;
	unsigned n;
	int r = 0;

	for (n = 0; n < TURN_ITEMS; n++) {
		if ((r = feed_next(&f->reader, &i)) != 1 ||
		    !taps_take(f->taps, &f->reader, &i))
			break;
		feed_taken(&f->reader, &i);
	}
	if (n < TURN_ITEMS && r != 0) {
		log_warnx("worker %ld tells nonsense: its sessions are "
		    "recorded no more", f->pid);
		f->over = true;
		return 0;
	}
	return n;
}

static void
flush(void)
{
	unsigned i;

	for (i = 0; i < sections.conf->nrecords; i++)
		files_flush(sections.files[i]);
	for (i = 0; i < sections.conf->ndumps; i++)
		dump_flush(sections.dumps[i]);
}

/* --- the end --- */

static void
end(struct feed *f)
{
	TAILQ_REMOVE(&feeds, f, entry);
	taps_free(&f->taps, now_us());
	feed_unmap(&f->reader.ring);
	ev_io_close(&f->wake);
	ev_defer(&f->gone, feed_free);
}

static void
feed_free(struct ev_task *t)
{
	free(container_of(t, struct feed, gone));
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
feeds_end(void)
{
	unsigned i;

	for (i = 0; i < sections.conf->nrecords; i++)
		files_free(&sections.files[i]);
	for (i = 0; i < sections.conf->ndumps; i++)
		dump_free(&sections.dumps[i]);
	free(sections.files);
	free(sections.dumps);
}
