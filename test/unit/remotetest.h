/*
 * remotetest.h - remotes of a worker for a test: the clock and the sessions are
 * the test's own; the board is a real one.
 */
#ifndef REMOTETEST_H
#define REMOTETEST_H

#include "evtest.h"

#include "log.h"

#include "../../relay/remote/remotes.h"
#include "../../relay/remote/standing.h"
#include "../../relay/remote/wait.h"
#include "../../relay/self.h"
#include "../../relay/session.h"

#define REMOTES		5
#define MOST		40

struct self self;

static uint64_t			 now = 1000000;
static struct conf_remote	 remotes[MOST], other;
static struct addr		 addr;
static struct conf_relay	 relays[2];
static struct conf		 conf;
static struct remotes		*pool;
static struct remote		*a, *b, *c;
static struct ev_task		*deferred;
static struct sess		*resumed[MOST];
static unsigned			 nresumed;

uint64_t
ev_now(void)
{
	return now;
}

/* What is deferred is for the test to do. */
void
ev_defer(struct ev_task *task, void (*cb)(struct ev_task *))
{
	task->cb = cb;
	deferred = task;
}

void
ev_timer_set(struct ev_timer *t, uint64_t delay_ms)
{
	t->at = now + delay_ms;
	t->slot = 1;
}

bool
ev_timer_on(const struct ev_timer *t)
{
	return t->slot != 0;
}

struct extra *
sess_extra(struct sess *s)
{
	return s->extra;
}

void
sess_resume(struct sess *s)
{
	resumed[nresumed++ % MOST] = s;
}

static inline void
remotes_free(struct remotes *rs)
{
	free(rs->table.places);
	free(rs->locals);
	free(rs->by_turn.items);
	free(rs->by_load.items);
	free(rs->held.items);
	free(rs->probed.items);
	free(rs->backups.items);
	free(rs->last.items);
}

static inline void
pools_free(void)
{
	struct remote *r = self.remotes[0].all;
	unsigned i;

	for (i = 0; i < self.board.nplaces; i++, r++)
		if (r->addrs != NULL) {
			standing_left(r);
			free(r->addrs);
		}
	for (i = 0; i < conf.nrelays; i++)
		remotes_free(&self.remotes[i]);
	free(self.remotes[0].all);
	free(self.remotes);
	self.remotes = NULL;
}

static inline void
pools_make(enum conf_balance balance, unsigned n)
{
	if (self.remotes != NULL)
		pools_free();
	relays[1].balance = balance;
	relays[1].nremotes = n;
	assert_int_equal(remotes_start(), 0);
	pool = &self.remotes[1];
	a = &pool->all[0];
	b = &pool->all[1];
	c = &pool->all[2];
}

/* The relay of the tests is the second one, in slot 1 of the board. */
static inline int
setup(void **state)
{
	unsigned i;

	(void)state;
	memset(relays, 0, sizeof(relays));
	for (i = 0; i < MOST; i++) {
		snprintf(remotes[i].name, sizeof(remotes[i].name), "%c",
		    'a' + (int)i);
		remotes[i].weight = 1;
		remotes[i].addr = &addr;
		remotes[i].naddr = 1;
	}
	other.weight = 1;
	other.addr = &addr;
	other.naddr = 1;
	relays[0].remotes = &other;
	relays[0].nremotes = 1;
	relays[1].remotes = remotes;
	relays[1].nremotes = MOST;
	conf.relays = relays;
	conf.nrelays = 2;
	self.conf = &conf;
	self.slot = 1;
	log_init(-1);
	log_set_level(LOG_ERR);
	if (board_create(&self.board, &conf) == -1 ||
	    board_slot_make(&self.board, self.slot) == -1)
		return -1;
	self.board.own = board_slot(&self.board, self.slot);
	self.board.told = board_told(&self.board, self.slot);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	pools_free();
	board_close(&self.board);
	return 0;
}

static inline uint32_t
active(const struct remote *u)
{
	return atomic_load(&u->board->active);
}

/* A session that nobody remembers. */
static inline struct remote *
pick(void)
{
	static const struct sess anybody;

	return remote_pick(pool, &anybody);
}

/* A connect to u has failed. */
static inline void
refuse(struct remote *u)
{
	remote_failed(u, ECONNREFUSED, "refused");
}

/* What is told of other workers. */
static inline struct board_other *
told(const struct remote *u)
{
	return &self.board.told->places[u - self.remotes[0].all];
}

static inline void
tell(const struct remote *u)
{
	board_news_add(&self.board.told->news,
	    (unsigned)(u - self.remotes[0].all));
}

/* Other workers have so many at u. */
static inline void
load_elsewhere(const struct remote *u, unsigned n)
{
	atomic_store(&told(u)->sessions, n);
	tell(u);
}

/* The master gives n leases of u. */
static inline void
lend(const struct remote *u, unsigned n)
{
	atomic_fetch_add(&told(u)->leases, n);
}

/* Another worker has found that u does not answer. */
static inline void
fail_elsewhere(const struct remote *u, unsigned fails)
{
	atomic_store(&told(u)->outcome, now << 8 | fails);
	tell(u);
}

static inline bool
is_held(const struct remote *u)
{
	return (board_get(&u->board->outcome) & 0xff) != 0;
}

/* Makes every other remote look busy. */
static inline void
load_all_but(struct remote *free_one)
{
	unsigned i;

	for (i = 0; i < pool->n; i++)
		if (&pool->all[i] != free_one)
			load_elsewhere(&pool->all[i], 1000000);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
