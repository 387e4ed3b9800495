#include "compat.h"

#include <sys/mman.h>

#include "buckets.h"
#include "shm.h"

#define SECOND		UINT64_C(1000000000)	/* ns */
#define MS		UINT64_C(1000000)
#define SLOTS		8192	/* a power of two */
#define PROBES		16	/* of them looked at for a key */
#define SLICES		50	/* of what flows in a second, one at a time */
#define LINE		(100 * MS) /* longer, and slices get smaller */
#define LATE		(50 * MS) /* nothing is lost by being so late */
#define FAR		(10 * SECOND) /* a line that is longer is none */

struct buckets_mem {
	struct siphash_key	 hash;
	struct bucket		 slots[SLOTS];
};

static uint64_t	 time_of(const struct conf_rate *, uint64_t);
static size_t	 bytes_in(const struct conf_rate *, uint64_t, size_t);
static size_t	 slice_of(const struct conf_rate *, size_t, uint64_t);
static struct bucket *slot_at(struct buckets *, uint64_t, unsigned);
static bool	 slot_is_free(const struct bucket *, uint64_t);

bool
buckets_wanted(const struct conf *c)
{
	unsigned i;

	for (i = 0; i < c->nrates; i++)
		if (c->rates[i].per != CONF_PER_SESSION)
			return true;
	return false;
}

int
buckets_create(void)
{
	int fd = shm_create("spawnd-buckets", sizeof(struct buckets_mem));
	struct siphash_key hash;
	int saved;

	if (fd == -1)
		return -1;
	siphash_key(&hash);
	if (pwrite(fd, &hash, sizeof(hash), 0) == sizeof(hash) &&
	    shm_seal_size(fd) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
buckets_attach(struct buckets *b, int fd)
{
	void *mem = mmap(NULL, sizeof(struct buckets_mem),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -1;
	b->mem = mem;
	b->hash = b->mem->hash;
	return 0;
}

uint64_t
buckets_key(const struct buckets *b, const void *what, size_t len)
{
	const uint64_t key = siphash(&b->hash, what, len);

	return key != 0 ? key : 1;
}

static struct bucket *
slot_at(struct buckets *b, uint64_t key, unsigned i)
{
	return &b->mem->slots[(key + i) % SLOTS];
}

static bool
slot_is_free(const struct bucket *b, uint64_t now)
{
	return atomic_load(&b->key) == 0 ||
	    atomic_load(&b->due) + MIN(atomic_load(&b->idle), now) < now;
}

/* Two who look for the same one at a time come to the same place. */
struct bucket *
buckets_find(struct buckets *b, uint64_t key, const struct conf_rate *c,
    uint64_t now)
{
	struct bucket *slot;
	uint64_t had;
	unsigned i;

	for (i = 0; i < PROBES; i++)
		if (atomic_load(&(slot = slot_at(b, key, i))->key) == key)
			return slot;
	for (i = 0; i < PROBES; i++) {
		slot = slot_at(b, key, i);
		had = atomic_load(&slot->key);
		if (!slot_is_free(slot, now))
			continue;
		if (!atomic_compare_exchange_strong(&slot->key, &had, key) &&
		    had != key)
			continue;
		atomic_store(&slot->idle, time_of(c, c->burst));
		return slot;
	}
	return NULL;
}

/* How long so many bytes take. */
static uint64_t
time_of(const struct conf_rate *c, uint64_t bytes)
{
	return (bytes * SECOND + c->bytes - 1) / c->bytes;
}

/* How many flow in that time, at most. */
static size_t
bytes_in(const struct conf_rate *c, uint64_t ns, size_t most)
{
	return ns >= time_of(c, most) ? most :
	    (size_t)(ns * c->bytes / SECOND);
}

/* What is worth a read; in a long line everybody gets less, and sooner. */
static size_t
slice_of(const struct conf_rate *c, size_t want, uint64_t line)
{
	uint64_t n = MIN(c->bytes / SLICES, MAX(c->burst / 2, 1));

	if (line > LINE)
		n = n * (LINE / MS) / (line / MS);
	return (size_t)MIN(want, MAX(n, 1));
}

size_t
bucket_claim(struct bucket *b, const struct conf_rate *c, size_t want,
    bool late, uint64_t now, uint64_t *at)
{
	uint64_t spare = MAX(time_of(c, c->burst), late ? LATE : 0);
	uint64_t due = atomic_load(&b->due), start;
	size_t n;

	want = (size_t)MIN(want, UINT32_MAX / 4);
	do {
		start = due > now + FAR ? now :
		    MAX(due, now - MIN(now, spare));
		n = start < now ? bytes_in(c, now - start, want) : 0;
		if (n == 0 || (late && n < slice_of(c, want, 0)))
			n = slice_of(c, want, start < now ? 0 : start - now);
		*at = start + time_of(c, n);
	} while (!atomic_compare_exchange_weak(&b->due, &due, *at));
	return n;
}

void
bucket_return(struct bucket *b, const struct conf_rate *c, size_t n)
{
	atomic_fetch_sub(&b->due, time_of(c, n));
}
