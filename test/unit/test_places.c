/*
 * test_places.c - what the checker and the operator say of places, and what a
 * worker makes of it at the next choice. A checker of the test's own writes.
 */
#include "remotetest.h"

#include <arpa/inet.h>

#include "../../relay/remote/lease.h"

#define ROOM	16		/* places of a remote that is looked up */

static int
places_teardown(void **state)
{
	targets_close(&self.targets);
	relays[1].resolve = 0;
	return teardown(state);
}

/* n remotes of a place each, or of ROOM if they are looked up. */
static void
places_make(enum conf_balance balance, unsigned n, bool looked_up)
{
	unsigned i;

	relays[1].resolve = looked_up ? 1000 : 0;
	relays[1].nremotes = n;
	for (i = 0; i < n; i++)
		relays[1].remotes[i].address = "a.test";
	board_close(&self.board);
	assert_int_equal(board_create(&self.board, &conf), 0);
	assert_int_equal(board_slot_make(&self.board, self.slot), 0);
	self.board.own = board_slot(&self.board, self.slot);
	self.board.told = board_told(&self.board, self.slot);
	assert_int_equal(targets_create(&self.targets, &conf), 0);
	pools_make(balance, n);
}

static unsigned
index_of(const struct remote *r)
{
	return (unsigned)(r - self.remotes[0].all);
}

static struct target
known(const struct remote *r)
{
	struct target t;

	assert_true(target_get(&self.targets, index_of(r), &t));
	return t;
}

static void
check(const struct remote *r, enum target_state state)
{
	struct target t = known(r);

	t.state = (uint8_t)state;
	target_set(&self.targets, index_of(r), &t);
}

static void
appear(const struct remote *r, const char *ip)
{
	struct target t = known(r);
	struct addr at = { .in.sin_family = AF_INET };

	if (inet_pton(AF_INET, ip, &at.in.sin_addr) != 1) {
		at.in6.sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, ip, &at.in6.sin6_addr), 1);
	}
	addr_set_port(&at, 80);
	source_set(&t.addr, &at.sa);
	t.present = 1;
	target_set(&self.targets, index_of(r), &t);
}

static void
vanish(const struct remote *r)
{
	struct target t = known(r);

	t.present = 0;
	target_set(&self.targets, index_of(r), &t);
}

static void
operate(const struct remote *r, uint32_t admin)
{
	atomic_store(&told(r)->admin, admin);
	tell(r);
}

#define STATE(state)	BOARD_ADMIN(STATE_ ## state, 0)
#define WEIGHT(n)	BOARD_ADMIN(BOARD_ADMIN_NONE, n)

/* How many of n picks each of the first three gets. */
static void
share(unsigned n, unsigned count[3])
{
	memset(count, 0, 3 * sizeof(*count));
	while (n-- > 0)
		count[pick() - pool->all]++;
}

static void
test_down_is_left_out(void **state)
{
	unsigned n[3];

	(void)state;
	places_make(BALANCE_ROUNDROBIN, 3, false);
	check(b, TARGET_DOWN);
	share(10, n);
	assert_int_equal(n[0], 5);
	assert_int_equal(n[1], 0);
	check(b, TARGET_UP);
	share(9, n);
	assert_true(n[1] >= 3);
}

/* Held, then down, then drained; disabled never. */
static void
test_the_least_bad(void **state)
{
	(void)state;
	places_make(BALANCE_LEASTCONN, 3, false);
	check(a, TARGET_DOWN);
	operate(b, STATE(DRAIN));
	refuse(c);
	assert_ptr_equal(pick(), c);
	operate(c, STATE(DISABLED));
	assert_ptr_equal(pick(), a);
	operate(a, STATE(DISABLED));
	assert_ptr_equal(pick(), b);
	operate(b, STATE(DISABLED));
	assert_null(pick());
	operate(b, STATE(ENABLED));
	assert_ptr_equal(pick(), b);
	operate(c, 0);
	assert_ptr_equal(pick(), b);
}

/* Also one that is alone, which is not chosen at all. */
static void
test_alone(void **state)
{
	static const struct sess s;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 1);
	assert_true(pool->single);
	operate(a, STATE(DRAIN));
	assert_ptr_equal(remote_pick(pool, &s), a);
	operate(a, STATE(DISABLED));
	assert_null(remote_pick(pool, &s));
	operate(a, STATE(ENABLED));
	assert_ptr_equal(remote_pick(pool, &s), a);
	remotes[0].state = STATE_DISABLED;
	operate(a, 0);
	pools_make(BALANCE_LEASTCONN, 1);
	assert_null(remote_pick(pool, &s));
	remotes[0].state = STATE_ENABLED;
}

static void
test_weight(void **state)
{
	static const enum conf_balance balances[] = { BALANCE_LEASTCONN,
		BALANCE_ROUNDROBIN, BALANCE_RANDOM };
	unsigned i, n[3];

	(void)state;
	for (i = 0; i < nitems_of(balances); i++) {
		targets_close(&self.targets);
		places_make(balances[i], 2, false);
		share(100, n);
		assert_true(n[0] >= 35 && n[0] <= 65);
		operate(a, WEIGHT(9));
		share(1000, n);
		assert_true(n[0] >= 850 && n[0] <= 950);
	}
}

/* A client keeps its remote while another is drained, and moves hardly when
 * one is weighed. */
static void
test_source(void **state)
{
	struct sess s = { .source.family = AF_INET };
	struct remote *before[200];
	unsigned i, moved = 0;

	(void)state;
	places_make(BALANCE_SOURCE, 10, false);
	for (i = 0; i < nitems_of(before); i++) {
		s.source.ip[0] = (uint8_t)i;
		before[i] = remote_pick(pool, &s);
	}
	operate(a, STATE(DRAIN));
	for (i = 0; i < nitems_of(before); i++) {
		s.source.ip[0] = (uint8_t)i;
		if (before[i] == a)
			assert_ptr_not_equal(remote_pick(pool, &s), a);
		else
			assert_ptr_equal(remote_pick(pool, &s), before[i]);
	}
	operate(a, WEIGHT(2));
	for (i = 0; i < nitems_of(before); i++) {
		s.source.ip[0] = (uint8_t)i;
		moved += remote_pick(pool, &s) != before[i];
	}
	assert_true(moved > 0 && moved < 60);
}

static void
test_backup(void **state)
{
	unsigned n[3];

	(void)state;
	remotes[1].backup = remotes[2].backup = true;
	places_make(BALANCE_LEASTCONN, 3, false);
	remotes[1].backup = remotes[2].backup = false;
	share(10, n);
	assert_int_equal(n[0], 10);
	check(a, TARGET_DOWN);
	share(10, n);
	assert_int_equal(n[1], 5);
	assert_int_equal(n[2], 5);
	/* The other backups come before what is down. */
	refuse(b);
	share(10, n);
	assert_int_equal(n[2], 10);
	check(a, TARGET_UP);
	share(10, n);
	assert_int_equal(n[0], 10);
	refuse(a);
	share(10, n);
	assert_int_equal(n[2], 10);
}

/* Little at first, all of it after the time; not at the start. */
static void
test_slow_start(void **state)
{
	static const enum conf_balance balances[] = { BALANCE_LEASTCONN,
		BALANCE_ROUNDROBIN, BALANCE_RANDOM };
	unsigned i, k, n[3], before;

	(void)state;
	remotes[0].slow_start = 10000;
	for (i = 0; i < nitems_of(balances); i++) {
		targets_close(&self.targets);
		places_make(balances[i], 2, false);
		share(100, n);
		assert_true(n[0] >= 35);
		check(a, TARGET_DOWN);
		pick();
		check(a, TARGET_UP);
		for (k = 0, before = 0; k < 4; k++) {
			/* Each of its loads is its own. */
			atomic_store(&a->board->active, 0);
			atomic_store(&b->board->active, 0);
			remote_place(a);
			remote_place(b);
			share(600, n);
			if (k == 0)
				assert_true(n[0] < 60);
			assert_true(n[0] >= before);
			before = n[0];
			now += 3334;
		}
		assert_true(n[0] >= 240 && n[0] <= 360);
	}
	remotes[0].slow_start = 0;
}

/* A worker that starts meanwhile knows since when. */
static void
test_slow_start_is_known(void **state)
{
	struct target t;
	unsigned n[3];

	(void)state;
	remotes[0].slow_start = 10000;
	places_make(BALANCE_ROUNDROBIN, 2, false);
	t = known(a);
	t.state = TARGET_UP;
	t.since = now - 1000;
	t.back = 1;
	target_set(&self.targets, index_of(a), &t);
	pools_make(BALANCE_ROUNDROBIN, 2);
	assert_int_equal(a->rise, 10);
	share(110, n);
	assert_true(n[0] >= 8 && n[0] <= 12);
	t.since = now - 20000;
	target_set(&self.targets, index_of(a), &t);
	pools_make(BALANCE_ROUNDROBIN, 2);
	assert_int_equal(a->rise, RISE_FULL);
	/* After failures, and when it is enabled. */
	refuse(a);
	now += 1000;
	remote_ok(a);
	assert_int_equal(a->rise, 1);
	now += 20000;
	pick();
	assert_int_equal(a->rise, RISE_FULL);
	operate(a, STATE(DRAIN));
	pick();
	operate(a, STATE(ENABLED));
	pick();
	assert_int_equal(a->rise, 1);
	remotes[0].slow_start = 0;
}

/* Its own clients come back one after the other, and stay. */
static void
test_slow_start_of_sources(void **state)
{
	struct sess s = { .source.family = AF_INET };
	unsigned i, k, mine[4] = { 0 };
	bool was[200] = { false };

	(void)state;
	remotes[0].slow_start = 10000;
	places_make(BALANCE_SOURCE, 3, false);
	check(a, TARGET_DOWN);
	pick();
	check(a, TARGET_UP);
	for (k = 0; k < 4; k++) {
		for (i = 0; i < nitems_of(was); i++) {
			s.source.ip[0] = (uint8_t)i;
			if (remote_pick(pool, &s) != a)
				assert_false(was[i]);
			else {
				was[i] = true;
				mine[k]++;
			}
		}
		now += 3400;
	}
	assert_true(mine[0] < 8 && mine[1] > mine[0] && mine[2] > mine[1]);
	assert_true(mine[3] > 40 && mine[3] < 95);
	remotes[0].slow_start = 0;
}

/* --- names that are looked up --- */

static void
test_places_come_and_go(void **state)
{
	const struct remote *r;
	unsigned i, late = 0;

	(void)state;
	places_make(BALANCE_ROUNDROBIN, 2, true);
	assert_int_equal(pool->n, 2 * ROOM);
	for (i = 0; i < 10; i++) {
		r = pick();
		assert_true(r == &pool->all[0] || r == &pool->all[ROOM]);
	}
	appear(&pool->all[ROOM + 3], "10.0.0.9");
	for (i = 0; i < 30; i++)
		late += pick() == &pool->all[ROOM + 3];
	assert_true(late >= 9 && late <= 11);
	vanish(&pool->all[0]);
	vanish(&pool->all[ROOM]);
	for (i = 0; i < 10; i++)
		assert_ptr_equal(pick(), &pool->all[ROOM + 3]);
	vanish(&pool->all[ROOM + 3]);
	assert_null(pick());
}

/* A session that is open knows where it is, whatever becomes of the place. */
static void
test_an_address_changes(void **state)
{
	static const struct sess s;
	struct remote *r;
	char text[ADDR_STRLEN];
	uint8_t first, second;

	(void)state;
	places_make(BALANCE_ROUNDROBIN, 1, true);
	vanish(a);
	appear(b, "10.0.0.1");
	r = remote_pick(pool, &s);
	assert_ptr_equal(r, b);
	first = r->version;
	vanish(b);
	appear(b, "10.0.0.2");
	assert_ptr_equal(remote_pick(pool, &s), b);
	second = b->version;
	assert_string_equal(addr_str(remote_addr(b, first), text),
	    "10.0.0.1:80");
	assert_string_equal(addr_str(remote_addr(b, second), text),
	    "10.0.0.2:80");
	appear(a, "10.0.0.3");
	remote_release(b, &s);
	remote_release(b, &s);
	assert_string_equal(addr_str(b->addr, text), "10.0.0.2:80");
}

/* As a name server has it that wants to do harm; and what a checker says that
 * somebody has got hold of. */
static void
test_an_address_changes_for_ever(void **state)
{
	static const struct sess s;
	const struct conf_remote later = { .naddr = 0 };
	const struct target wild = { .present = 1,
	    .addr = { .family = AF_UNIX } };
	const void *const *list;	/* the next one comes first */
	struct addr to;
	unsigned i, n = 0;
	char ip[16];

	(void)state;
	places_make(BALANCE_ROUNDROBIN, 1, true);
	vanish(a);
	appear(b, "10.0.0.1");
	assert_ptr_equal(remote_pick(pool, &s), b);
	for (i = 0; i < 1024; i++) {
		snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250, i % 250 + 1);
		appear(b, ip);
		remotes_look();
	}
	for (list = (const void *const *)b->addrs; list != NULL; list = *list)
		n++;
	assert_true(n > 1 && n < 256);
	remote_release(b, &s);
	assert_false(target_addr(&wild, &later, 3, &to));
}

/* All of a name's other places come before another remote, those that are
 * well; and no more than there may be. */
static void
test_other_places(void **state)
{
	uint32_t tried[2 * ROOM];
	struct extra extra = { .tried = tried };
	struct sess s = { .extra = &extra };
	struct remote *r;
	unsigned i;
	char ip[16];

	(void)state;
	places_make(BALANCE_ROUNDROBIN, 2, true);
	for (i = 0; i < 4; i++) {
		snprintf(ip, sizeof(ip), "10.0.0.%u", i);
		appear(&pool->all[i], ip);
	}
	vanish(&pool->all[ROOM]);
	appear(&pool->all[ROOM], "10.0.1.1");
	check(&pool->all[2], TARGET_DOWN);
	do
		r = pick();
	while (r != &pool->all[0]);
	tried[extra.ntried++] = 0;
	r = remote_other(r, &s);
	assert_ptr_equal(r, &pool->all[1]);
	tried[extra.ntried++] = 1;
	r = remote_other(r, &s);
	assert_ptr_equal(r, &pool->all[3]);
	tried[extra.ntried++] = 3;
	assert_null(remote_other(r, &s));
	s.ntried = 1;
	assert_ptr_equal(remote_pick(pool, &s), &pool->all[ROOM]);
}

/* The other family comes first; what local-address cannot reach is not used,
 * and is no reason to look for it. */
static void
test_families(void **state)
{
	struct conf_local four = { .addr.in.sin_family = AF_INET, .n = 1 };
	uint32_t tried[ROOM] = { 0 };
	struct extra extra = { .tried = tried, .ntried = 1 };
	const struct sess s = { .extra = &extra };
	unsigned i;

	(void)state;
	places_make(BALANCE_FIRST, 1, true);
	appear(a, "10.0.0.1");
	appear(b, "10.0.0.2");
	assert_ptr_equal(pick(), a);
	assert_false(a->both);
	appear(c, "2001:db8::1");
	assert_ptr_equal(pick(), a);
	assert_true(a->both);
	assert_ptr_equal(remote_other(a, &s), c);
	relays[1].locals = &four;
	relays[1].nlocals = 1;
	pools_make(BALANCE_FIRST, 1);
	assert_false(a->both);
	assert_ptr_equal(remote_other(a, &s), b);
	vanish(a);
	vanish(b);
	for (i = 0; i < 3; i++)
		assert_null(pick());
	appear(b, "10.0.0.2");
	assert_ptr_equal(pick(), b);
}

/* A client's place follows from name and address, wherever the checker has put
 * it. */
static void
test_source_of_names(void **state)
{
	struct sess s = { .source.family = AF_INET };
	char text[ADDR_STRLEN], former[100][ADDR_STRLEN], ip[16];
	unsigned i, turn;
	const struct remote *r;

	(void)state;
	for (turn = 0; turn < 2; turn++) {
		places_make(BALANCE_SOURCE, 2, true);
		vanish(&pool->all[0]);
		vanish(&pool->all[ROOM]);
		for (i = 0; i < 5; i++) {
			snprintf(ip, sizeof(ip), "10.0.0.%u", i);
			appear(&pool->all[turn == 0 ? i : 9 - i], ip);
		}
		for (i = 0; i < nitems_of(former); i++) {
			s.source.ip[0] = (uint8_t)i;
			r = remote_pick(pool, &s);
			assert_non_null(r);
			addr_str(r->addr, text);
			if (turn == 0)
				strlcpy(former[i], text, sizeof(former[i]));
			else
				assert_string_equal(former[i], text);
		}
		if (turn == 0)
			targets_close(&self.targets);
	}
}

/* --- sessions that wait for room --- */

static struct path		 path;
static struct extra		 extras[MOST];
static struct sess		 waiting[MOST];
static unsigned			 asked;
static bool			 busy;		/* the master's channel is */

/* As the master does it: at most two each, with those of others. */
static bool
ask(unsigned place)
{
	const struct remote *r = &self.remotes[0].all[place];
	const uint64_t claim = board_get(&r->board->claim);
	uint32_t has = atomic_load(&told(r)->leases) - BOARD_CLAIM_BACK(claim);

	asked++;
	for (; !busy && has < BOARD_CLAIM_NEED(claim) &&
	    has + atomic_load(&told(r)->sessions) < 2; has++)
		lend(r, 1);
	return !busy;
}

static void
turn(void)
{
	unsigned i;

	for (i = 0; i < 6; i++)
		wait_leases();
}

/* n sessions that may wait; two remotes with at most two each. */
static void
wait_make(unsigned n)
{
	unsigned i;

	remotes[0].max_sessions = remotes[1].max_sessions = 2;
	places_make(BALANCE_ROUNDROBIN, 2, false);
	path.remotes = pool;
	asked = nresumed = 0;
	busy = false;
	lease_init(ask);
	lend(a, 2);
	lend(b, 2);
	memset(waiting, 0, sizeof(waiting));
	memset(extras, 0, sizeof(extras));
	for (i = 0; i < n; i++) {
		waiting[i].path = &path;
		waiting[i].extra = &extras[i];
	}
}

static void
wait_unmake(void)
{
	unsigned i;

	for (i = 0; i < MOST; i++)
		wait_end(&waiting[i]);
	assert_int_equal(atomic_load(&self.board.own->waiting), 0);
	remotes[0].max_sessions = remotes[1].max_sessions = 0;
}

/* As a session does it that has left. */
static void
leave(struct remote *r)
{
	static const struct sess s;

	remote_release(r, &s);
	deferred->cb(deferred);
}

static void
test_room(void **state)
{
	static const struct sess s;
	unsigned i;

	(void)state;
	wait_make(0);
	assert_false(pool->single);
	for (i = 0; i < 4; i++)
		assert_non_null(remote_pick(pool, &s));
	assert_null(remote_pick(pool, &s));
	assert_true(wait_helps(pool, &s));
	remote_release(b, &s);
	assert_ptr_equal(remote_pick(pool, &s), b);
	/* What others have there counts. */
	remote_release(b, &s);
	load_elsewhere(b, 1);
	assert_null(remote_pick(pool, &s));
	load_elsewhere(b, 0);
	assert_ptr_equal(remote_pick(pool, &s), b);
	/* Waiting for what is away is no use. */
	operate(a, STATE(DISABLED));
	operate(b, STATE(DISABLED));
	assert_null(remote_pick(pool, &s));
	assert_false(wait_helps(pool, &s));
	wait_unmake();
}

/* In their order; one that leaves passes on what it had got. */
static void
test_wait_in_order(void **state)
{
	unsigned i;

	(void)state;
	wait_make(4);
	for (i = 0; i < 4; i++)
		pick();
	for (i = 0; i < 4; i++)
		assert_int_equal(wait_begin(&waiting[i]), 0);
	assert_int_equal(asked, 0);
	deferred->cb(deferred);
	assert_int_equal(asked, 2);
	assert_int_equal(atomic_load(&a->board->queue) +
	    atomic_load(&b->board->queue), 4);
	assert_int_equal(atomic_load(&a->board->queue), 2);
	assert_false(wait_called(&waiting[0]));
	leave(b);
	assert_int_equal(nresumed, 1);
	assert_ptr_equal(resumed[0], &waiting[0]);
	assert_true(wait_called(&waiting[0]));
	assert_ptr_equal(waiting[0].chosen, b);
	/* Its client has gone before its turn came; so has the next one. */
	wait_end(&waiting[0]);
	wait_end(&waiting[1]);
	leave(b);
	assert_int_equal(nresumed, 2);
	assert_ptr_equal(resumed[1], &waiting[2]);
	leave(a);
	assert_ptr_equal(resumed[2], &waiting[3]);
	assert_false(wait_is_on(pool));
	assert_int_equal(atomic_load(&a->board->queue) +
	    atomic_load(&b->board->queue), 0);
	wait_unmake();
}

/* Nobody leaves here: there is room elsewhere, or a weight more, or one comes
 * up, or the last goes down. */
static void
test_wait_for_news(void **state)
{
	unsigned i;

	(void)state;
	wait_make(4);
	load_elsewhere(a, 2);
	load_elsewhere(b, 2);
	lease_settle(pool);
	assert_int_equal(lease_unused(pool), 0);
	pick();
	busy = true;
	for (i = 0; i < 4; i++)
		assert_int_equal(wait_begin(&waiting[i]), 0);
	turn();
	assert_true(asked >= 2);
	load_elsewhere(a, 1);
	busy = false;
	turn();
	assert_ptr_equal(waiting[0].chosen, a);
	assert_int_equal(nresumed, 1);
	check(b, TARGET_DOWN);
	load_elsewhere(b, 0);
	turn();				/* the least bad is not what it wants */
	assert_int_equal(nresumed, 1);
	check(b, TARGET_UP);
	turn();
	assert_ptr_equal(waiting[1].chosen, b);
	assert_ptr_equal(waiting[2].chosen, b);
	assert_int_equal(nresumed, 3);
	operate(a, STATE(DISABLED));
	operate(b, STATE(DISABLED));
	wait_look(pool);
	assert_int_equal(nresumed, 4);
	assert_null(waiting[3].chosen);
	assert_true(wait_called(&waiting[3]));
	wait_unmake();
}

/* One that has tried a remote waits for the other one, and holds up nobody. */
static void
test_wait_for_another(void **state)
{
	uint32_t tried = 0;
	unsigned i;

	(void)state;
	wait_make(2);
	for (i = 0; i < 4; i++)
		pick();
	extras[0].tried = &tried;
	extras[0].ntried = waiting[0].ntried = 1;
	for (i = 0; i < 2; i++)
		assert_int_equal(wait_begin(&waiting[i]), 0);
	leave(a);
	assert_int_equal(nresumed, 1);
	assert_ptr_equal(resumed[0], &waiting[1]);
	leave(b);
	assert_ptr_equal(resumed[1], &waiting[0]);
	assert_ptr_equal(waiting[0].chosen, b);
	wait_unmake();
}

/* A backup is for when the others may not be used, not for when they are
 * full. */
static void
test_wait_rather_than_backup(void **state)
{
	static const struct sess s;
	unsigned i;

	(void)state;
	remotes[1].backup = true;
	wait_make(1);
	remotes[1].backup = false;
	for (i = 0; i < 2; i++)
		assert_ptr_equal(remote_pick(pool, &s), a);
	assert_null(remote_pick(pool, &s));
	assert_true(wait_helps(pool, &s));
	refuse(a);
	assert_ptr_equal(remote_pick(pool, &s), b);
	assert_ptr_equal(remote_pick(pool, &s), b);
	assert_null(remote_pick(pool, &s));
	wait_unmake();
}

#undef T
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, places_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_down_is_left_out),
		T(test_the_least_bad),
		T(test_alone),
		T(test_weight),
		T(test_source),
		T(test_backup),
		T(test_slow_start),
		T(test_slow_start_is_known),
		T(test_slow_start_of_sources),
		T(test_places_come_and_go),
		T(test_an_address_changes),
		T(test_an_address_changes_for_ever),
		T(test_other_places),
		T(test_families),
		T(test_source_of_names),
		T(test_room),
		T(test_wait_in_order),
		T(test_wait_for_news),
		T(test_wait_for_another),
		T(test_wait_rather_than_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
