/*
 * test_targets.c - what is known of places: where it lies, who may write,
 * what is read of an entry while it is written, what a generation takes over.
 */
#include "evtest.h"

#include <sys/mman.h>

#include "targets.h"

#define COUNT	200000
#define PATIENCE 60	/* s */

static struct addr		 addrs[4], sock;
static struct conf_remote	 remotes[3];
static struct conf_relay	 relays[2];
static struct conf		 conf = { .relays = relays, .nrelays = 2 };
static struct targets		 targets;
static int			 fds_before;

static void
set_addr(struct addr *a, const char *ip, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons(port);
	a->len = sizeof(a->in);
	assert_int_equal(inet_pton(AF_INET, ip, &a->in.sin_addr), 1);
}

static void
set_remote(struct conf_remote *r, const char *name, struct addr *a,
    unsigned n)
{
	memset(r, 0, sizeof(*r));
	strlcpy(r->name, name, sizeof(r->name));
	r->addr = a;
	r->naddr = n;
}

/* Places: x/a 0 and 1; y/a 2 to 17, looked up; y/s 18, a path. */
static int
setup(void **state)
{
	const char *err;

	(void)state;
	fds_before = count_fds();
	set_addr(&addrs[0], "10.0.0.1", 80);
	set_addr(&addrs[1], "10.0.0.2", 80);
	set_addr(&addrs[2], "10.0.0.3", 80);
	set_addr(&addrs[3], "10.0.0.4", 80);
	addr_unix("/s", &sock, &err);
	set_remote(&remotes[0], "a", addrs, 2);
	set_remote(&remotes[1], "a", &addrs[2], 2);
	set_remote(&remotes[2], "s", &sock, 1);
	remotes[0].address = remotes[1].address = "a.test, b.test";
	remotes[2].path = "/s";
	memset(relays, 0, sizeof(relays));
	strlcpy(relays[0].name, "x", sizeof(relays[0].name));
	strlcpy(relays[1].name, "y", sizeof(relays[1].name));
	relays[0].remotes = remotes;
	relays[0].nremotes = 1;
	relays[1].remotes = &remotes[1];
	relays[1].nremotes = 2;
	relays[1].resolve = 1000;
	return targets_create(&targets, &conf);
}

static int
teardown(void **state)
{
	(void)state;
	targets_close(&targets);
	targets_close(&targets);
	assert_null(targets.mem);
	return count_fds() == fds_before ? 0 : -1;
}

static struct target
get(unsigned place)
{
	struct target t;

	assert_true(target_get(&targets, place, &t));
	return t;
}

static void
expect_addr(unsigned place, const struct conf_remote *r, unsigned number,
    const char *want)
{
	const struct target t = get(place);
	char text[ADDR_STRLEN];
	struct addr a;

	assert_true(t.present);
	assert_true(target_addr(&t, r, number, &a));
	assert_string_equal(addr_str(&a, text), want);
}

static void
test_wanted(void **state)
{
	(void)state;
	assert_true(targets_wanted(&conf));
	relays[1].resolve = 0;
	assert_false(targets_wanted(&conf));
}

static void
test_begins_as_configured(void **state)
{
	unsigned i;

	(void)state;
	assert_int_equal(targets.n, 2 + 16 + 1);
	expect_addr(0, &remotes[0], 0, "10.0.0.1:80");
	expect_addr(1, &remotes[0], 1, "10.0.0.2:80");
	expect_addr(3, &remotes[1], 1, "10.0.0.4:80");
	expect_addr(18, &remotes[2], 0, "/s");
	for (i = 4; i < 18; i++)
		assert_false(get(i).present);
	assert_int_equal(get(0).state, TARGET_UNKNOWN);
	assert_int_equal(board_get(&targets_news(&targets)->n), 0);
}

static void
test_set_and_news(void **state)
{
	struct target t = get(5);
	uint64_t pos = 0;
	struct addr six;

	(void)state;
	memset(&six, 0, sizeof(six));
	six.in6.sin6_family = AF_INET6;
	six.in6.sin6_port = htons(443);
	inet_pton(AF_INET6, "fe80::1", &six.in6.sin6_addr);
	six.in6.sin6_scope_id = 3;
	source_set(&t.addr, &six.sa);
	t.present = 1;
	t.state = TARGET_DOWN;
	t.since = 77;
	t.weight = 5;
	strlcpy(t.error, "refused", sizeof(t.error));
	target_set(&targets, 5, &t);
	target_set(&targets, 5, &t);	/* nothing new */
	assert_int_equal(board_news_next(targets_news(&targets), &pos), 5);
	assert_int_equal(board_news_next(targets_news(&targets), &pos),
	    BOARD_NONE);
	expect_addr(5, &remotes[1], 3, "[fe80::1%3]:443");
	assert_int_equal(get(5).state, TARGET_DOWN);
	assert_int_equal(get(5).since, 77);
	assert_int_equal(get(5).weight, 5);
	assert_string_equal(get(5).error, "refused");
	assert_int_equal(get(4).state, TARGET_UNKNOWN);
}

/* Whoever has got hold of the checker cannot say what does not exist. */
static void
test_values_are_in_range(void **state)
{
	struct target t;

	(void)state;
	memset(&t, 0xff, sizeof(t));
	target_set(&targets, 0, &t);
	assert_int_equal(get(0).state, TARGET_DOWN);
	assert_int_equal(get(0).weight, 256);
	assert_int_equal(get(0).present, 1);
	expect_addr(0, &remotes[0], 0, "10.0.0.1:80");
	t = get(0);
	strlcpy(t.error, "a\n\033b", sizeof(t.error));
	target_set(&targets, 0, &t);
	assert_string_equal(get(0).error, "a??b");
}

/* One that dies while it writes leaves what was there: only the copy that is
 * not read has changed. */
static void
test_reads_are_whole(void **state)
{
	struct targets own;
	struct target t = get(0);
	unsigned i;
	int status;
	pid_t pid;

	(void)state;
	t.since = t.weight = 0;
	target_set(&targets, 0, &t);
	if ((pid = fork()) == 0) {
		if (targets_attach(&own, dup(targets.fd), &conf, true) == -1)
			_exit(99);
		for (i = 1; i <= COUNT; i++) {
			t.since = i;
			t.weight = (uint16_t)(i % 200);
			memset(t.error, 'a' + (int)(i % 26), 60);
			target_set(&own, 0, &t);
		}
		_exit(0);
	}
	assert_int_not_equal(pid, -1);
	alarm(PATIENCE);	/* it may have failed */
	do {
		if (!target_get(&targets, 0, &t) || t.since == 0)
			continue;
		assert_int_equal(t.weight, t.since % 200);
		assert_int_equal(t.error[0], 'a' + (int)(t.since % 26));
		assert_int_equal(t.error[59], t.error[0]);
	} while (t.since != COUNT);
	alarm(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(board_get(&targets_news(&targets)->n), COUNT);
}

static void
test_readers_cannot_write(void **state)
{
	struct targets own;
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		signal(SIGSEGV, SIG_DFL);
		if (targets_attach(&own, dup(targets.ro), &conf, false) == -1)
			_exit(99);
		if (mprotect(own.mem, own.size, PROT_READ | PROT_WRITE) == 0)
			_exit(98);
		memset(own.mem, 1, 1);
		_exit(97);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || (WIFEXITED(status) &&
	    WEXITSTATUS(status) == 1));	/* 1: AddressSanitizer's */
}

static void
test_reopened(void **state)
{
	struct target t = get(3);
	struct targets again;

	(void)state;
	t.state = TARGET_UP;
	target_set(&targets, 3, &t);
	assert_int_equal(targets_reopen(&again, dup(targets.fd), &conf), 0);
	targets_close(&targets);
	targets = again;
	assert_int_equal(get(3).state, TARGET_UP);
}

/* --- the next generation --- */

static void
learn(unsigned place, const char *ip, uint64_t since)
{
	struct target t = get(place);
	struct addr a;

	set_addr(&a, ip, 80);
	source_set(&t.addr, &a.sa);
	t.present = 1;
	t.state = TARGET_DOWN;
	t.since = since;
	target_set(&targets, place, &t);
}

static void
next_generation(void)
{
	struct targets old = targets;

	assert_int_equal(targets_create(&targets, &conf), 0);
	targets_inherit(&targets, &conf, &old, &conf);
	targets_close(&old);
}

static void
test_inherits_by_address(void **state)
{
	struct addr first;

	(void)state;
	learn(1, "10.0.0.2", 5);
	learn(2, "10.0.0.3", 6);
	learn(18, "10.9.9.9", 7);
	first = addrs[0];		/* now in the other order */
	addrs[0] = addrs[1];
	addrs[1] = first;
	next_generation();
	assert_int_equal(get(0).since, 5);
	assert_int_equal(get(0).state, TARGET_DOWN);
	assert_int_equal(get(1).state, TARGET_UNKNOWN);
	assert_int_equal(get(2).since, 6);
	expect_addr(18, &remotes[2], 0, "/s");
}

/* What is of another name is not taken over. */
static void
test_inherits_by_name(void **state)
{
	struct conf_relay former[2] = { relays[0], relays[1] };
	struct conf old_conf = { .relays = former, .nrelays = 2 };
	struct targets old;

	(void)state;
	learn(0, "10.0.0.1", 5);
	learn(2, "10.0.0.3", 6);
	old = targets;
	strlcpy(former[1].name, "z", sizeof(former[1].name));
	assert_int_equal(targets_create(&targets, &conf), 0);
	targets_inherit(&targets, &conf, &old, &old_conf);
	targets_close(&old);
	assert_int_equal(get(0).since, 5);
	assert_int_equal(get(2).state, TARGET_UNKNOWN);
}

/* The last good answer, when there is none now. */
static void
test_inherits_a_name_without_answer(void **state)
{
	(void)state;
	learn(2, "10.1.0.1", 5);
	learn(9, "10.1.0.2", 6);
	remotes[1].naddr = 0;
	next_generation();
	expect_addr(2, &remotes[1], 0, "10.1.0.1:80");
	expect_addr(9, &remotes[1], 7, "10.1.0.2:80");
	assert_int_equal(get(9).since, 6);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_wanted),
		T(test_begins_as_configured),
		T(test_set_and_news),
		T(test_values_are_in_range),
		T(test_reads_are_whole),
		T(test_readers_cannot_write),
		T(test_reopened),
		T(test_inherits_by_address),
		T(test_inherits_by_name),
		T(test_inherits_a_name_without_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
