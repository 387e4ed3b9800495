#include "compat.h"

#include <sys/mman.h>

#include "feed.h"
#include "shm.h"

_Static_assert(offsetof(struct feed_ring, bytes) == 4096, "a page before it");
_Static_assert(sizeof(struct feed_item) % 8 == 0, "items are not aligned");
_Static_assert(sizeof(struct feed_open) % 8 == 0, "an item is not aligned");

static size_t	 whole(const struct feed_item *);
static size_t	 used(const struct feed_writer *);
static void	 ring_out(const struct feed_reader *, uint64_t, void *, size_t);
static void	 wake(int);

/* --- the worker --- */

static size_t
whole(const struct feed_item *i)
{
	return (sizeof(*i) + i->kept + 7) & ~(size_t)7;
}

/* What a recorder says that is not to be believed is no room. */
static size_t
used(const struct feed_writer *w)
{
	uint64_t n = w->head - atomic_load_explicit(&w->ring->tail,
	    memory_order_acquire);

	return n > FEED_ROOM ? FEED_ROOM : (size_t)n;
}

size_t
feed_room(const struct feed_writer *w)
{
	const size_t taken = used(w) + FEED_RESERVE +
	    sizeof(struct feed_item) + 8;

	return taken >= FEED_ROOM ? 0 : MIN(FEED_ROOM - taken, FEED_MOST);
}

bool
feed_begin(struct feed_writer *w, struct feed_item *i)
{
	const size_t reserve = i->kind == FEED_DATA ? FEED_RESERVE : 0;

	i->size = (uint32_t)whole(i);
	if (used(w) + reserve + i->size > FEED_ROOM)
		return false;
	feed_add(w, i, sizeof(*i));
	return true;
}

void
feed_add(struct feed_writer *w, const void *buf, size_t len)
{
	const size_t at = w->head % FEED_ROOM;
	const size_t n = MIN(len, FEED_ROOM - at);

	memcpy(w->ring->bytes + at, buf, n);
	memcpy(w->ring->bytes, (const char *)buf + n, len - n);
	w->head += len;
}

/* One who goes to sleep looks once more behind it, and so do we. */
void
feed_tell(struct feed_writer *w)
{
	w->head = (w->head + 7) & ~(uint64_t)7;
	atomic_store(&w->ring->head, w->head);
	if (atomic_load(&w->ring->asleep) == 0)
		return;
	atomic_store_explicit(&w->ring->asleep, 0, memory_order_relaxed);
	wake(w->wake);
}

/* If there is no room for it, there is something to be read already. */
static void
wake(int fd)
{
	send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

uint64_t
feed_progress(const struct feed_writer *w)
{
	return atomic_load_explicit(&w->ring->tail, memory_order_relaxed);
}

uint32_t
feed_readers(const struct feed_writer *w)
{
	return atomic_load_explicit(&w->ring->readers, memory_order_relaxed);
}

/* --- the recorder --- */

void
feed_attach(struct feed_reader *r)
{
	struct feed_ring *ring = r->ring;
	const uint64_t head = atomic_load(&ring->head);

	r->tail = atomic_load(&ring->tail);
	if (head - r->tail > FEED_ROOM || r->tail % 8 != 0)
		r->tail = head & ~(uint64_t)7;
	atomic_store(&ring->tail, r->tail);
	atomic_fetch_add(&ring->readers, 1);
}

int
feed_next(struct feed_reader *r, struct feed_item *i)
{
	const uint64_t there = atomic_load_explicit(&r->ring->head,
	    memory_order_acquire) - r->tail;

	if (there == 0)
		return 0;
	if (there > FEED_ROOM || there < sizeof(*i))
		return -1;
	ring_out(r, r->tail, i, sizeof(*i));
	if (i->kept > FEED_MOST || i->size != whole(i) || i->size > there ||
	    i->kind == 0 || i->kind >= FEED_KINDS || i->remote > 1 ||
	    (i->kind == FEED_DATA && (i->n > FEED_MOST || i->kept > i->n)) ||
	    (i->kind == FEED_OPEN && i->kept != sizeof(struct feed_open)))
		return -1;
	return 1;
}

void
feed_copy(const struct feed_reader *r, size_t off, void *buf, size_t len)
{
	ring_out(r, r->tail + sizeof(struct feed_item) + off, buf, len);
}

static void
ring_out(const struct feed_reader *r, uint64_t from, void *buf, size_t len)
{
	const size_t at = from % FEED_ROOM;
	const size_t n = MIN(len, FEED_ROOM - at);

	memcpy(buf, r->ring->bytes + at, n);
	memcpy((char *)buf + n, r->ring->bytes, len - n);
}

void
feed_taken(struct feed_reader *r, const struct feed_item *i)
{
	r->tail += i->size;
	atomic_store_explicit(&r->ring->tail, r->tail, memory_order_release);
}

bool
feed_sleep(struct feed_reader *r)
{
	atomic_store(&r->ring->asleep, 1);
	return atomic_load(&r->ring->head) == r->tail;
}

/* --- all three --- */

struct feed_ring *
feed_map(int fd)
{
	void *p = mmap(NULL, sizeof(struct feed_ring), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	shm_no_core(p, sizeof(struct feed_ring));
	return p;
}

void
feed_unmap(struct feed_ring **ring)
{
	if (*ring != NULL)
		munmap(*ring, sizeof(**ring));
	*ring = NULL;
}

int
feed_create(void)
{
	int fd = shm_create("spawnd-feed", sizeof(struct feed_ring));
	int saved;

	if (fd != -1 && shm_seal_size(fd) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}
