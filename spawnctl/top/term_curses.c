#include "compat.h"

#include <curses.h>
#include <signal.h>
#include <termios.h>

#include "top/term.h"

static void	 term_signal(int);
static void	 term_catch(void);
static bool	 term_moves(void);
static void	 term_colours(bool);
static void	 term_row(const struct canvas *, unsigned);
static void	 term_stop(void);

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static volatile sig_atomic_t ended, stopped, changed;
static SCREEN	*screen;
static chtype	 inks[INK_COUNT];

static void
term_signal(int signo)
{
	if (signo == SIGTSTP)
		stopped = 1;
	else if (signo == SIGWINCH || signo == SIGCONT)
		changed = 1;
	else
		ended = signo;
}

/* Before the library looks, which then leaves them alone. */
static void
term_catch(void)
{
	struct sigaction sa = { .sa_handler = term_signal };
	size_t i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < nitems_of(ending); i++)
		sigaction(ending[i], &sa, NULL);
	sigaction(SIGTSTP, &sa, NULL);
	sigaction(SIGCONT, &sa, NULL);
	sigaction(SIGWINCH, &sa, NULL);
}

int
term_open(bool colours, const char **errp)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		*errp = "top needs a terminal; \"spawnctl top -n 1\" prints "
		    "once without one";
		return -1;
	}
	term_catch();
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL || !term_moves()) {
		term_close();
		*errp = "what this terminal ($TERM) can do is not known, or "
		    "too little; \"spawnctl top -n 1\" prints once";
		return -1;
	}
	set_escdelay(50);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	term_colours(colours);
	return 0;
}

/* Can it write anywhere? */
static bool
term_moves(void)
{
	static char name[] = "cup";
	const char *text = tigetstr(name);

	return text != NULL && text != (char *)-1;
}

static void
term_colours(bool colours)
{
	static const short pairs[] = { COLOR_GREEN, COLOR_YELLOW, COLOR_RED };
	short i;

	inks[INK_BOLD] = inks[INK_TITLE] = A_BOLD;
	inks[INK_SORTED] = A_BOLD | A_UNDERLINE;
	inks[INK_CHOSEN] = A_REVERSE;
	inks[INK_LOOK] = inks[INK_WRONG] = A_BOLD;
	inks[INK_DIM] = A_DIM;
	if (!colours || !has_colors() || start_color() == ERR ||
	    use_default_colors() == ERR)
		return;
	for (i = 0; i < (short)nitems_of(pairs); i++)
		init_pair((short)(i + 1), pairs[i], -1);
	inks[INK_WELL] = COLOR_PAIR(1);
	inks[INK_LOOK] = COLOR_PAIR(2);
	inks[INK_WRONG] = COLOR_PAIR(3) | A_BOLD;
}

void
term_close(void)
{
	if (screen == NULL)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
	if (ended != 0) {
		signal((int)ended, SIG_DFL);
		raise((int)ended);
	}
}

void
term_size(unsigned *rows, unsigned *cols)
{
	struct winsize ws = { .ws_row = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row != 0 &&
	    ws.ws_col != 0 && (ws.ws_row != LINES || ws.ws_col != COLS))
		resizeterm(ws.ws_row, ws.ws_col);
	*rows = (unsigned)LINES;
	*cols = (unsigned)COLS;
}

void
term_show(const struct canvas *c)
{
	unsigned row;

	erase();
	for (row = 0; row < c->rows; row++)
		term_row(c, row);
	refresh();
}

/* The last place of all is left out: to write there might scroll. */
static void
term_row(const struct canvas *c, unsigned row)
{
	const struct canvas_cell *cell = &c->cells[(size_t)row * c->cols];
	unsigned i, n = c->cols - (row + 1 == c->rows);

	move((int)row, 0);
	for (i = 0; i < n; i++) {
		attrset((int)inks[cell[i].ink]);
		addstr(cell[i].ch);
	}
	attrset(A_NORMAL);
}

int
term_key(void)
{
	static const struct {
		int	curses, key;
	} keys[] = {
		{ KEY_UP, TERM_UP }, { KEY_DOWN, TERM_DOWN },
		{ KEY_LEFT, TERM_LEFT }, { KEY_RIGHT, TERM_RIGHT },
		{ KEY_PPAGE, TERM_PAGE_UP }, { KEY_NPAGE, TERM_PAGE_DOWN },
		{ KEY_HOME, TERM_HOME }, { KEY_END, TERM_END },
		{ KEY_BTAB, TERM_BACK }, { KEY_BACKSPACE, TERM_BACKSPACE },
		{ 0x7f, TERM_BACKSPACE }, { '\b', TERM_BACKSPACE },
		{ KEY_ENTER, TERM_ENTER }, { '\r', TERM_ENTER },
		{ '\n', TERM_ENTER }, { 0x1b, TERM_ESCAPE },
		{ '\t', TERM_TAB }
	};
	const int c = getch();
	size_t i;

	if (c == ERR)
		return TERM_NONE;
	for (i = 0; i < nitems_of(keys); i++)
		if (c == keys[i].curses)
			return keys[i].key;
	return c >= ' ' && c < 0x7f ? c : TERM_OTHER;
}

bool
term_signals(bool *again)
{
	if (stopped)
		term_stop();
	*again = changed;
	if (changed)
		clearok(curscr, TRUE);
	changed = 0;
	return ended != 0;
}

/* As the shell wants it; it sets the terminal back itself. */
static void
term_stop(void)
{
	stopped = 0;
	endwin();
	raise(SIGSTOP);
	changed = 1;
}
