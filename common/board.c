#include "compat.h"

#include <sys/mman.h>

#include "board.h"
#include "shm.h"

static void	board_layout(struct board *, const struct conf *);
static size_t	board_page(void);

static size_t
board_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void
board_layout(struct board *b, const struct conf *conf)
{
	size_t page = board_page(), need;

	b->nremotes = board_first_remote(conf, conf->nrelays);
	need = sizeof(struct board_worker) +
	    b->nremotes * sizeof(struct board_remote);
	b->slot_size = (need + page - 1) / page * page;
	b->size = page + BOARD_SLOTS * b->slot_size;
	b->own = NULL;
}

unsigned
board_first_remote(const struct conf *conf, unsigned relay)
{
	unsigned i, n = 0;

	for (i = 0; i < relay; i++)
		n += conf->relays[i].nremotes;
	return n;
}

int
board_create(struct board *b, const struct conf *conf)
{
	int fd, saved;

	board_layout(b, conf);
	if ((fd = shm_create("spawnd-board", b->size)) == -1)
		return -1;
	if (board_reopen(b, fd, conf) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return 0;
}

int
board_reopen(struct board *b, int fd, const struct conf *conf)
{
	void *mem;

	board_layout(b, conf);
	mem = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -1;
	b->fd = fd;
	b->mem = mem;
	b->head = mem;
	return 0;
}

int
board_attach(struct board *b, int fd, const struct conf *conf, unsigned slot)
{
	size_t off;
	void *mem;

	board_layout(b, conf);
	b->fd = fd;
	off = board_page() + slot * b->slot_size;
	mem = mmap(NULL, b->size, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -1;
	b->mem = mem;
	b->head = mem;
	mem = mmap(NULL, b->slot_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    (off_t)off);
	if (mem == MAP_FAILED)
		return -1;
	b->own = mem;
	return 0;
}

void
board_close(struct board *b)
{
	if (b->mem == NULL)
		return;
	munmap(b->mem, b->size);
	close(b->fd);
	b->mem = NULL;
	b->head = NULL;
	b->fd = -1;
}

struct board_worker *
board_slot(const struct board *b, unsigned slot)
{
	return (void *)(b->mem + board_page() + slot * b->slot_size);
}

void
board_clear(struct board *b, unsigned slot)
{
	memset(board_slot(b, slot), 0, sizeof(struct board_worker) +
	    b->nremotes * sizeof(struct board_remote));
}
