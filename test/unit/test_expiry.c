/*
 * test_expiry.c - which certificates are warned of, and when.
 */
#include "evtest.h"

#include "conf/conf.h"
#include "master.h"
#include "proc/expiry.h"
#include "proc/generation.h"

#define NOW	2000000000
#define DAY	86400

struct master master;

static unsigned
warned(uint64_t until)
{
	struct conf_cert certs[] = {
		{ "/never", "", 0, 0 },
		{ "/far", "", NOW + 400ULL * DAY, NOW + 370ULL * DAY },
		{ "/it", "", until, until - MIN(until, 30ULL * DAY) }
	};
	struct conf_tls tls = { .name = "t", .certs = certs, .ncerts = 3 };
	struct conf_tls lists = { .name = "t", .crls = certs, .ncrls = 3 };
	struct conf conf = { .tlss = &tls, .ntlss = 1 };
	unsigned n = expiry_look(&conf, NOW);

	conf.tlss = &lists;
	assert_int_equal(expiry_look(&conf, NOW), n);
	return n;
}

static void
test_soon(void **state)
{
	(void)state;
	assert_int_equal(warned(NOW + 31ULL * DAY), 0);
	assert_int_equal(warned(NOW + 29ULL * DAY), 1);
	assert_int_equal(warned(NOW + 1), 1);
	assert_int_equal(warned(NOW - 1), 1);
	assert_int_equal(warned(1), 1);
	assert_int_equal(warned(UINT64_MAX), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
