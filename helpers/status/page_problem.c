#include "compat.h"

#include <stdarg.h>
#include <stdlib.h>

#include "amount.h"
#include "html.h"
#include "page_problem.h"
#include "rows.h"
#include "sight.h"

#define SHOWN	20		/* more than that nobody reads */
#define SOON	14		/* days, before a certificate expires */
#define END	((const char *)NULL)	/* of words */

struct list {
	struct evbuffer	*out;
	size_t		 n;
};

static void	 summary_look(struct list *, const struct rows *);
static void	 relays_look(struct list *, const struct rows *);
static void	 remotes_look(struct list *, const struct rows *);
static void	 remote_say(struct list *, const struct rows *, size_t);
static void	 listeners_look(struct list *, const struct rows *);
static void	 workers_look(struct list *, const struct rows *);
static void	 tls_look(struct list *, const struct rows *);
static void	 tls_say(struct list *, const struct rows *, size_t);
static void	 say(struct list *, const char *, const char *, ...);
static bool	 is(const struct rows *, size_t, const char *, const char *);
static const char *cell(const struct rows *, size_t, const char *);
static uint64_t	 number(const struct rows *, size_t, const char *);
static bool	 relay_begins(const struct rows *, size_t);
static bool	 relay_dead(const struct rows *, size_t);

size_t
page_problems(struct evbuffer *b, const struct sight *s)
{
	struct list l = { b, 0 };

	summary_look(&l, sight_rows(s, "summary"));
	relays_look(&l, sight_rows(s, "remotes"));
	remotes_look(&l, sight_rows(s, "remotes"));
	listeners_look(&l, sight_rows(s, "listeners"));
	workers_look(&l, sight_rows(s, "workers"));
	tls_look(&l, sight_rows(s, "tls"));
	if (l.n > SHOWN)
		html_printf(b, "<li class=\"warn\">and %zu more</li>\n",
		    l.n - SHOWN);
	return l.n;
}

static void
summary_look(struct list *l, const struct rows *r)
{
	char buf[AMOUNT_LEN];

	if (r == NULL || r->nrows == 0)
		return;
	if (is(r, 0, "overload", "yes"))
		say(l, "bad", "workers", "All workers have as many sessions"
		    " as they may: who comes now waits, or is refused", END);
	if (is(r, 0, "reload_state", "failed"))
		say(l, "bad", "state", "The last reload has ",
		    cell(r, 0, "last_reload"), END);
	if (number(r, 0, "descriptors") * 10 >
	    number(r, 0, "descriptors_max") * 9)
		say(l, "bad", "state", "spawnd has ",
		    amount_count(number(r, 0, "descriptors"), buf),
		    " descriptors open, of ", cell(r, 0, "descriptors_max"),
		    " that it may have", END);
	if (number(r, 0, "dropped_logs") != 0)
		say(l, "warn", "state", amount_count(number(r, 0,
		    "dropped_logs"), buf), " lines of the log were lost",
		    END);
}

static void
relays_look(struct list *l, const struct rows *r)
{
	size_t row;

	for (row = 0; r != NULL && row < r->nrows; row++)
		if (relay_begins(r, row) && relay_dead(r, row))
			say(l, "bad", "remotes", "No remote of ",
			    cell(r, row, "relay"), " is up", END);
}

/* The remotes of a relay section stand together. */
static bool
relay_begins(const struct rows *r, size_t row)
{
	return row == 0 || !is(r, row - 1, "relay", cell(r, row, "relay"));
}

static bool
relay_dead(const struct rows *r, size_t row)
{
	const char *relay = cell(r, row, "relay");

	for (; row < r->nrows && is(r, row, "relay", relay); row++)
		if (is(r, row, "state", "up") || is(r, row, "state", "-"))
			return false;
	return true;
}

static void
remotes_look(struct list *l, const struct rows *r)
{
	size_t row;

	for (row = 0; r != NULL && row < r->nrows; row++)
		if (page_remote_bad(r, row))
			remote_say(l, r, row);
}

bool
page_remote_bad(const struct rows *r, size_t row)
{
	return is(r, row, "state", "down") || is(r, row, "state", "held");
}

static void
remote_say(struct list *l, const struct rows *r, size_t row)
{
	const bool down = is(r, row, "state", "down");
	char buf[AMOUNT_LEN];

	say(l, down ? "bad" : "warn", "remotes", "Remote ",
	    cell(r, row, "relay"), "/", cell(r, row, "name"), " (",
	    cell(r, row, "address"), ") ", down ? "has been down for " :
	    "is left alone: it has failed to connect",
	    down ? amount_time(number(r, row, "since"), buf) : "",
	    down && !is(r, row, "check_error", "-") ? ": " : "",
	    down && !is(r, row, "check_error", "-") ?
	    cell(r, row, "check_error") : "", END);
}

/* Some wait always; so many that the next may find no room do not. */
static void
listeners_look(struct list *l, const struct rows *r)
{
	uint64_t waiting, backlog;
	char buf[AMOUNT_LEN];
	size_t row;

	for (row = 0; r != NULL && row < r->nrows; row++) {
		waiting = number(r, row, "waiting");
		backlog = number(r, row, "backlog");
		if (waiting != 0 && waiting >= backlog / 2)
			say(l, "warn", "listeners",
			    amount_count(waiting, buf),
			    " connections wait at ", cell(r, row, "name"),
			    ", which has room for ", cell(r, row, "backlog"),
			    END);
	}
}

static void
workers_look(struct list *l, const struct rows *r)
{
	size_t row;

	for (row = 0; r != NULL && row < r->nrows; row++)
		if (is(r, row, "state", "stuck"))
			say(l, "bad", "workers", "Worker ",
			    cell(r, row, "pid"), " is stuck", END);
}

static void
tls_look(struct list *l, const struct rows *r)
{
	size_t row;

	for (row = 0; r != NULL && row < r->nrows; row++)
		if (page_tls_bad(r, row))
			tls_say(l, r, row);
}

bool
page_tls_bad(const struct rows *r, size_t row)
{
	char *rest;
	const char *days = cell(r, row, "days");
	const long n = strtol(days, &rest, 10);

	return rest != days && *rest == '\0' && n < SOON;
}

static void
tls_say(struct list *l, const struct rows *r, size_t row)
{
	const bool over = strtol(cell(r, row, "days"), NULL, 10) < 0;

	say(l, over ? "bad" : "warn", "tls", "The certificate ",
	    cell(r, row, "name"), " of ", cell(r, row, "tls"),
	    over ? " has expired: " : " expires in ",
	    over ? cell(r, row, "expires") : cell(r, row, "days"),
	    over ? "" : " days", END);
}

/* With a link to what it is about; more words follow, up to END. */
static void
say(struct list *l, const char *class, const char *about, ...)
{
	const char *word;
	va_list ap;

	if (++l->n > SHOWN)
		return;
	html_printf(l->out, "<li class=\"%s\"><a href=\"#%s\">", class, about);
	va_start(ap, about);
	while ((word = va_arg(ap, const char *)) != NULL)
		html_text(l->out, word);
	va_end(ap);
	html_put(l->out, "</a></li>\n");
}

static bool
is(const struct rows *r, size_t row, const char *name, const char *word)
{
	return strcmp(cell(r, row, name), word) == 0;
}

static const char *
cell(const struct rows *r, size_t row, const char *name)
{
	const char *text = rows_cell(r, row, name);

	return text != NULL ? text : "-";
}

/* 0: there is none. */
static uint64_t
number(const struct rows *r, size_t row, const char *name)
{
	uint64_t n;

	return rows_number(r, row, name, &n) ? n : 0;
}
