#include "compat.h"

#include <stdarg.h>

#include "link.h"
#include "top/look.h"
#include "top/term.h"
#include "top/top.h"

#define PAGE	10

static void	 key_quit(struct top *, int);
static void	 key_pause(struct top *, int);
static void	 key_help(struct top *, int);
static void	 key_escape(struct top *, int);
static void	 key_filter(struct top *, int);
static void	 key_zoom(struct top *, int);
static void	 key_pane(struct top *, int);
static void	 key_move(struct top *, int);
static void	 key_sort(struct top *, int);
static void	 key_turn(struct top *, int);
static void	 key_kill(struct top *, int);
static void	 key_drain(struct top *, int);
static void	 key_remote(struct top *, int);
static void	 keys_filter(struct top *, int);
static void	 keys_answer(struct top *, int);
static void	 keys_arrange(struct top *);
static const char *keys_word(struct top *, const char *, const char *);
static void	 keys_ask(struct top *, const char *, const char *, ...)
		    printf_like(3, 4);

/* text: of the help, whose line may be about others as well; or NULL. */
static const struct {
	int		 key;
	const char	*text;
	void		(*run)(struct top *, int);
} keys[] = {
	{ 'q', "q\tquit", key_quit },
	{ '?', "? h\tthis", key_help },
	{ 'h', NULL, key_help },
	{ TERM_TAB, "Tab 1-6\tanother pane; the one with > has the keys",
	    key_pane },
	{ TERM_BACK, NULL, key_pane },
	{ '1', NULL, key_pane }, { '2', NULL, key_pane },
	{ '3', NULL, key_pane }, { '4', NULL, key_pane },
	{ '5', NULL, key_pane }, { '6', NULL, key_pane },
	{ TERM_DOWN, "arrows\tchoose a row; page keys, home and end, too",
	    key_move },
	{ TERM_UP, NULL, key_move }, { TERM_PAGE_DOWN, NULL, key_move },
	{ TERM_PAGE_UP, NULL, key_move }, { TERM_HOME, NULL, key_move },
	{ TERM_END, NULL, key_move }, { 'j', NULL, key_move },
	{ 'z', "z Enter\tthis pane alone, or all again", key_zoom },
	{ TERM_ENTER, NULL, key_zoom },
	{ '<', "< >\tsort by another column", key_sort },
	{ '>', NULL, key_sort }, { TERM_LEFT, NULL, key_sort },
	{ TERM_RIGHT, NULL, key_sort },
	{ 'r', "r\tthe other way round", key_turn },
	{ '/', "/\tonly rows with a text", key_filter },
	{ TERM_ESCAPE, "Esc\tno filter, no row chosen", key_escape },
	{ 'p', "p space\tpause: what is shown stays", key_pause },
	{ ' ', NULL, key_pause },
	{ 'k', "k\tkill the session, or all of the client", key_kill },
	{ 'd', "d\tdrain the remote, or replace the worker", key_drain },
	{ 'e', "e x\tenable the remote, or disable it", key_remote },
	{ 'x', NULL, key_remote },
};

void
keys_press(struct top *top, int key)
{
	size_t i;

	top->said = 0;
	if (top->mode == TOP_FILTERS)
		keys_filter(top, key);
	else if (top->mode == TOP_ASKS)
		keys_answer(top, key);
	else if (top->mode == TOP_HELPS && key != 'q')
		top->mode = TOP_SHOWS;
	else
		for (i = 0; i < nitems_of(keys); i++)
			if (keys[i].key == key)
				keys[i].run(top, key);
}

const char *
keys_help(unsigned line)
{
	size_t i;

	for (i = 0; i < nitems_of(keys); i++)
		if (keys[i].text != NULL && line-- == 0)
			return keys[i].text;
	return NULL;
}

void
keys_say(struct top *top, const char *text)
{
	strlcpy(top->message, text, sizeof(top->message));
	top->said = link_now();
}

static void
key_quit(struct top *top, int key)
{
	(void)key;
	top->ended = true;
}

static void
key_help(struct top *top, int key)
{
	(void)key;
	top->mode = TOP_HELPS;
}

static void
key_pause(struct top *top, int key)
{
	(void)key;
	top->paused = !top->paused;
}

static void
key_zoom(struct top *top, int key)
{
	(void)key;
	top->zoom = !top->zoom;
}

static void
key_pane(struct top *top, int key)
{
	const int step = key == TERM_TAB ? 1 : TOP_PANES - 1;

	if (key >= '1' && key <= '6')
		top->focus = (enum top_pane)(key - '1');
	else
		top->focus = (enum top_pane)(((int)top->focus + step) %
		    TOP_PANES);
}

static void
key_move(struct top *top, int key)
{
	const long rows = (long)top->panes[top->focus].n;

	pane_move(&top->panes[top->focus], key == TERM_DOWN || key == 'j' ? 1 :
	    key == TERM_UP ? -1 : key == TERM_PAGE_DOWN ? PAGE :
	    key == TERM_PAGE_UP ? -PAGE : key == TERM_HOME ? -rows : rows);
}

static void
key_sort(struct top *top, int key)
{
	pane_sort_by(&top->panes[top->focus], key == '>' || key == TERM_RIGHT ?
	    1 : -1);
	keys_arrange(top);
}

static void
key_turn(struct top *top, int key)
{
	(void)key;
	top->panes[top->focus].turned = !top->panes[top->focus].turned;
	keys_arrange(top);
}

static void
keys_arrange(struct top *top)
{
	size_t i;

	for (i = 0; i < TOP_PANES; i++)
		pane_arrange(&top->panes[i], top->filter);
}

static void
key_escape(struct top *top, int key)
{
	(void)key;
	top->filter[0] = top->panes[top->focus].key[0] = '\0';
	keys_arrange(top);
}

static void
key_filter(struct top *top, int key)
{
	(void)key;
	top->mode = TOP_FILTERS;
}

static void
keys_filter(struct top *top, int key)
{
	const size_t n = strlen(top->filter);

	if (key == TERM_ENTER)
		top->mode = TOP_SHOWS;
	else if (key == TERM_ESCAPE) {
		top->filter[0] = '\0';
		top->mode = TOP_SHOWS;
	} else if (key == TERM_BACKSPACE && n > 0)
		top->filter[n - 1] = '\0';
	else if (key >= ' ' && key < 0x7f && n + 1 < sizeof(top->filter)) {
		top->filter[n] = (char)key;
		top->filter[n + 1] = '\0';
	}
	keys_arrange(top);
}

/* --- what changes something --- */

static void
keys_ask(struct top *top, const char *request, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(top->question, sizeof(top->question), fmt, ap);
	va_end(ap);
	strlcat(top->question, " [y/N]", sizeof(top->question));
	strlcpy(top->request, request, sizeof(top->request));
	top->mode = TOP_ASKS;
}

/* The request is about what the question has named, whatever is chosen now. */
static void
keys_answer(struct top *top, int key)
{
	top->mode = TOP_SHOWS;
	if (key == 'y' || key == 'Y') {
		keys_say(top, "asking ...");
		look_act(top->request);
	} else
		keys_say(top, "nothing done");
}

/* One word of a request, or NULL, which has been said: it may be anything that
 * spawnd or a worker calls so. */
static const char *
keys_word(struct top *top, const char *col, const char *what)
{
	const char *word = pane_chosen(&top->panes[top->focus], col);
	char text[TOP_LINE];

	if (word != NULL && *word != '\0' && strlen(word) < TOP_LINE / 2 &&
	    strpbrk(word, " \t\r\n") == NULL)
		return word;
	snprintf(text, sizeof(text), "choose a %s first, by the arrows", what);
	keys_say(top, text);
	return NULL;
}

static void
key_kill(struct top *top, int key)
{
	const struct pane *p = &top->panes[top->focus];
	const char *word;
	char request[TOP_LINE];

	(void)key;
	if (top->focus == TOP_CLIENTS) {
		if ((word = keys_word(top, "client", "client")) == NULL)
			return;
		snprintf(request, sizeof(request), "kill client %s", word);
		keys_ask(top, request, "End %s sessions of %s?",
		    pane_chosen(p, "sessions"), word);
	} else if (top->focus == TOP_SESSIONS) {
		if ((word = keys_word(top, "session", "session")) == NULL)
			return;
		snprintf(request, sizeof(request), "kill id %s", word);
		keys_ask(top, request, "End session %s of %s?", word,
		    pane_chosen(p, "client"));
	} else
		keys_say(top, "kill is for sessions and clients");
}

static void
key_drain(struct top *top, int key)
{
	const char *word;
	char request[TOP_LINE];

	if (top->focus == TOP_REMOTES)
		key_remote(top, key);
	else if (top->focus != TOP_WORKERS)
		keys_say(top, "drain is for remotes and workers");
	else if ((word = keys_word(top, "worker", "worker")) != NULL) {
		snprintf(request, sizeof(request), "drain %s", word);
		keys_ask(top, request, "Replace worker %s? It serves the "
		    "sessions that it has.", word);
	}
}

static void
key_remote(struct top *top, int key)
{
	const char *change = key == 'd' ? "drain" : key == 'e' ? "enable" :
	    "disable", *word;
	char request[TOP_LINE];

	if (top->focus != TOP_REMOTES)
		keys_say(top, "enable and disable are for remotes");
	else if ((word = keys_word(top, "remote", "remote")) != NULL) {
		snprintf(request, sizeof(request), "remote %s %s", word,
		    change);
		keys_ask(top, request, "%c%s remote %s? It holds until the "
		    "next reload.", *change - 'a' + 'A', change + 1, word);
	}
}
