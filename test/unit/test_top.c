/*
 * What spawnctl top draws, and what keys do: on a canvas, of views and sessions
 * as they may come.
 */
#include "compat.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cmd.h"
#include "link.h"
#include "top/look.h"
#include "past.h"
#include "top/term.h"
#include "top/top.h"

struct ctl ctl;

/* --- in the place of look.c --- */

static struct rows rows[LOOK_VIEWS];
static uint64_t now = 1000;		/* ms */
static char sent[TOP_LINE];

static const char *const texts[LOOK_VIEWS] = {
	[LOOK_SUMMARY] = "version\tpid\tuptime_seconds\tgeneration\tworkers\t"
	    "draining\tsessions\tsessions_total\tdenied\tlimited\twaiting\t"
	    "overload\tusers_max_total\tbytes_in\tbytes_out\tlast_reload\t"
	    "reload_state\treload_seconds\tdropped_logs\n"
	    "0.1.0\t4711\t90000\t7\t2\t0\t3\t%u\t0\t0\t5\tyes\t10\t%u000\t0\t"
	    "failed: no such file\tfailed\t61\t0\n",
	[LOOK_LISTENERS] = "name\taddress\trelay\tsessions\taccepted\twaiting\t"
	    "denied\tlimited\tbytes_in\tbytes_out\n"
	    "web\t127.0.0.1:80\tapp\t3\t%u\t5\t0\t0\t0\t0\n"
	    "evil\033[2J\x01\t\xff\xfe\tapp\t0\t0\t0\t0\t0\t0\t0\n",
	[LOOK_REMOTES] = "relay\tname\taddress\tweight\tactive\tsessions\t"
	    "failed\theld\tbytes_in\tbytes_out\tstate\tup\tsince\t"
	    "check_error\tqueue\n"
	    "app\tb\t10.0.0.2:80\t2\t1\t%u\t0\t0\t0\t0\tup\t-\t-\t-\t0\n"
	    "app\ta\t10.0.0.1:80\t1\t2\t0\t0\t0\t0\t0\tup\t-\t-\t-\t0\n"
	    "app\tc\t10.0.0.3:80\t1\t0\t0\t9\t0\t0\t0\tdown\tno\t120\t"
	    "refused\t0\n",
	[LOOK_WORKERS] = "pid\tgeneration\tstate\tsessions\ttaken\tbytes_in\t"
	    "bytes_out\tage_seconds\n"
	    "51\t7\tready\t2\t%u\t0\t0\t9\n52\t6\tstuck\t1\t0\t0\t0\t9\n",
	[LOOK_GENERATIONS] = "generation\tstate\tworkers\tsessions\t"
	    "age_seconds\twhy\n7\tcurrent\t2\t3\t60\t-\n",
	[LOOK_ERRORS] = "time\tlevel\tprocess\tmessage\n"
	    "1999-12-31T23:59:59.000Z\terror\tspawnd[1]\tlong ago\n",
	[LOOK_TIMES] = "measure\tlistener\trelay\tremote\tp50\tp99\n"
	    "queue\tweb\t-\t-\t1\t1\n"
	    "connect\t-\tapp\tb\t0.0123\t-\nconnect\t-\tapp\ta\t0.0005\t2\n",
	[LOOK_HISTORY] = "time\tsessions\twaiting\tnew\tfailed\n"
	    "1\t0\t0\t0\t0\n2\t4\t0\t0\t0\n3\t8\t0\t0\t0\n",
};

const struct rows *
look_rows(enum look_view view)
{
	return &rows[view];
}

uint64_t
look_when(enum look_view view)
{
	(void)view;
	return now;
}

uint64_t
link_now(void)
{
	return now;
}

void
look_sessions(void (*take)(const struct rec *))
{
	(void)take;
}

void
look_act(const char *request)
{
	strlcpy(sent, request, sizeof(sent));
}

/* --- the tests --- */

static struct top top;
static struct canvas canvas;

static void
session(const char *fmt, ...)
{
	char line[512];
	struct rec r;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	assert_int_equal(rec_parse(line, &r), 0);
	fill_session(&r);
}

/* figure: what counters are at. */
static void
look(unsigned figure)
{
	char *text;
	size_t i;

	for (i = 0; i < LOOK_VIEWS; i++) {
		rows_free(&rows[i]);
		assert_int_not_equal(asprintf(&text, texts[i], figure,
		    figure), -1);
		assert_int_equal(rows_read(&rows[i], text), 0);
	}
	past_next(true);
	fill_session(NULL);
	session("s\tsession=1a-1\tclient=10.9.9.1:4000\tlistener=web\t"
	    "relay=app\tremote=a\tstate=relay\tin=%u000000\tout=0\t"
	    "age_ms=100000\tidle_ms=0", figure);
	session("s\tsession=1a-2\tclient=10.9.9.1:4001\tlistener=web\t"
	    "relay=app\tremote=a\tstate=relay\tin=5\tout=5\tage_ms=200000\t"
	    "idle_ms=3000");
	session("s\tsession=1a-3\tclient=[2001:db8::1]:5\tlistener=web\t"
	    "relay=app\tremote=\033[31mb\tstate=connect\tin=0\tout=0\t"
	    "age_ms=1\tidle_ms=0");
	fill_panes(&top);
}

static int
start(void **state)
{
	(void)state;
	canvas.utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
	memset(&top, 0, sizeof(top));
	out_drawn();
	fill_begin(&top);
	top.focus = TOP_SESSIONS;
	now = 1000;
	past_forget();
	look(1);
	now = 3000;
	look(101);
	return 0;
}

static int
finish(void **state)
{
	size_t i;

	(void)state;
	fill_end(&top);
	past_forget();
	canvas_free(&canvas);
	for (i = 0; i < LOOK_VIEWS; i++)
		rows_free(&rows[i]);
	return 0;
}

/* The line that has the text, one blank for many; NULL: none. */
static const char *
line(unsigned lines, unsigned cols, const char *part)
{
	static char text[1024];
	char *all = NULL, *rest, *one, *from, *to;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	canvas_begin(&canvas, lines, cols);
	draw(&top, &canvas, true);
	canvas_print(&canvas, f, false);
	fclose(f);
	for (rest = all; (one = strsep(&rest, "\n")) != NULL;) {
		for (from = one, to = text; *from != '\0'; from++)
			if (*from != ' ' || from[1] != ' ')
				*to++ = *from;
		*to = '\0';
		if (strstr(text, part) != NULL)
			break;
	}
	free(all);
	return one != NULL ? text : NULL;
}

static void
shows(void **state)
{
	(void)state;
	assert_string_equal(line(40, 100, "sessions 3 ["), "sessions 3 "
	    "[### ] 30% of 10 new 50/s waiting 5 in 50k/s out 0/s denied 0/s "
	    "limited 0/s");
	assert_non_null(strstr(line(40, 100, "spawnd 0.1.0"), "up 1d01h "
	    "generation 7 pid 4711 reload failed 1m01s ago"));
	assert_string_equal(line(40, 100, "web "),
	    "web 127.0.0.1:80 app 3 50 5 0 0 0 0");
	assert_string_equal(line(40, 160, "app/b"),
	    "app/b 10.0.0.2:80 up 2 1 33 50 0 0 0 0 12 - 0 0 -");
	assert_non_null(strstr(line(40, 160, "app/a"), " 0.5 2000 "));
	assert_string_equal(line(40, 100, "51 7 "), "51 7 ready 2 50 0 0 9s");
	assert_string_equal(line(40, 100, "10.9.9.1 "),
	    "10.9.9.1 2 50M 101M 5 3m20s");
	assert_string_equal(line(40, 120, "1a-1"), "1a-1 10.9.9.1:4000 web "
	    "app/a relay 50M 101M 0 1m40s 0s");
	assert_string_equal(line(40, 100, "is down"),
	    "! app/c (10.0.0.3:80) is down for 2m00s: refused");
	assert_string_equal(line(40, 100, "overload"),
	    "! overload: no worker has room, 5 clients wait");
	assert_non_null(line(40, 100, "! worker 52"));
	assert_null(line(40, 100, "long ago"));
	assert_non_null(strstr(line(40, 80, "hour: "), canvas.utf8 ?
	    "\u2584\u2588 8" : "=# 8"));
}

/* In any size, whatever names there are: each place has one character that is
 * one. */
static void
is_harmless(void **state)
{
	unsigned lines, cols;
	size_t i;
	const char *ch;

	(void)state;
	for (lines = 1; lines < 45; lines++) {
		for (cols = 1; cols < 170; cols += 1 + cols / 9) {
			line(lines, cols, "nothing");
			for (i = 0; i < (size_t)lines * cols; i++) {
				ch = canvas.cells[i].ch;
				assert_true(*ch >= ' ' && *ch < 0x7f ?
				    ch[1] == '\0' : canvas.utf8 &&
				    (strncmp(ch, "\u2581", 2) == 0));
			}
		}
	}
	assert_non_null(line(40, 160, "evil?[2J? "));
	assert_non_null(line(40, 160, "app/?[31mb"));
	/* What is narrow leaves out the middle; what matters stays. */
	assert_non_null(line(12, 40, "sessions 3 ["));
	assert_non_null(line(12, 40, "1a-1"));
	assert_non_null(line(12, 40, "10.9.9~:4000"));
}

static void
writes_what_is_one_column_wide(void **state)
{
	(void)state;
	canvas_begin(&canvas, 2, 12);
	/* Wide, combining, turning, not UTF-8, control; and what may be. */
	assert_int_equal(canvas_put(&canvas, 0, 0, 12, INK_PLAIN,
	    "\u4e2da\u0301\u202e\xff\x1b\x7f\u00e9"), 8);
	assert_string_equal(canvas.cells[0].ch, "?");
	assert_string_equal(canvas.cells[1].ch, "a");
	assert_string_equal(canvas.cells[2].ch, "?");
	assert_string_equal(canvas.cells[3].ch, "?");
	assert_string_equal(canvas.cells[4].ch, "?");
	assert_string_equal(canvas.cells[5].ch, "?");
	assert_string_equal(canvas.cells[6].ch, "?");
	assert_string_equal(canvas.cells[7].ch, canvas.utf8 ? "\u00e9" : "?");
	assert_int_equal(canvas_put(&canvas, 1, 10, 9, INK_PLAIN, "abc"), 2);
	assert_string_equal(canvas.cells[22].ch, "a");
	assert_string_equal(canvas.cells[23].ch, "~");
	assert_int_equal(canvas_put(&canvas, 2, 0, 9, INK_PLAIN, "abc"), 0);
	assert_int_equal(canvas_put(&canvas, 0, 12, 9, INK_PLAIN, "abc"), 0);
}

static void
press(const char *names)
{
	for (; *names != '\0'; names++)
		keys_press(&top, *names == 'D' ? TERM_DOWN :
		    *names == 'U' ? TERM_UP : *names == 'N' ? TERM_ENTER :
		    *names == 'E' ? TERM_ESCAPE : *names == 'T' ? TERM_TAB :
		    *names == 'B' ? TERM_BACKSPACE : *names);
}

static const char *
chosen(const char *col)
{
	return pane_chosen(&top.panes[top.focus], col);
}

static void
chooses_and_asks(void **state)
{
	(void)state;
	press("k");
	assert_string_equal(top.message, "choose a session first, by the "
	    "arrows");
	press("D");
	assert_string_equal(chosen("session"), "1a-1");
	press("D");
	assert_string_equal(chosen("session"), "1a-2");
	/* By age: it stays chosen, but is the first now. */
	press(">>>");
	assert_int_equal(top.panes[TOP_SESSIONS].at, 0);
	assert_string_equal(chosen("session"), "1a-2");
	press("k");
	assert_string_equal(top.question, "End session 1a-2 of "
	    "10.9.9.1:4001? [y/N]");
	press("n");
	assert_string_equal(sent, "");
	press("kN");
	assert_string_equal(sent, "");
	press("ky");
	assert_string_equal(sent, "kill id 1a-2");
	press("4Dky");
	assert_string_equal(sent, "kill client 10.9.9.1");
	press("2DDdy");
	assert_string_equal(sent, "remote app/b drain");
	press("xy");
	assert_string_equal(sent, "remote app/b disable");
	press("ey");
	assert_string_equal(sent, "remote app/b enable");
	press("3DDdy");
	assert_string_equal(sent, "drain 52");
	press("1Dk");
	assert_string_equal(top.message, "kill is for sessions and clients");
	press("6UUD");
	press("q");
	assert_true(top.ended);
}

static void
filters_and_sorts(void **state)
{
	(void)state;
	press("/DB8::1N");
	assert_int_equal(top.panes[TOP_SESSIONS].n, 1);
	assert_non_null(line(40, 100, ">sessions 1 of 3"));
	assert_null(line(40, 100, "1a-1"));
	assert_int_equal(top.panes[TOP_REMOTES].n, 0);
	look(101);
	assert_int_equal(top.panes[TOP_SESSIONS].n, 1);
	press("E");
	look(101);
	assert_int_equal(top.panes[TOP_SESSIONS].n, 3);
	press("/xBN2");
	assert_int_equal(top.panes[TOP_REMOTES].n, 3);
	/* By sessions, as they come, by name, and the other way round. */
	press("D");
	assert_string_equal(chosen("remote"), "app/a");
	press("E<<<<<D");
	assert_string_equal(chosen("remote"), "app/b");
	press("E>D");
	assert_string_equal(chosen("remote"), "app/a");
	press("ErD");
	assert_string_equal(chosen("remote"), "app/c");
	press("z");
	assert_null(line(40, 100, "10.9.9.1"));
	press("?");
	assert_non_null(line(40, 100, "kill the session"));
	press("zp");
	assert_true(top.paused);
	assert_non_null(line(40, 100, "PAUSED"));
}

/* What is new, has shrunk or belongs to another daemon has no rate. */
static void
rates(void **state)
{
	uint64_t rate;
	char name[16];
	unsigned i;

	(void)state;
	past_forget();
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_false(past_rate('x', name, i, 1000, &rate));
	}
	past_next(true);
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_true(past_rate('x', name, i * 3, 3000, &rate));
		assert_int_equal(rate, i);
	}
	assert_false(past_rate('y', "1", 5, 3000, &rate));
	/* One that was not complete is as if it had not been. */
	past_next(false);
	assert_true(past_rate('x', "7", 7, 2000, &rate));
	assert_false(past_rate('x', "7", 6, 2000, &rate));
	assert_false(past_rate('x', "7", 8, 1000, &rate));
	past_next(true);
	past_forget();
	assert_false(past_rate('x', "7", 9, 4000, &rate));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shows, start, finish),
		cmocka_unit_test_setup_teardown(is_harmless, start, finish),
		cmocka_unit_test_setup_teardown(
		    writes_what_is_one_column_wide, start, finish),
		cmocka_unit_test_setup_teardown(chooses_and_asks, start,
		    finish),
		cmocka_unit_test_setup_teardown(filters_and_sorts, start,
		    finish),
		cmocka_unit_test_setup_teardown(rates, start, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
