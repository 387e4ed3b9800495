#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <event2/buffer.h>

#include "page.h"
#include "page_chart.h"
#include "page_problem.h"
#include "page_table.h"
#include "sight.h"

#define EVIL	"<script>alert('1')</script>&\""

static struct sight sight;

static void
put(const char *view, const char *text)
{
	size_t i = 0;

	while (strcmp(sight_views[i], view) != 0)
		i++;
	assert_int_equal(sight_put(&sight, i, strdup(text)), 0);
}

/* The same of the page as text; the caller frees it. */
static char *
page(void)
{
	struct evbuffer *b = evbuffer_new();
	char *text;
	size_t n;

	page_write(b, &sight, "abc");
	n = evbuffer_get_length(b);
	assert_non_null(text = calloc(1, n + 1));
	evbuffer_remove(b, text, n);
	evbuffer_free(b);
	return text;
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s is not in %s", part, strstr(text, "<main"));
}

static void
has_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("%s is there", part);
}

/* Each element that is begun is ended, in its order. */
static void
well_formed(const char *text)
{
	static const char * const single[] = { "meta", "link", "path", "rect",
	    "!DOCTYPE" };
	char stack[64][16], name[16];
	size_t depth = 0, n, i;
	bool close;

	while ((text = strchr(text, '<')) != NULL) {
		close = *++text == '/';
		text += close;
		n = strcspn(text, " \n>/");
		assert_in_range(n, 1, sizeof(name) - 1);
		snprintf(name, sizeof(name), "%.*s", (int)n, text);
		for (i = 0; i < nitems_of(single); i++)
			if (strcmp(single[i], name) == 0)
				break;
		if (i < nitems_of(single))
			continue;
		if (!close) {
			assert_in_range(depth, 0, nitems_of(stack) - 1);
			strlcpy(stack[depth++], name, sizeof(name));
			if (strcmp(name, "script") == 0 ||
			    strcmp(name, "style") == 0)
				assert_non_null(text = strstr(text, "</s"));
			continue;
		}
		assert_int_not_equal(depth, 0);
		assert_string_equal(stack[--depth], name);
	}
	assert_int_equal(depth, 0);
}

static void
sample(void)
{
	put("summary", "version\tpid\tuptime_seconds\tgeneration\tworkers\t"
	    "draining\tsessions\tsessions_total\twaiting\tkept\toverload\t"
	    "users_max_total\trefused\tdenied\tbytes_in\tbytes_out\t"
	    "last_reload\treload_state\treload_seconds\tdropped_logs\n"
	    "0.9\t4711\t90061\t7\t4\t1\t1284\t91233411\t3\t0\tyes\t32000\t"
	    "6596\t6590\t12345678901\t98765432109\tfailed: " EVIL
	    "\tfailed\t312\t5\n");
	put("listeners", "name\taddress\trelay\taccepted\twaiting\tbacklog\n"
	    EVIL "\t0.0.0.0:80\tapp\t81240007\t600\t1024\n");
	put("remotes", "relay\tname\taddress\tweight\tactive\tstate\tsince\t"
	    "check_error\n"
	    "app\ta\t10.0.0.1:80\t2\t740\tup\t9\t-\n"
	    "app\tb\t10.0.0.2:80\t1\t370\tup\t9\t-\n"
	    "app\tc\t10.0.0.3:80\t1\t0\tdown\t341\t" EVIL "\n"
	    "app\td\t10.0.0.4:80\t1\t0\theld\t-\t-\n"
	    "pg\te\t10.0.0.5:80\t1\t0\tdisabled\t-\t-\n");
	put("workers", "pid\tgeneration\tstate\tsessions\tage_seconds\n"
	    "5001\t7\tready\t412\t312\n5002\t7\tstuck\t1\t312\n");
	put("generations", "generation\tstate\tworkers\tsessions\t"
	    "age_seconds\twhy\n6\tdraining\t1\t2\t86431\tsessions are open\n");
	put("times", "measure\tlistener\trelay\tremote\tcount\tsum\tp50\tp90\t"
	    "p99\tbuckets\n"
	    "queue\tweb\t-\t-\t3\t0.1\t0.0004\t0.5\t90\t0 1 2 3\n"
	    "session\tnone\t-\t-\t0\t0\t-\t-\t-\t0\n"
	    "connect\t-\tapp\ta\t2\t0\t-\t-\t-\t" EVIL "\n");
	put("tls", "listener\ttls\tname\tdays\tfailed\n"
	    "web\tsite\ta.test\t8\t0\nweb\tsite\tb.test\t-1\t0\n"
	    "web\tsite\tc.test\t90\t0\n");
	put("history", "time\tsessions\twaiting\tnew\tfailed\tbytes_in\t"
	    "bytes_out\n"
	    "1000\t9\t0\t10\t0\t1000\t1000\n"
	    "4990\t700\t0\t10\t0\t1000\t1000\n"
	    "5000\t800\t2\t2000\t5\t4120000000\t1000\n"
	    "5100\t1284\t3\t1660\t0\t412000000\t1000\n");
	put("errors", "time\tlevel\tprocess\tmessage\n"
	    "2026-12-01T01:39:09.123Z\terror\trelay[1]\t" EVIL "\n"
	    "2026-12-01T01:40:09.123Z\tinfo\trelay[1]\tgeneration 7\n");
}

static void
all_is_there(void **state)
{
	static const char * const parts[] = {
		"<title>(10!) 1,284 sessions", "up 1d01h", "failed 5m12s ago",
		"<script nonce=\"abc\">", "<style nonce=\"abc\">",
		"http-equiv=\"refresh\"", "<data value=\"1284\">1,284</data>",
		"<dd>4 % of 32,000</dd>", "<data value=\"81240007\">81,2",
		">166<", "412M", "<data value=\"0.0004\">0.4 ms</data>",
		"<data value=\"0.5\">500 ms</data>", "1m30s",
		"aria-label=\"66 % of 66 %\"", ">app/a<",
		"<span class=\"state bad\">down</span>",
		"Sessions in the last hour. open: 1,284 now, 1,284 at most;"
		    " waiting: 3 now, 3 at most",
		"<time datetime=\"2026-12-01T01:39:09.123Z\">"
	};
	char *text;
	size_t i;

	(void)state;
	sample();
	text = page();
	for (i = 0; i < nitems_of(parts); i++)
		has(text, parts[i]);
	well_formed(text);
	assert_true(strstr(text, "T01:40:09.123Z") <
	    strstr(text, "T01:39:09.123Z"));
	free(text);
}

static void
nothing_is_markup(void **state)
{
	char *text;

	(void)state;
	sample();
	text = page();
	has_not(text, "<script>");
	has_not(text, ">none<");
	assert_int_equal(count(text, "<script"), 1);
	assert_int_equal(count(text, "&lt;script&gt;alert(&#39;1&#39;)"
	    "&lt;/script&gt;&amp;&quot;"), 6);
	assert_int_equal(count(text, "http://"), 0);
	free(text);
}

static void
problems(void **state)
{
	static const char * const parts[] = {
		"All workers have", "last reload has failed: &lt;script",
		"5 lines of the log", "No remote of pg is up",
		"Remote app/c (10.0.0.3:80) has been down for 5m41s: &lt;",
		"Remote app/d (10.0.0.4:80) is left alone",
		"600 connections wait at &lt;script", "Worker 5002 is stuck",
		"a.test of site expires in 8 days", "b.test of site has expired"
	};
	struct evbuffer *b = evbuffer_new();
	char *text;
	size_t i;

	(void)state;
	sample();
	assert_int_equal(page_problems(b, &sight), nitems_of(parts));
	evbuffer_add(b, "", 1);
	text = (char *)evbuffer_pullup(b, -1);
	for (i = 0; i < nitems_of(parts); i++)
		has(text, parts[i]);
	evbuffer_free(b);
}

/* What is not known yet, what is empty, and what has other columns. */
static void
little_is_known(void **state)
{
	size_t i;
	char *text;

	(void)state;
	sight_clear(&sight);
	text = page();
	well_formed(text);
	has(text, "Nothing is wrong");
	has(text, "<title>spawnd</title>");
	free(text);
	for (i = 0; i < SIGHT_VIEWS; i++)
		put(sight_views[i], "one\ttwo\n");
	text = page();
	well_formed(text);
	has(text, "Nothing was measured yet.");
	free(text);
	for (i = 0; i < SIGHT_VIEWS; i++)
		put(sight_views[i], "one\ttwo\n" EVIL "\n\n2\t3\n");
	text = page();
	well_formed(text);
	has(text, "Nothing is wrong");
	free(text);
}

/* A page of ten thousand remotes would be of no use; those that are down are
 * not among what is left out. */
static void
too_many(void **state)
{
	char *rows = NULL, *text;
	size_t len, i;
	FILE *f = open_memstream(&rows, &len);

	(void)state;
	assert_non_null(f);
	fprintf(f, "relay\tname\taddress\tweight\tactive\tstate\tsince\t"
	    "check_error\n");
	for (i = 0; i < 10000; i++)
		fprintf(f, "app\tr%zu\t10.0.0.1:1\t1\t1\t%s\t1\t-\n", i,
		    i == 9999 ? "down" : "up");
	fclose(f);
	put("remotes", rows);
	text = page();
	well_formed(text);
	has(text, "200 of 10000;");
	has(text, ">r9999<");
	has(text, ">r198<");
	has_not(text, ">r199<");
	has_not(text, "class=\"share\"");
	free(text);
	free(rows);
}

static void
a_gap_is_no_line(void **state)
{
	struct evbuffer *b = evbuffer_new();
	char *text;

	(void)state;
	sample();
	page_charts(b, sight_rows(&sight, "history"));
	evbuffer_add(b, "", 1);
	text = (char *)evbuffer_pullup(b, -1);
	has(text, "class=\"line0\" d=\"M3490 65.0h1L3500 60.0M3600 35.8h1\"");
	has(text, "d=\"M3490 100V65.0L3500 60.0V100ZM3600 100V35.8V100\"");
	evbuffer_free(b);
}

static int
clear(void **state)
{
	(void)state;
	sight_clear(&sight);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(all_is_there, clear),
		cmocka_unit_test_teardown(nothing_is_markup, clear),
		cmocka_unit_test_teardown(problems, clear),
		cmocka_unit_test_teardown(little_is_known, clear),
		cmocka_unit_test_teardown(too_many, clear),
		cmocka_unit_test_teardown(a_gap_is_no_line, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
