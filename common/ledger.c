#include "compat.h"

#include <sys/mman.h>

#include <time.h>

#include "ledger.h"
#include "log.h"
#include "shm.h"
#include "utf8.h"

#define TRIES	100		/* to read what is being written */

static int64_t	 ledger_now(void);
static void	 ledger_text(char *, size_t, const char *);
static void	 ledger_begin(board_u64 *);
static void	 ledger_done(board_u64 *);
static bool	 ledger_read(const board_u64 *, const void *, void *, size_t);

static struct ledger	 own;
struct ledger		*ledger = &own;

int
ledger_create(void)
{
	const int fd = shm_create("spawnd-ledger", sizeof(*ledger));

	if (fd == -1)
		return -1;
	if (ledger_reopen(fd) == -1) {
		close(fd);
		return -1;
	}
	shm_seal_size(fd);
	return fd;
}

int
ledger_reopen(int fd)
{
	struct ledger *mem = mmap(NULL, sizeof(*mem), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -1;
	ledger = mem;
	return 0;
}

void
ledger_add_event(int level, const char *who, const char *text)
{
	const uint64_t n = board_get(&ledger->nevents);
	struct ledger_event *e = &ledger->events[n % LEDGER_EVENTS];
	board_u64 *lock = &ledger->locks[n % LEDGER_EVENTS];
	const char *name = log_level_name(level);

	/* It need not be said twice. */
	if (strncmp(text, name, strlen(name)) == 0 &&
	    strncmp(text + strlen(name), ": ", 2) == 0)
		text += strlen(name) + 2;
	ledger_begin(lock);
	e->at = ledger_now();
	e->level = (uint32_t)level;
	ledger_text(e->who, sizeof(e->who), who);
	ledger_text(e->text, sizeof(e->text), text);
	ledger_done(lock);
	board_add(&ledger->nevents, 1);
}

void
ledger_set_reload(const char *why)
{
	struct ledger_state *r = &ledger->reload;

	ledger_begin(&ledger->reload_lock);
	r->state = why == NULL ? LEDGER_OK : LEDGER_FAILED;
	r->at = ledger_now();
	ledger_text(r->why, sizeof(r->why), why != NULL ? why : "");
	ledger_done(&ledger->reload_lock);
	board_add(&ledger->reloads[why != NULL], 1);
	if (why == NULL)
		atomic_store(&ledger->config_at, (uint64_t)r->at / 1000);
}

static int64_t
ledger_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
ledger_text(char *to, size_t size, const char *text)
{
	strlcpy(to, text, size);
	utf8_clean(to, strlen(to));
}

/* Odd while it is written, another number when it has been. */
static void
ledger_begin(board_u64 *lock)
{
	board_add(lock, 1);
	atomic_thread_fence(memory_order_release);
}

static void
ledger_done(board_u64 *lock)
{
	board_add(lock, 1);
}

/* One writer, who never waits: a reader looks again. */
static bool
ledger_read(const board_u64 *lock, const void *from, void *to, size_t size)
{
	uint64_t before;
	int i;

	for (i = 0; i < TRIES; i++) {
		before = board_get(lock);
		memcpy(to, from, size);
		atomic_thread_fence(memory_order_acquire);
		if (before % 2 == 0 && board_get(lock) == before)
			return true;
	}
	return false;
}

bool
ledger_event(const struct ledger *l, uint64_t i, struct ledger_event *e)
{
	const uint64_t n = board_get(&l->nevents);

	if (i >= n || n - i > LEDGER_EVENTS ||
	    !ledger_read(&l->locks[i % LEDGER_EVENTS],
	    &l->events[i % LEDGER_EVENTS], e, sizeof(*e)) ||
	    board_get(&l->nevents) - i > LEDGER_EVENTS)
		return false;
	e->who[sizeof(e->who) - 1] = '\0';
	e->text[sizeof(e->text) - 1] = '\0';
	return true;
}

void
ledger_reload(const struct ledger *l, struct ledger_state *r)
{
	if (!ledger_read(&l->reload_lock, &l->reload, r, sizeof(*r)))
		memset(r, 0, sizeof(*r));
	r->why[sizeof(r->why) - 1] = '\0';
}
