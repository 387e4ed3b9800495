#include "compat.h"

#include <err.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <time.h>

#include "ask.h"
#include "cmd.h"
#include "every.h"
#include "link.h"
#include "out.h"
#include "top/look.h"
#include "top/term.h"
#include "top/top.h"

#define WIDE	160		/* where nothing says how wide it may be */
#define PRINTED	10		/* rows of a pane, at most */
#define SILENCE	2000		/* ms without an answer that are told */
#define CALM	3		/* a look takes no more than a part of this,
				   and the one, of all time */

static int	 top_print(void);
static int	 top_screen(void);
static void	 top_wait(bool);
static int	 top_timeout(uint64_t, uint64_t);
static void	 top_begin(void);
static bool	 top_look(int);
static void	 top_silence(void);
static void	 top_keys(void);
static void	 top_draw(void);

static struct top	 top;
static struct canvas	 canvas;
static struct every	 every = { .ms = 1000 };
static uint64_t		 next;		/* when the next look begins, ms */
static uint64_t		 begun;		/* when the last one did, ms */
static bool		 seen;		/* a look is complete */

int
cmd_top(const struct cmd *c, int argc, char **argv)
{
	const char *error;
	int status;

	(void)c;
	every_words(&every, argc - 1, argv + 1);
	/* All that is read is read before who answers can say anything. */
	tzset();
	canvas.utf8 = setlocale(LC_CTYPE, "") != NULL &&
	    strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (every.count == 0 && term_open(out_colours(), &error) == -1)
		errx(1, "%s", error);
	ask_confine(every.count == 0);
	out_drawn();
	fill_begin(&top);
	top.focus = TOP_SESSIONS;
	status = every.count != 0 ? top_print() : top_screen();
	look_end();
	fill_end(&top);
	canvas_free(&canvas);
	return status;
}

/* --- without a terminal --- */

/* Rates need two looks. */
static int
top_print(void)
{
	const unsigned cols = isatty(STDOUT_FILENO) ? out_columns_wide() :
	    WIDE;
	uint64_t n;

	for (n = 0; n <= every.count; n++) {
		seen = false;
		next = link_now() + (n == 0 ? 0 : every.ms);
		while (!seen && top.lost == 0)
			top_wait(false);
		if (top.lost != 0)
			errx(1, "%s", top.why);
		if (n == 0)
			continue;
		canvas_begin(&canvas, draw_lines(&top, PRINTED), cols);
		draw(&top, &canvas, false);
		canvas_print(&canvas, stdout, out_colours());
		if (fflush(stdout) == EOF)
			return 1;
	}
	return 0;
}

/* --- on a terminal --- */

static int
top_screen(void)
{
	next = link_now();
	while (!top.ended) {
		top_draw();
		top_wait(true);
	}
	term_close();
	return 0;
}

static void
top_draw(void)
{
	unsigned rows, cols;

	term_size(&rows, &cols);
	canvas_begin(&canvas, rows, cols);
	draw(&top, &canvas, true);
	term_show(&canvas);
}

/* --- what comes --- */

/* Waits until something is to be drawn. */
static void
top_wait(bool screen)
{
	struct pollfd fds[2] = { { .fd = -1, .events = POLLIN },
		{ .fd = screen ? STDIN_FILENO : -1, .events = POLLIN } };
	const uint64_t start = link_now();
	uint64_t until;
	bool again = false;

	do {
		if (next <= link_now() && !top.paused)
			top_begin();
		fds[0].fd = look_fd(&until);
		fds[0].revents = fds[1].revents = 0;
		poll(fds, nitems_of(fds), top_timeout(until, start));
		if (screen && term_signals(&again))
			top.ended = true;
		if ((fds[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
			top.ended = true;
		if (top_look(look_step(fds[0].revents != 0)))
			return;
	} while (!top.ended && !again && fds[1].revents == 0 &&
	    link_now() - start < every.ms);
	if (screen && !top.ended) {
		top_silence();
		top_keys();
	}
}

static void
top_begin(void)
{
	begun = link_now();
	next = UINT64_MAX;
	look_begin(ctl.limit);
}

/* Not for longer than a second: there is a clock to be drawn. */
static int
top_timeout(uint64_t until, uint64_t start)
{
	const uint64_t now = link_now();

	if (!top.paused)
		until = MIN(until, next);
	until = MIN(until, start + every.ms);
	return until <= now ? 0 : (int)MIN(until - now, 1000);
}

/* What a step has come to. True if there is something new. */
static bool
top_look(int what)
{
	const uint64_t now = link_now();

	if ((what & LOOK_SEEN) != 0) {
		fill_panes(&top);
		next = begun + every.ms;
		if (top.lost == 0)
			next = MAX(next, now + CALM * (now - begun));
		top.lost = 0;
		seen = true;
	}
	if ((what & LOOK_FAILED) != 0) {
		if (top.lost == 0)
			top.lost = begun;
		strlcpy(top.why, look_why(), sizeof(top.why));
		next = now + every.ms;
	}
	if ((what & LOOK_ACTED) != 0) {
		keys_say(&top, look_answer());
		next = MIN(next, now);
	}
	return what != 0;
}

/* Before the limit is over, which is for who waits for nothing else. */
static void
top_silence(void)
{
	if (top.lost != 0 || look_silent() < SILENCE)
		return;
	top.lost = begun;
	strlcpy(top.why, "no answer yet: spawnd is stopped or very busy",
	    sizeof(top.why));
}

static void
top_keys(void)
{
	int key;

	while ((key = term_key()) != TERM_NONE)
		keys_press(&top, key);
}
