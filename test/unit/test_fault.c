/*
 * test_fault.c - what a fault makes of one direction, by a clock of its own:
 * exact, in order, nothing lost, the same whatever the reads, never hanging.
 */
#include "evtest.h"

#include "../../relay/filter/fault_flow.h"
#include "../../relay/filter/fault_random.h"
#include "../../relay/store.h"
#include "conf/int.h"

#define MOST	(1024 * 1024)
#define START	1000		/* ms */
#define ALL	SIZE_MAX

static char	 data[MOST], got[MOST];

/* One direction, and what has come out of it. */
struct line {
	struct fault_flow	 flow;
	struct conf_fault	 conf;
	struct fault_call	 call;
	enum verdict		 verdict;
	struct queue		*in, *out;
	size_t			 put, got, pieces;
	size_t			 piece[64];	/* the first ones */
};

static int
setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 2654435761u >> 24);
	store_limit(16 * MOST);
	return 0;
}

/* What the options of a section say, as in a file: "latency=5ms jitter=1ms". */
static struct line
line(const char *options)
{
	struct line l = { .call = { .on = true, .room = ALL, .now = START } };
	char *copy = strdup(options), *rest = copy, *name, *value;
	const struct conf_opt *o;
	const char *err;
	uint64_t n;

	for (o = conf_spec_fault.opts; o->name != NULL; o++)
		conf_field_default(o, &l.conf);
	strlcpy(l.conf.name, "x", sizeof(l.conf.name));
	while ((value = strsep(&rest, " ")) != NULL) {
		name = strsep(&value, "=");
		assert_non_null(o = conf_spec_find(&conf_spec_fault, name));
		assert_int_equal(conf_field_parse(o, value, &n, &err), 0);
		assert_true(conf_field_in_range(o, n));
		conf_field_set(o, &l.conf, n);
	}
	free(copy);
	assert_null(conf_fault_wrong(&l.conf, &err));
	fault_begin(&l.flow, &l.conf, 1, 7, START);
	return l;
}

/* Runs it, and takes what comes out. */
static enum verdict
run(struct line *l)
{
	struct iovec iov[QUEUE_IOV];
	int i, n;

	l->call.conf = &l->conf;
	l->verdict = fault_run(&l->flow, &l->call, &l->in, &l->out);
	assert_int_not_equal(l->verdict, FILTER_NOMEM);
	if (l->out != NULL && l->pieces < nitems_of(l->piece))
		l->piece[l->pieces++] = queue_len(l->out);
	while (l->out != NULL) {
		n = queue_look(l->out, iov);
		for (i = 0; i < n; i++) {
			memcpy(got + l->got, iov[i].iov_base, iov[i].iov_len);
			l->got += iov[i].iov_len;
			queue_taken(&l->out, iov[i].iov_len);
			if (l->out == NULL)
				break;
			n = 0;
		}
	}
	return l->verdict;
}

/* So many bytes come. */
static enum verdict
feed(struct line *l, size_t n)
{
	assert_int_equal(queue_add(&l->in, data + l->put, n), 0);
	l->put += n;
	return run(l);
}

/* Sends all of n bytes in reads of that size, and lets time pass until nothing
 * is due any more. */
static void
all(struct line *l, size_t n, size_t size)
{
	while (l->put < n)
		feed(l, MIN(size, n - l->put));
	while (l->call.wake != 0) {
		l->call.now = MAX(l->call.now, l->call.wake);
		run(l);
	}
}

static void
done(struct line *l)
{
	queue_free(&l->in);
	queue_free(&l->out);
	fault_free(&l->flow);
}

static void
test_latency(void **state)
{
	struct line l = line("latency=100ms");

	(void)state;
	feed(&l, 10);
	assert_int_equal(l.call.wake, START + 100);
	l.call.now = START + 50;
	feed(&l, 5);
	feed(&l, 5);
	assert_int_equal(l.got, 0);
	l.call.now = START + 100;
	run(&l);
	assert_int_equal(l.got, 10);
	assert_int_equal(l.call.wake, START + 150);
	l.call.now = START + 149;
	run(&l);
	assert_int_equal(l.got, 10);
	l.call.now = START + 150;
	l.call.flow = FLOW_LAST;
	assert_int_equal(run(&l), FILTER_GO);
	assert_int_equal(l.got, 20);
	assert_int_equal(l.call.wake, 0);
	assert_memory_equal(got, data, 20);
	done(&l);
}

/* A later byte is never due before an earlier one. */
static void
test_jitter(void **state)
{
	struct line l = line("latency=50ms jitter=50ms");
	uint64_t lowest = UINT64_MAX, highest = 0, last = 0;
	size_t i, before;

	(void)state;
	for (i = 0; i < 2000; i++) {
		l.call.now = START + i * 200;
		before = l.got;
		feed(&l, 3);
		while (l.got < before + 3) {
			l.call.now = l.call.wake;
			run(&l);
		}
		assert_true(l.call.now >= last);
		last = l.call.now;
		lowest = MIN(lowest, last - START - i * 200);
		highest = MAX(highest, last - START - i * 200);
	}
	assert_in_range(lowest, 0, 2);
	assert_in_range(highest, 98, 100);
	for (i = 0; i < 2000; i++)
		feed(&l, 3);
	all(&l, l.put, 1);
	assert_int_equal(l.got, l.put);
	assert_memory_equal(got, data, l.got);
	done(&l);
}

static void
test_bandwidth(void **state)
{
	static const struct {
		const char	*options;
		size_t		 bytes;
		uint64_t	 ms;
	} cases[] = {
		{ "bandwidth=64k", 640 * 1024, 10000 },
		{ "bandwidth=1000", 10000, 10000 },
		{ "bandwidth=1", 10, 10000 },
		{ "bandwidth=7", 70, 10000 },
		{ "bandwidth=100k", MOST, 10240 }
	};
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		l = line(cases[i].options);
		all(&l, cases[i].bytes, 48 * 1024);
		assert_int_equal(l.got, cases[i].bytes);
		assert_in_range(l.call.now - START, cases[i].ms * 99 / 100,
		    cases[i].ms * 101 / 100);
		assert_memory_equal(got, data, l.got);
		done(&l);
	}
}

/* Where what is due in a millisecond does not fit into the queues at once. */
static void
test_bandwidth_fast(void **state)
{
	struct line l = line("bandwidth=100m");
	uint64_t bytes = 0;

	(void)state;
	while (l.call.now < START + 1000) {
		l.put = l.got = 0;
		all(&l, 48 * 1024, 48 * 1024);
		bytes += l.got;
	}
	assert_in_range(bytes, 99 * MOST, 101 * MOST);
	done(&l);
}

static size_t
bits_differ(size_t n)
{
	size_t i, bits = 0;

	for (i = 0; i < n; i++)
		bits += (size_t)__builtin_popcount(
		    (uint8_t)(got[i] ^ data[i]));
	return bits;
}

static void
test_flip(void **state)
{
	static const size_t sizes[] = { 1, 7, 4096, 65537 };
	static char first[200000];
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(sizes); i++) {
		l = line("flip=1e-3 seed=42");
		all(&l, sizeof(first), sizes[i]);
		assert_int_equal(l.got, sizeof(first));
		if (i == 0)
			memcpy(first, got, sizeof(first));
		assert_memory_equal(got, first, sizeof(first));
		assert_in_range(bits_differ(sizeof(first)), 1400, 1800);
		done(&l);
	}
	l = line("flip=1e-3 seed=43");
	all(&l, sizeof(first), 4096);
	assert_memory_not_equal(got, first, sizeof(first));
	done(&l);
	l = line("flip=1");
	all(&l, 1000, 10);
	assert_int_equal(bits_differ(1000), 8000);
	done(&l);
	l = line("flip=0");
	all(&l, 1000, 10);
	assert_int_equal(bits_differ(1000), 0);
	done(&l);
}

static void
test_flip_at(void **state)
{
	struct line l;
	size_t size;

	(void)state;
	for (size = 1; size <= 100; size += 33) {
		l = line("flip-at=64 bit=3");
		all(&l, 100, size);
		assert_int_equal(bits_differ(100), 1);
		assert_int_equal((uint8_t)(got[64] ^ data[64]), 8);
		done(&l);
	}
}

static void
test_slice(void **state)
{
	struct line l = line("slice=10 slice-variation=5 slice-delay=2ms");
	size_t first[nitems_of(l.piece)];
	size_t i;

	(void)state;
	all(&l, 10000, 10000);
	assert_int_equal(l.got, 10000);
	assert_memory_equal(got, data, l.got);
	assert_in_range(l.call.now - START, 2 * 900, 2 * 1100);
	memcpy(first, l.piece, sizeof(first));
	for (i = 0; i < nitems_of(first); i++)
		assert_in_range(first[i], 5, 15);
	done(&l);
	l = line("slice=10 slice-variation=5");
	all(&l, 10000, 500);
	assert_int_equal(l.got, 10000);
	assert_int_equal(l.call.now, START);
	done(&l);
	/* Byte by byte the slices are where they were; of the first one each
	 * byte has gone as it came. */
	l = line("slice=10 slice-variation=5 slice-delay=2ms");
	all(&l, 10000, 1);
	assert_int_equal(l.got, 10000);
	assert_memory_equal(l.piece + first[0], first + 1, sizeof(first) -
	    first[0] * sizeof(first[0]));
	done(&l);
}

static void
test_limit(void **state)
{
	static const size_t sizes[] = { 1, 7, 999, 1000, 1001, 5000 };
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(sizes); i++) {
		l = line(i % 2 ? "limit=1000 end=rst" : "limit=1000");
		while (l.put < 5000) {
			feed(&l, sizes[i]);
			assert_int_equal(l.got, MIN(l.put, 1000));
			assert_int_equal(l.verdict, l.put < 1000 ? FILTER_GO :
			    i % 2 ? FILTER_RST : FILTER_FIN);
			if (l.put >= 1000)
				assert_null(l.in);
		}
		assert_memory_equal(got, data, 1000);
		done(&l);
	}
	l = line("limit=0");
	assert_int_equal(run(&l), FILTER_FIN);
	done(&l);
}

static void
test_slow_close(void **state)
{
	struct line l = line("slow-close=2s");

	(void)state;
	assert_int_equal(feed(&l, 10), FILTER_GO);
	assert_int_equal(l.got, 10);
	assert_int_equal(l.call.wake, 0);
	l.call.flow = FLOW_LAST;
	assert_int_equal(run(&l), FILTER_HOLD);
	assert_int_equal(l.call.wake, START + 2000);
	l.call.now += 1999;
	assert_int_equal(run(&l), FILTER_HOLD);
	l.call.now++;
	assert_int_equal(run(&l), FILTER_GO);
	done(&l);
	l = line("slow-close=2s");
	l.call.flow = FLOW_RESET;
	assert_int_equal(run(&l), FILTER_GO);
	done(&l);
}

static void
test_drop(void **state)
{
	struct line l = line("drop-after=10 timeout=5s");

	(void)state;
	assert_int_equal(feed(&l, 9), FILTER_GO);
	l.call.now += 100;
	assert_int_equal(feed(&l, 9), FILTER_HOLD);
	assert_int_equal(l.got, 10);
	assert_null(l.in);
	assert_int_equal(l.call.wake, START + 5100);
	l.call.flow = FLOW_LAST;
	l.call.now += 4999;
	assert_int_equal(feed(&l, 100), FILTER_HOLD);
	l.call.now++;
	assert_int_equal(run(&l), FILTER_CLOSE);
	assert_int_equal(l.got, 10);
	done(&l);
	/* For ever, and then the end goes on. */
	l = line("drop-after=0");
	assert_int_equal(feed(&l, 9), FILTER_HOLD);
	assert_int_equal(l.call.wake, 0);
	l.call.flow = FLOW_LAST;
	l.call.on = false;
	assert_int_equal(run(&l), FILTER_GO);
	done(&l);
}

static void
test_reset_cut_down(void **state)
{
	struct line l = line("reset-after=100 delay=30ms");

	(void)state;
	assert_int_equal(feed(&l, 250), FILTER_HOLD);
	assert_int_equal(l.got, 100);
	assert_int_equal(l.call.wake, START + 30);
	l.call.now = START + 30;
	assert_int_equal(run(&l), FILTER_CUT);
	assert_int_equal(l.got, 100);
	done(&l);
	l = line("cut-after=30s");
	assert_int_equal(feed(&l, 250), FILTER_GO);
	assert_int_equal(l.got, 250);
	assert_int_equal(l.call.wake, START + 30000);
	l.call.now = START + 30000;
	assert_int_equal(run(&l), FILTER_CUT);
	done(&l);
	l = line("down=yes");
	assert_int_equal(run(&l), FILTER_CUT);
	done(&l);
}

/* Whatever is held goes out at once, in order, when a fault is removed. */
static void
test_removal(void **state)
{
	static const char * const faults[] = { "latency=1d", "bandwidth=1",
		"slice=1 slice-delay=1h", "reset-after=10 delay=1h" };
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(faults); i++) {
		l = line(faults[i]);
		feed(&l, 500);
		feed(&l, 500);
		assert_true(l.got < 20);
		assert_int_not_equal(l.call.wake, 0);
		l.call.on = false;
		assert_int_equal(run(&l), FILTER_GO);
		assert_int_equal(l.got, 1000);
		assert_int_equal(l.call.wake, 0);
		assert_null(l.in);
		assert_memory_equal(got, data, 1000);
		/* And it begins anew. */
		l.call.on = true;
		feed(&l, 500);
		assert_true(l.got < 1500);
		done(&l);
	}
}

static void
test_changed(void **state)
{
	struct line l = line("latency=1h jitter=1m");

	(void)state;
	feed(&l, 500);
	l.conf.latency = 10;
	l.conf.jitter = 0;
	fault_changed(&l.flow, &l.conf, START);
	run(&l);
	assert_int_equal(l.call.wake, START + 10);
	l.call.now = START + 10;
	feed(&l, 1);
	assert_int_equal(l.got, 500);
	assert_int_equal(l.call.wake, START + 20);
	done(&l);
}

/* The far end takes little at a time; nobody is woken for that. */
static void
test_room(void **state)
{
	static const char * const faults[] = { "latency=10ms", "bandwidth=1m",
		"flip=1e-9", "slice=100", "limit=1m", "slow-close=1s",
		"drop-after=1m", "reset-after=1m" };
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(faults); i++) {
		l = line(faults[i]);
		l.call.room = 0;
		feed(&l, 1000);
		l.call.now += 100;
		run(&l);
		assert_int_equal(l.got, 0);
		assert_int_equal(l.call.wake, 0);
		l.call.room = 7;
		while (l.got < 1000) {
			run(&l);
			assert_true(l.got > 0);
			l.call.now = MAX(l.call.now, l.call.wake);
		}
		assert_memory_equal(got, data, 1000);
		done(&l);
	}
}

/* A reset does not wait for what is late. */
static void
test_reset_drops(void **state)
{
	static const char * const faults[] = { "latency=1d", "bandwidth=1",
		"slice=1 slice-delay=1h" };
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(faults); i++) {
		l = line(faults[i]);
		feed(&l, 1000);
		l.call.flow = FLOW_RESET;
		assert_int_equal(run(&l), FILTER_GO);
		assert_null(l.in);
		assert_int_equal(l.call.wake, 0);
		done(&l);
	}
}

static void
test_chance(void **state)
{
	struct line l = line("down=yes chance=0.5 seed=3");
	unsigned i, n = 0, same = 0;
	struct conf_fault other = l.conf;

	(void)state;
	other.seed++;
	for (i = 1; i <= 1000; i++) {
		n += fault_drawn(&l.conf, i);
		same += fault_drawn(&l.conf, i) == fault_drawn(&other, i);
		assert_int_equal(fault_drawn(&l.conf, i),
		    fault_drawn(&l.conf, i));
	}
	assert_in_range(n, 450, 550);
	assert_in_range(same, 400, 600);
	l.conf.chance = CONF_WHOLE;
	other.chance = 0;
	for (i = 1; i <= 1000; i++) {
		assert_true(fault_drawn(&l.conf, i));
		assert_false(fault_drawn(&other, i));
	}
}

static void
test_wrong(void **state)
{
	static const struct {
		const char	*option, *value, *names;
	} cases[] = {
		{ "jitter", "1s", "jitter" }, { "bit", "1", "bit" },
		{ "slice-delay", "1s", "slice-delay" },
		{ "slice-variation", "1", "slice-variation" },
		{ "timeout", "1s", "timeout" }, { "delay", "1s", "delay" },
		{ "end", "rst", "end" }, { "latency", "1s", NULL },
		{ "down", "yes", NULL }
	};
	const struct conf_opt *o;
	const char *err, *name;
	struct line l;
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		l = line("bandwidth=1k");
		o = conf_spec_find(&conf_spec_fault, cases[i].option);
		assert_int_equal(conf_field_parse(o, cases[i].value, &n, &err),
		    0);
		conf_field_set(o, &l.conf, n);
		assert_non_null(conf_fault_wrong(&l.conf, &name));
		if (cases[i].names == NULL)
			assert_null(name);
		else
			assert_string_equal(name, cases[i].names);
	}
	l = line("slice=10");
	l.conf.slice_variation = 10;
	assert_non_null(conf_fault_wrong(&l.conf, &name));
	l.conf.slice = CONF_NONE;
	l.conf.slice_variation = 0;
	assert_non_null(conf_fault_wrong(&l.conf, &name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_bandwidth),
		cmocka_unit_test(test_bandwidth_fast),
		cmocka_unit_test(test_flip),
		cmocka_unit_test(test_flip_at),
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_slow_close),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_reset_cut_down),
		cmocka_unit_test(test_removal),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_reset_drops),
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
