#include "compat.h"

#include <sys/mman.h>

#include "board.h"
#include "shm.h"

static void	 board_layout(struct board *, const struct conf *);
static size_t	 pages(size_t);
static void	*board_map(int, size_t, size_t, int);

static size_t
pages(size_t need)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (need + page - 1) / page * page;
}

static void
board_layout(struct board *b, const struct conf *conf)
{
	memset(b, 0, sizeof(*b));
	b->fd = b->ro = -1;
	b->nplaces = conf_first_place(conf, conf->nrelays);
	b->head_size = pages(sizeof(struct board_head));
	b->told_size = pages(sizeof(struct board_told) +
	    b->nplaces * sizeof(struct board_other));
	b->nseats = conf_counts(conf) ? conf->users_max : 0;
	b->nfilters = conf_nfilters(conf);
	b->filters_at = sizeof(struct board_worker) +
	    b->nplaces * sizeof(struct board_place);
	b->ncerts = conf_first_cert(conf, conf->nlistens);
	b->certs_at = b->filters_at +
	    b->nfilters * sizeof(struct board_filter);
	b->nlisteners = conf->nlistens;
	b->listeners_at = b->certs_at + b->ncerts * sizeof(struct board_cert);
	b->listeners_more_at = b->listeners_at +
	    b->nlisteners * sizeof(struct board_listener);
	b->places_more_at = b->listeners_more_at +
	    b->nlisteners * sizeof(struct board_listener_more);
	b->ended_at = b->places_more_at +
	    b->nplaces * sizeof(struct board_place_more);
	b->slot_size = pages(b->ended_at + b->nseats * sizeof(board_u32));
}

/* NULL with errno. */
static void *
board_map(int fd, size_t off, size_t size, int how)
{
	void *mem = mmap(NULL, size, how, MAP_SHARED, fd, (off_t)off);

	if (mem == MAP_FAILED)
		return NULL;
	return mem;
}

int
board_create(struct board *b, const struct conf *conf)
{
	int fd, saved;

	board_layout(b, conf);
	if ((fd = shm_create("spawnd-board", b->head_size +
	    BOARD_SLOTS * b->told_size)) == -1)
		return -1;
	if (shm_seal_size(fd) == -1 || board_reopen(b, fd, conf) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	atomic_store(&b->head->nseats, b->nseats);
	atomic_store(&b->head->ended_at, (uint32_t)b->ended_at);
	return 0;
}

int
board_reopen(struct board *b, int fd, const struct conf *conf)
{
	unsigned i;

	board_layout(b, conf);
	b->size = b->head_size + BOARD_SLOTS * b->told_size;
	if ((b->slots = calloc(BOARD_SLOTS, sizeof(*b->slots))) == NULL)
		return -1;
	for (i = 0; i < BOARD_SLOTS; i++)
		b->slots[i].fd = -1;
	if ((b->ro = shm_read_only(fd)) == -1 || (b->head = board_map(fd, 0,
	    b->size, PROT_READ | PROT_WRITE)) == NULL) {
		board_close(b);
		return -1;
	}
	b->fd = fd;
	return 0;
}

int
board_attach(struct board *b, int fd, int own, const struct conf *conf,
    unsigned slot)
{
	board_layout(b, conf);
	b->size = b->head_size;
	b->head = board_map(fd, 0, b->size, PROT_READ);
	b->told = board_map(fd, b->head_size + slot * b->told_size,
	    b->told_size, PROT_READ);
	b->own = board_map(own, 0, b->slot_size, PROT_READ | PROT_WRITE);
	if (b->head == NULL || b->told == NULL || b->own == NULL)
		return -1;
	close(fd);
	close(own);
	return 0;
}

void
board_close(struct board *b)
{
	unsigned i;

	for (i = 0; b->slots != NULL && i < BOARD_SLOTS; i++)
		board_slot_free(b, i);
	free(b->slots);
	b->slots = NULL;
	if (b->head != NULL)
		munmap(b->head, b->size);
	b->head = NULL;
	if (b->ro != -1)
		close(b->ro);
	if (b->fd != -1)
		close(b->fd);
	b->ro = b->fd = -1;
}

int
board_slot_make(struct board *b, unsigned slot)
{
	int fd, saved;

	if ((fd = shm_create("spawnd-slot", b->slot_size)) == -1)
		return -1;
	if (shm_seal_size(fd) == -1 || board_slot_reopen(b, slot, fd) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return 0;
}

int
board_slot_reopen(struct board *b, unsigned slot, int fd)
{
	struct board_slot *s = &b->slots[slot];

	if ((s->mem = board_map(fd, 0, b->slot_size, PROT_READ |
	    PROT_WRITE)) == NULL)
		return -1;
	s->fd = fd;
	return 0;
}

void
board_slot_free(struct board *b, unsigned slot)
{
	struct board_slot *s = &b->slots[slot];

	if (s->fd == -1)
		return;
	munmap(s->mem, b->slot_size);
	close(s->fd);
	s->mem = NULL;
	s->fd = -1;
}

struct board_told *
board_told(const struct board *b, unsigned slot)
{
	return (void *)((char *)b->head + b->head_size + slot * b->told_size);
}

void
board_done(const struct board *b, const struct board_worker *w,
    struct board_done *done)
{
	const struct board_listener *l = board_listener(b, w, 0);
	const struct board_listener *end = l + b->nlisteners;

	done->failed = 0;
	done->bytes_in = board_get(&w->bytes_in);
	done->bytes_out = board_get(&w->bytes_out);
	for (; l < end; l++) {
		done->failed += board_get(&l->failed);
		done->bytes_in += board_get(&l->bytes_in);
		done->bytes_out += board_get(&l->bytes_out);
	}
}

/* What is read may be overwritten meanwhile, which the second look at n
 * tells. */
int64_t
board_news_next(const struct board_news *b, uint64_t *pos)
{
	uint64_t n = board_get(&b->n), at = *pos;
	uint32_t which;

	if (n == at)
		return BOARD_NONE;
	*pos = n;
	if (n - at > BOARD_NEWS)
		return BOARD_ALL;
	which = atomic_load_explicit(&b->which[at % BOARD_NEWS],
	    memory_order_acquire);
	if (board_get(&b->n) - at >= BOARD_NEWS)
		return BOARD_ALL;
	*pos = at + 1;
	return which;
}
