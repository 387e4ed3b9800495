/*
 * test_tickets.c - the keys of tickets: who gets which, when they turn, and
 * what an upgrade passes on. Clock, timer and channels are the test's own.
 */
#include "evtest.h"

#include "conf/conf.h"
#include "ipc.h"
#include "mark.h"
#include "master.h"
#include "proc/channel.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/tickets.h"

#define LIFE	1000
#define WORKERS	2

struct master master;

static uint64_t		 now = 1000000;
static struct ev_timer	*timer;		/* NULL: it does not run */
static uint64_t		 due;
static struct conf_cert	 cert = { "/c", "", 0, 0 };
static struct conf_tls	 tlss[] = {
	{ .name = "none", .certs = &cert, .ncerts = 1 },
	{ .name = "file", .certs = &cert, .ncerts = 1, .tickets = true,
	    .ticket_keys = "/k", .ticket_lifetime = LIFE },
	{ .name = "remote", .tickets = true, .ticket_lifetime = LIFE },
	{ .name = "own", .certs = &cert, .ncerts = 1, .tickets = true,
	    .ticket_lifetime = LIFE },
};
static struct conf	 conf = { .tlss = tlss, .ntlss = 4 };
static struct conf	 plain;
static struct generation gen, other;
static struct worker	 w[WORKERS];
static int		 ends[WORKERS];
static struct proto_keys got;

uint64_t
ev_now(void)
{
	return now;
}

void
ev_timer_set(struct ev_timer *t, uint64_t ms)
{
	timer = t;
	due = now + ms;
}

void
ev_timer_stop(struct ev_timer *t)
{
	(void)t;
	timer = NULL;
}

void
mark(unsigned what)
{
	assert_int_equal(what, MARK_SEND);
}

void
channel_is_full(struct worker *one)
{
	one->full = true;
}

int
inherit_fd(int fd)
{
	return fd;
}

static void
begin(struct generation *g, struct conf *c)
{
	memset(g, 0, sizeof(*g));
	g->conf = c;
	TAILQ_INIT(&g->workers);
	TAILQ_INSERT_TAIL(&master.gens, g, entry);
	assert_int_equal(tickets_generation(g), 0);
}

static void
end(struct generation *g)
{
	TAILQ_REMOVE(&master.gens, g, entry);
	tickets_sweep();
}

static void
pass(uint64_t ms)
{
	now += ms;
	if (timer != NULL && due <= now)
		timer->cb(timer);
}

/* The next message of a worker: keys of "own". */
static const struct proto_keys *
take(unsigned i)
{
	struct ipc_msg m;

	assert_int_equal(ipc_recv(ends[i], PROTO_DOWN, &m), 1);
	assert_int_equal(m.type, MSG_KEYS);
	assert_int_equal(m.keys.section, 3);
	got = m.keys;
	return &got;
}

static void
no_more(unsigned i)
{
	struct ipc_msg m;

	assert_int_equal(ipc_recv(ends[i], PROTO_DOWN, &m), -1);
	assert_int_equal(errno, EAGAIN);
}

static int
setup(void **state)
{
	unsigned i;
	int sv[2];

	(void)state;
	TAILQ_INIT(&master.gens);
	begin(&gen, &conf);
	for (i = 0; i < WORKERS; i++) {
		assert_int_equal(ipc_pair(sv), 0);
		memset(&w[i], 0, sizeof(w[i]));
		w[i].gen = &gen;
		w[i].chan.fd = sv[0];
		ends[i] = sv[1];
		TAILQ_INSERT_TAIL(&gen.workers, &w[i], entry);
		tickets_worker(&w[i]);
	}
	return 0;
}

static int
teardown(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < WORKERS; i++) {
		close(w[i].chan.fd);
		close(ends[i]);
	}
	end(&gen);
	return 0;
}

static void
test_all_get_the_same(void **state)
{
	struct proto_keys first = *take(0);

	(void)state;
	assert_memory_equal(first.keys, take(1)->keys, sizeof(first.keys));
	assert_memory_not_equal(first.keys[0], first.keys[1],
	    SECRET_TICKET_LEN);
	assert_memory_not_equal(first.keys[1], first.keys[2],
	    SECRET_TICKET_LEN);
	no_more(0);
	no_more(1);
}

static void
test_turn(void **state)
{
	struct proto_keys before = *take(0);

	(void)state;
	take(1);
	pass(LIFE - 1);
	assert_false(w[0].keys_due);
	pass(1);
	assert_true(w[0].keys_due && w[1].keys_due);
	tickets_send();
	take(0);
	assert_memory_equal(got.keys, before.keys + 1,
	    2 * SECRET_TICKET_LEN);
	assert_memory_not_equal(got.keys[2], before.keys[2],
	    SECRET_TICKET_LEN);
	take(1);
	assert_false(w[0].keys_due || w[1].keys_due);
	assert_true(timer != NULL && due == now + LIFE);
}

static void
test_full_channel(void **state)
{
	unsigned n = 0, i;

	(void)state;
	while (!w[0].full) {
		pass(LIFE);
		tickets_send();
		n++;
	}
	assert_true(w[0].keys_due);
	for (i = 0; i < n; i++)
		take(0);
	no_more(0);
	tickets_send();
	no_more(0);		/* until it is known to have room */
	w[0].full = false;
	tickets_send();
	take(0);
	assert_false(w[0].keys_due);
}

static void
test_generations(void **state)
{
	struct proto_keys before = *take(0);

	(void)state;
	begin(&other, &conf);
	end(&other);
	tickets_worker(&w[0]);
	assert_memory_equal(take(0)->keys, before.keys, sizeof(got.keys));
	/* Who comes when it is not needed any more gets another one. */
	TAILQ_REMOVE(&master.gens, &gen, entry);
	begin(&other, &plain);
	end(&other);
	TAILQ_INSERT_TAIL(&master.gens, &gen, entry);
	assert_int_equal(tickets_generation(&gen), 0);
	tickets_worker(&w[0]);
	assert_memory_not_equal(take(0)->keys[1], before.keys[1],
	    SECRET_TICKET_LEN);
}

static void
test_upgrade(void **state)
{
	struct proto_keys before = *take(0);
	char *line;
	size_t size;
	FILE *f = open_memstream(&line, &size);

	(void)state;
	tickets_save(f);
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	assert_false(tickets_take("tickets x"));
	assert_false(tickets_take("tickets 0"));
	assert_true(tickets_take(line));
	free(line);
	assert_true(w[0].keys_due);
	tickets_send();
	assert_memory_equal(take(0)->keys, before.keys, sizeof(got.keys));
	assert_true(timer != NULL && due == now + LIFE);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_get_the_same),
		T(test_turn),
		T(test_full_channel),
		T(test_generations),
		T(test_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
