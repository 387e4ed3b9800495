/*
 * test_lookup.c - listeners are found by each of the things they are asked
 * for, however many there are, and without looking at the others.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "accept/listener.h"
#include "master.h"

#define MANY		20000
#define T(f)		cmocka_unit_test(f)

struct master master;

static struct listener all[MANY];

static struct addr
address(uint32_t ip, uint16_t port)
{
	struct addr a = { .in = { .sin_family = AF_INET },
	    .len = sizeof(a.in) };

	a.in.sin_addr.s_addr = htonl(ip);
	addr_set_port(&a, port);
	return a;
}

/* 127.x.x.x, all at one port. */
static void
make_all(void)
{
	unsigned i;

	for (i = 0; i < MANY; i++) {
		memset(&all[i], 0, sizeof(all[i]));
		all[i].asked = all[i].addr = address(0x7f000001 + i, 80);
		snprintf(all[i].name, sizeof(all[i].name), "l%u", i);
		lookup_add(&all[i]);
	}
}

static void
drop_all(void)
{
	unsigned i;

	for (i = 0; i < MANY; i++)
		lookup_del(&all[i]);
}

/* How many may be it. */
static unsigned
candidates(const struct listener *l, enum lookup by)
{
	unsigned n = 0;

	for (; l != NULL; l = lookup_next(l, by))
		n++;
	return n;
}

static void
test_each_of_many(void **state)
{
	const struct listener *l;
	struct addr a;
	unsigned i, n = 0;

	(void)state;
	make_all();
	for (i = 0; i < MANY; i++) {
		a = address(0x7f000001 + i, 80);
		l = lookup_asked(&a, "other");
		while (l != NULL && l != &all[i])
			l = lookup_next(l, LOOKUP_ASKED);
		assert_ptr_equal(l, &all[i]);
		n += candidates(lookup_asked(&a, ""), LOOKUP_ASKED);
		n += candidates(lookup_bound(&a), LOOKUP_BOUND);
	}
	assert_in_range(n, 2 * MANY, 2 * MANY + MANY / 100);
	assert_int_equal(candidates(lookup_port(&a), LOOKUP_PORT), MANY);
	drop_all();
	assert_null(lookup_asked(&a, ""));
	assert_null(lookup_bound(&a));
	assert_null(lookup_port(&a));
}

/* Any port is that of a section, every other one that of the address. */
static void
test_any_port(void **state)
{
	struct listener *l = &all[0];
	const struct addr asked = address(0x7f000001, 0);

	(void)state;
	memset(l, 0, sizeof(*l));
	l->asked = asked;
	l->addr = address(0x7f000001, 34567);
	strlcpy(l->name, "web", sizeof(l->name));
	lookup_add(l);
	assert_ptr_equal(lookup_asked(&asked, "web"), l);
	assert_null(lookup_asked(&asked, "mail"));
	assert_ptr_equal(lookup_bound(&l->addr), l);
	assert_null(lookup_bound(&asked));
	strlcpy(l->name, "mail", sizeof(l->name));
	lookup_add(l);
	assert_null(lookup_asked(&asked, "web"));
	assert_ptr_equal(lookup_asked(&asked, "mail"), l);
	lookup_del(l);
}

/* Only those that were passed to us by name are found by it. */
static void
test_names(void **state)
{
	struct listener *l = &all[0];

	(void)state;
	make_all();
	assert_null(lookup_name("l0"));
	l->from = LISTENER_BY_NAME;
	lookup_add(l);
	assert_ptr_equal(lookup_name("l0"), l);
	assert_null(lookup_name("l1"));
	lookup_del(l);
	master.opt.inetd = true;
	lookup_add(l);
	assert_ptr_equal(lookup_name("l0"), l);
	assert_ptr_equal(lookup_name("l1"), l);
	master.opt.inetd = false;
	drop_all();
}

static void
test_files(void **state)
{
	const struct unixsock file = { .dev = 1, .ino = 2 };
	const struct unixsock other = { .dev = 2, .ino = 1 };
	struct listener *l = &all[0];
	const char *err;

	(void)state;
	memset(l, 0, sizeof(*l));
	assert_int_equal(addr_unix("/run/s", &l->asked, &err), 0);
	l->addr = l->asked;
	lookup_add(l);
	assert_null(lookup_file(&file));
	l->file = file;
	lookup_add(l);
	assert_ptr_equal(lookup_file(&file), l);
	assert_null(lookup_file(&other));
	assert_ptr_equal(lookup_asked(&l->asked, ""), l);
	assert_null(lookup_bound(&l->addr));
	lookup_del(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_each_of_many),
		T(test_any_port),
		T(test_names),
		T(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
