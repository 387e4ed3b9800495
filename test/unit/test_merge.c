/*
 * test_merge.c - what a name stands for becomes places: those that stay keep
 * theirs, whatever comes and goes; and the answer for a service, as bytes.
 */
#include "looptest.h"

#include <arpa/inet.h>

#include "dns/ask.h"
#include "dns/srv.h"
#include "../../helpers/checker/merge.h"

#define PLACES	6

static struct target	 places[PLACES];
static struct merged	 m;
static uint64_t		 now;

static struct asked
asked_of(unsigned last, uint16_t weight, bool backup)
{
	struct asked a = { .weight = weight, .backup = backup };

	a.addr.in.sin_family = AF_INET;
	a.addr.in.sin_addr.s_addr = htonl(0x0a000000 + last);
	a.addr.in.sin_port = htons(80);
	a.addr.len = sizeof(a.addr.in);
	return a;
}

/* The answer is those, by the last number of their addresses. */
static void
answer(const char *list)
{
	struct asked all[32];
	unsigned n = 0;
	char *end;

	for (; *list != '\0'; list = *end == '\0' ? end : end + 1)
		all[n++] = asked_of((unsigned)strtoul(list, &end, 10), 0,
		    false);
	merge(places, PLACES, all, n, ++now, &m);
}

/* What stands there: "1 - 3", a minus for one that is not there. */
static void
expect(const char *want)
{
	char text[256] = "";
	unsigned i;

	for (i = 0; i < PLACES; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    places[i].present ? "%s%u" : "%s-", i == 0 ? "" : " ",
		    places[i].addr.ip[3]);
	assert_string_equal(text, want);
}

static int
begin(void **state)
{
	(void)state;
	memset(places, 0, sizeof(places));
	now = 0;
	return 0;
}

static void
test_those_that_stay_keep_their_place(void **state)
{
	(void)state;
	answer("1 2 3");
	expect("1 2 3 - - -");
	assert_true(m.come == 3 && m.gone == 0);
	places[2].state = TARGET_DOWN;
	strlcpy(places[2].error, "x", sizeof(places[2].error));
	answer("3 2 1");
	expect("1 2 3 - - -");
	assert_true(m.come == 0 && m.gone == 0);
	answer("4 3");
	expect("- - 3 4 - -");
	assert_true(m.come == 1 && m.gone == 2);
	assert_int_equal(places[2].state, TARGET_DOWN);
	assert_string_equal(places[2].error, "x");
	assert_int_equal(places[0].state, TARGET_UNKNOWN);
	assert_true(places[3].back && places[3].since == now);
	/* One that comes back has its place; others those never used. */
	answer("3 5 1");
	expect("1 - 3 - 5 -");
	assert_true(m.come == 2 && m.gone == 1);
}

static void
test_more_than_there_are_places(void **state)
{
	(void)state;
	answer("1 2 3 4 5 6 7 8");
	expect("1 2 3 4 5 6");
	assert_int_equal(m.left_out, 2);
	answer("1 3 4 5 6");
	answer("1 3 4 5");
	/* The place that was left first is the first to be used. */
	answer("1 3 4 5 9");
	expect("1 9 3 4 5 -");
	answer("1 3 4 5 9 10");
	expect("1 9 3 4 5 10");
	assert_int_equal(m.left_out, 0);
	answer("11 12 13 14 15 16 17");
	expect("11 12 13 14 15 16");
	assert_true(m.come == 6 && m.gone == 6 && m.left_out == 1);
}

static void
test_what_a_service_says(void **state)
{
	struct asked all[2];

	(void)state;
	all[0] = asked_of(1, 200, false);
	all[1] = asked_of(2, 1, true);
	merge(places, PLACES, all, 2, ++now, &m);
	assert_true(places[0].weight == 200 && !places[0].backup);
	assert_true(places[1].weight == 1 && places[1].backup);
	all[0].backup = true;
	all[1].weight = 7;
	merge(places, PLACES, all, 2, ++now, &m);
	assert_true(m.come == 0 && m.gone == 0);
	assert_true(places[0].backup && places[1].weight == 7);
}

/* _p.t SRV: an alias, then a.t at 8080 and b.t at 1, then "." */
static const uint8_t records[] =
    "\0\1\201\200\0\1\0\4\0\0\0\0" "\2_p\1t\0\0\41\0\1"
    "\300\14\0\5\0\1\0\0\0\7\0\4\1q\300\17"
    "\300\14\0\41\0\1\0\0\1\0\0\13\0\2\0\3\37\220\1b\1t\0"
    "\300\14\0\41\0\1\0\0\0\11\0\12\0\1\0\5\0\1\1a\300\17"
    "\300\14\0\41\0\1\0\0\0\11\0\7\0\0\0\0\0\0\0";

static void
test_the_bytes_of_a_service(void **state)
{
	struct srv all[8];
	const size_t len = sizeof(records) - 1;
	uint8_t copy[sizeof(records)];
	uint32_t ttl;
	size_t i;

	(void)state;
	assert_int_equal(srv_parse(records, len, all, 8, &ttl), 2);
	assert_int_equal(ttl, 7);
	assert_string_equal(all[0].host, "a.t");
	assert_true(all[0].port == 1 && all[0].priority == 1 &&
	    all[0].weight == 5);
	assert_string_equal(all[1].host, "b.t");
	assert_true(all[1].port == 8080 && all[1].priority == 2);
	assert_int_equal(srv_parse(records, len, all, 1, &ttl), 1);
	/* All that is cut off is none. */
	for (i = 0; i < len; i++)
		assert_int_equal(srv_parse(records, i, all, 8, &ttl), -1);
	/* A name that points to itself. */
	memcpy(copy, records, sizeof(copy));
	copy[22] = 22;
	assert_int_equal(srv_parse(copy, len, all, 8, &ttl), -1);
}

static void
count(void *arg, const struct answer *a)
{
	assert_null(a->why);
	*(unsigned *)arg = a->n;
}

/* Who answers does not say how long each of them is compared with all. */
static void
test_no_more_than_can_be_compared(void **state)
{
	const unsigned more = ASK_MOST + 100;
	char *list = malloc(more * 16), *at = list;
	unsigned i, n = 0;

	(void)state;
	for (i = 0; i < more; i++)
		at += sprintf(at, "10.0.%u.%u,", i / 256, i % 256);
	assert_non_null(ask_start(NULL, list, 80, count, &n));
	assert_int_equal(n, ASK_MOST);
	free(list);
}

#define A(f)	cmocka_unit_test_setup(f, begin)

static const struct CMUnitTest tests[] = {
	A(test_those_that_stay_keep_their_place),
	A(test_more_than_there_are_places),
	A(test_what_a_service_says),
	A(test_the_bytes_of_a_service),
	A(test_no_more_than_can_be_compared),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
