/*
 * test_metrics.c - what views say becomes metrics: labels, escapes, sums, and
 * what is missing.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <event2/buffer.h>

#include "metric.h"
#include "metrics.h"
#include "sight.h"

static struct sight sight;

static void
put(const char *view, const char *text)
{
	size_t i = 0;

	while (strcmp(sight_views[i], view) != 0)
		i++;
	assert_int_equal(sight_put(&sight, i, strdup(text)), 0);
}

/* The caller frees it. */
static char *
write_all(void)
{
	struct evbuffer *b = evbuffer_new();
	char *text;
	size_t n;

	assert_int_equal(metrics_write(b, &sight), 0);
	n = evbuffer_get_length(b);
	assert_non_null(text = calloc(1, n + 1));
	evbuffer_remove(b, text, n);
	evbuffer_free(b);
	sight_clear(&sight);
	return text;
}

/* The samples of a metric are these lines. */
static void
check(const char *text, const char *name, const char *lines)
{
	const size_t len = strlen(lines);
	char type[128];
	const char *p;

	snprintf(type, sizeof(type), "# TYPE spawnd_%s ", name);
	assert_non_null(p = strstr(text, type));
	assert_non_null(p = strchr(p, '\n'));
	if (strncmp(p + 1, lines, len) != 0 ||
	    (p[1 + len] != '#' && p[1 + len] != '\0'))
		fail_msg("not %s but %.400s", lines, p + 1);
}

static void
test_listeners(void **unused)
{
	char *text;

	(void)unused;
	put("listeners", "name\taddress\trelay\ttag\tdenied\tlimited\twaiting\n"
	    "web\t[::1]:80\tapp\tdmz\t5\t18446744073709551615\t-\n"
	    "we\\b\"\t/run/a b\tapp\t-\t0\t1\t3\n"
	    "web\t127.0.0.1:80\tapp\tdmz\t1\t2\n");
	text = write_all();
	check(text, "refused_connections_total",
	    "spawnd_refused_connections_total{listener=\"we\\\\b\\\"\","
	    "address=\"/run/a b\",reason=\"denied\"} 0\n"
	    "spawnd_refused_connections_total{listener=\"we\\\\b\\\"\","
	    "address=\"/run/a b\",reason=\"limited\"} 1\n"
	    "spawnd_refused_connections_total{listener=\"web\","
	    "address=\"127.0.0.1:80\",reason=\"denied\"} 1\n"
	    "spawnd_refused_connections_total{listener=\"web\","
	    "address=\"127.0.0.1:80\",reason=\"limited\"} 2\n"
	    "spawnd_refused_connections_total{listener=\"web\","
	    "address=\"[::1]:80\",reason=\"denied\"} 5\n"
	    "spawnd_refused_connections_total{listener=\"web\","
	    "address=\"[::1]:80\",reason=\"limited\"} "
	    "1.84467440737096e+19\n");
	/* Not known is not 0; two sockets are one section. */
	check(text, "waiting_connections",
	    "spawnd_waiting_connections{listener=\"we\\\\b\\\"\","
	    "address=\"/run/a b\"} 3\n");
	check(text, "listener_info",
	    "spawnd_listener_info{listener=\"we\\\\b\\\"\",relay=\"app\"} 1\n"
	    "spawnd_listener_info{listener=\"web\",relay=\"app\","
	    "tag=\"dmz\"} 1\n");
	free(text);
}

static void
test_words(void **unused)
{
	char *text;

	(void)unused;
	put("summary", "version\toverload\treload_state\n1.0\tyes\tfailed\n");
	put("workers", "pid\tstate\n1\tready\n2\tready\n3\tdraining\n");
	put("generations", "generation\tstate\n2\tcurrent\n1\tdraining\n");
	put("remotes", "relay\tname\taddress\tstate\n"
	    "app\ta\t10.0.0.1:1\theld\n");
	text = write_all();
	check(text, "build_info", "spawnd_build_info{version=\"1.0\"} 1\n");
	check(text, "overload", "spawnd_overload 1\n");
	check(text, "last_reload_success", "spawnd_last_reload_success 0\n");
	check(text, "draining_generations", "spawnd_draining_generations 1\n");
	check(text, "workers", "spawnd_workers{state=\"draining\"} 1\n"
	    "spawnd_workers{state=\"ready\"} 2\n"
	    "spawnd_workers{state=\"retiring\"} 0\n"
	    "spawnd_workers{state=\"starting\"} 0\n"
	    "spawnd_workers{state=\"stuck\"} 0\n");
	check(text, "remote_up", "spawnd_remote_up{relay=\"app\","
	    "remote=\"a\",address=\"10.0.0.1:1\"} 0\n");
	assert_non_null(strstr(text, "state=\"held\"} 1\n"));
	assert_non_null(strstr(text, "state=\"up\"} 0\n"));
	free(text);
}

/* What two addresses of a remote have is one histogram; what is no histogram
 * is none. */
static void
test_times(void **unused)
{
	char *text;

	(void)unused;
	put("times", "measure\tlistener\trelay\tremote\tcount\tsum\tbuckets\n"
	    "queue\tweb\t-\t-\t9\t1.5\t"
	    "1 2 3 4 5 6 7 8 8 8 8 8 8 8 8 8 8 8 9\n"
	    "connect\t-\tapp\ta\t1\t0.25\t"
	    "0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 1\n"
	    "connect\t-\tapp\ta\t2\t0.5\t"
	    "2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2\n"
	    "handshake\t-\t-\t-\t2\t0.5\t"
	    "2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2\n"
	    "session\tweb\t-\t-\t9\t1.5\t1 2 3\n"
	    "session\tweb\t-\t-\t9\t-\t"
	    "2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2\n");
	text = write_all();
	check(text, "session_seconds", "");
	assert_non_null(strstr(text,
	    "spawnd_queue_seconds_bucket{listener=\"web\",le=\"0.0005\"} 1\n"
	    "spawnd_queue_seconds_bucket{listener=\"web\",le=\"0.001\"} 2\n"));
	assert_non_null(strstr(text,
	    "spawnd_queue_seconds_bucket{listener=\"web\",le=\"3600\"} 8\n"
	    "spawnd_queue_seconds_bucket{listener=\"web\",le=\"+Inf\"} 9\n"
	    "spawnd_queue_seconds_sum{listener=\"web\"} 1.5\n"
	    "spawnd_queue_seconds_count{listener=\"web\"} 9\n"));
	assert_non_null(strstr(text, "spawnd_remote_connect_seconds_bucket{"
	    "relay=\"app\",remote=\"a\",le=\"0.1\"} 2\n"));
	assert_non_null(strstr(text, "{relay=\"app\",remote=\"a\","
	    "le=\"0.25\"} 3\n"));
	assert_non_null(strstr(text, "spawnd_remote_connect_seconds_sum{"
	    "relay=\"app\",remote=\"a\"} 0.75\n"));
	assert_non_null(strstr(text,
	    "spawnd_handshake_seconds_bucket{le=\"+Inf\"} 2\n"
	    "spawnd_handshake_seconds_sum 0.5\n"
	    "spawnd_handshake_seconds_count 2\n"));
	assert_null(strstr(text, "nan"));
	free(text);
}

/* Each is said what it is, also before anything has happened; nothing is said
 * that a view does not say. */
static void
test_nothing(void **unused)
{
	const struct metric *m;
	char *text, *p, head[256];

	(void)unused;
	text = write_all();
	for (p = text; *p != '\0'; p = strchr(p, '\n') + 1)
		assert_int_equal(*p, '#');
	for (m = metrics; m->view != NULL; m++) {
		if (m->name == NULL)
			continue;
		snprintf(head, sizeof(head), "# TYPE spawnd_%s %s\n", m->name,
		    m->type);
		assert_non_null(p = strstr(text, head));
		assert_null(strstr(p + 1, head));
	}
	free(text);
}

/* As many as there may be, and more labels than fit in what is taken first. */
static void
test_many(void **unused)
{
	const size_t n = 2000;
	char *text, *all = NULL;
	size_t i, len, lines = 0;
	FILE *f = open_memstream(&all, &len);

	(void)unused;
	fprintf(f, "relay\tname\taddress\tactive\n");
	for (i = 0; i < n; i++)
		fprintf(f, "app\tr%04zu\t10.0.0.1:%zu\t%zu\n", n - i, i, n - i);
	fclose(f);
	put("remotes", all);
	free(all);
	text = write_all();
	for (all = text; (all = strstr(all, "\nspawnd_remote_sessions{")) !=
	    NULL; lines++, all++)
		assert_int_equal(atoi(strstr(all, "remote=\"r") + 9),
		    (int)lines + 1);
	assert_int_equal(lines, n);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
