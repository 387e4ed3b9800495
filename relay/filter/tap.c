#include "compat.h"

#include <time.h>

#include "ev.h"
#include "filter/tap.h"
#include "log.h"
#include "path.h"
#include "self.h"
#include "why.h"

#define WAIT_AGAIN	10	/* ms until it is looked for room again */
#define WAIT_MOST	5000	/* ms for a recorder that takes nothing */
#define WORDS		96	/* of why it has ended */

static int	 grow(void);
static void	 source_of(struct source *, int, bool);
static size_t	 tell(struct tap *, const struct tap_how *, unsigned,
		    const struct queue *, size_t);
static size_t	 tell_chunk(struct tap *, const struct tap_how *, unsigned,
		    const unsigned char *, size_t);
static bool	 tell_piece(struct tap *, const struct tap_how *, unsigned,
		    const unsigned char *, size_t);
static bool	 ready(struct tap *, unsigned);
static bool	 greet(struct tap *, uint64_t);
static bool	 item(struct tap *, enum feed_kind, unsigned, uint64_t);
static bool	 waits(struct tap *, const struct tap_how *);
static void	 tell_end(struct tap *, unsigned, enum flow);
static uint64_t	 now_us(void);

static struct feed_writer writer;
/* Numbers that are free: a stack, with room for all that there are. */
static uint32_t		*numbers;
static size_t		 nfree, nnumbers;

/* Once for all sections, before nothing can be mapped any more. */
int
tap_start(struct filter_section *section)
{
	(void)section;
	if (writer.ring != NULL)
		return 0;
	if ((writer.ring = feed_map(self.fd[PROTO_FD_FEED])) == NULL)
		return -1;
	close(self.fd[PROTO_FD_FEED]);
	writer.wake = self.fd[PROTO_FD_WAKE];
	writer.head = atomic_load(&writer.ring->head);
	return 0;
}

/* --- the beginning --- */

int
tap_open(struct tap *t, enum feed_section kind, bool hidden)
{
	const struct sess *s = t->filt.sess;
	struct feed_open *o = &t->open;

	if (nfree == 0 && grow() == -1)
		return -1;
	t->number = numbers[--nfree];
	o->kind = kind;
	o->section = t->filt.section->conf.index;
	o->listener = (uint32_t)(s->path->listen - self.conf->listens);
	o->hidden = hidden;
	o->session = s->id;
	o->client = s->source;
	source_of(&o->here, s->client.io.fd, false);
	source_of(&o->local, s->remote.io.fd, false);
	source_of(&o->there, s->remote.io.fd, true);
	greet(t, now_us());
	return 1;
}

static int
grow(void)
{
	const size_t n = nnumbers == 0 ? 64 : 2 * nnumbers;
	uint32_t *p = realloc(numbers, n * sizeof(*p));

	if (p == NULL)
		return -1;
	numbers = p;
	while (nnumbers < n)
		numbers[nfree++] = (uint32_t)nnumbers++;
	return 0;
}

static void
source_of(struct source *to, int fd, bool peer)
{
	struct addr a = { .len = sizeof(a.un) };

	if ((peer ? getpeername(fd, &a.sa, &a.len) :
	    getsockname(fd, &a.sa, &a.len)) == 0)
		source_set(to, &a.sa);
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* --- what flows --- */

enum verdict
tap_data(struct tap *t, const struct tap_how *how, struct end *from,
    struct queue **in, struct queue **out, enum flow flow)
{
	const unsigned way = filt_way(from);
	size_t n, told;

	while ((n = MIN(queue_len(*in), filt_room(&t->filt, *out))) > 0) {
		told = filt_is_way(how->way, from) ?
		    tell(t, how, way, *in, n) : n;
		if (queue_move(in, out, told) == -1)
			return FILTER_NOMEM;
		if (told < n)
			break;
	}
	if (*in == NULL && flow != FLOW_ON && filt_is_way(how->way, from))
		tell_end(t, way, flow);
	return FILTER_GO;
}

/* Of so many bytes, those that are no longer to be told. */
static size_t
tell(struct tap *t, const struct tap_how *how, unsigned way,
    const struct queue *q, size_t n)
{
	struct iovec iov[QUEUE_IOV];
	const int places = queue_look(q, iov);
	size_t all = 0, len, told;
	int i;

	for (i = 0; i < places && all < n; i++) {
		len = MIN(n - all, iov[i].iov_len);
		told = tell_chunk(t, how, way, iov[i].iov_base, len);
		all += told;
		if (told < len)
			return all;
	}
	return all;
}

/* In pieces of about the same size. */
static size_t
tell_chunk(struct tap *t, const struct tap_how *how, unsigned way,
    const unsigned char *p, size_t len)
{
	const size_t pieces = (len + FEED_MOST - 1) / FEED_MOST;
	const size_t size = (len + pieces - 1) / pieces;
	size_t at, n;

	for (at = 0; at < len; at += n) {
		n = MIN(size, len - at);
		if (!how->off && tell_piece(t, how, way, p + at, n))
			continue;
		if (!how->off && waits(t, how))
			break;
		t->lost[way] += n;
		t->open.passed[way] += n;
	}
	return at;
}

static bool
tell_piece(struct tap *t, const struct tap_how *how, unsigned way,
    const unsigned char *p, size_t len)
{
	struct feed_item i = { .kind = FEED_DATA, .remote = (uint8_t)way,
		.tap = t->number, .kept = (uint32_t)len, .n = len };

	if (t->open.hidden)
		i.kept = 0;
	else if (how->snap != 0)
		i.kept = (uint32_t)MIN(how->snap, len);
	if (how->limit != 0)
		i.kept = (uint32_t)MIN(i.kept, how->limit -
		    MIN(how->limit, t->open.passed[way]));
	if (feed_room(&writer) < i.kept || !ready(t, way))
		return false;
	i.us = now_us();
	if (!feed_begin(&writer, &i))
		return false;
	feed_add(&writer, p, i.kept);
	feed_tell(&writer);
	t->open.passed[way] += len;
	return true;
}

/* The recorder knows of the session, and of what it has missed. */
static bool
ready(struct tap *t, unsigned way)
{
	if (!greet(t, now_us()))
		return false;
	if (t->lost[way] == 0)
		return true;
	if (!item(t, FEED_LOST, way, t->lost[way]))
		return false;
	t->lost[way] = 0;
	return true;
}

static bool
greet(struct tap *t, uint64_t us)
{
	const uint32_t now = feed_readers(&writer) + 1;
	struct feed_item i = { .kind = FEED_OPEN, .tap = t->number,
		.kept = sizeof(t->open), .us = us };
	struct feed_open o = t->open;

	if (t->told == now)
		return true;
	o.passed[0] -= t->lost[0];
	o.passed[1] -= t->lost[1];
	if (!feed_begin(&writer, &i))
		return false;
	feed_add(&writer, &o, sizeof(o));
	feed_tell(&writer);
	t->told = now;
	return true;
}

static bool
item(struct tap *t, enum feed_kind kind, unsigned way, uint64_t n)
{
	struct feed_item i = { .kind = (uint8_t)kind, .remote = (uint8_t)way,
		.tap = t->number, .n = n, .us = now_us() };

	if (!feed_begin(&writer, &i))
		return false;
	feed_tell(&writer);
	return true;
}

/* Whether the session is to wait for room: not for who takes nothing. */
static bool
waits(struct tap *t, const struct tap_how *how)
{
	static uint64_t progress, since;
	const uint64_t now = feed_progress(&writer);

	if (!how->wait)
		return false;
	if (progress != now || since == 0) {
		progress = now;
		since = ev_now();
	}
	if (ev_now() - since > WAIT_MOST)
		return false;
	filt_wake(&t->filt, ev_now() + WAIT_AGAIN);
	return true;
}

/* --- the end --- */

static void
tell_end(struct tap *t, unsigned way, enum flow flow)
{
	bool *done = flow == FLOW_LAST ? &t->ended[way] : &t->reset[way];

	if (!*done && ready(t, way))
		*done = item(t, flow == FLOW_LAST ? FEED_FIN : FEED_RESET, way,
		    0);
}

/* One that finds no room leaves its number to the next, by which the recorder
 * knows that it is over. */
void
tap_close(struct filt *f)
{
	struct tap *t = container_of(f, struct tap, filt);
	struct feed_item i = { .kind = FEED_CLOSE, .tap = t->number,
		.us = now_us() };
	char why[WORDS];

	i.kept = (uint32_t)snprintf(why, sizeof(why), "end=%s why=%s",
	    why_who(f->sess->who), why_name(f->sess->why));
	if (ready(t, 0) && ready(t, 1) && feed_begin(&writer, &i)) {
		feed_add(&writer, why, i.kept);
		feed_tell(&writer);
	}
	numbers[nfree++] = t->number;
}
