#include "compat.h"

#include <sys/ioctl.h>

#include <err.h>
#include <termios.h>

#include "amount.h"
#include "conf/conf.h"
#include "env.h"
#include "out.h"
#include "utf8.h"

#define WIDTH	80		/* of a terminal that does not tell */

static unsigned	 out_least(const struct out_table *, const bool *);
static int	 out_wide(const struct out_table *, size_t, unsigned);
static int	 out_sum_wide(const struct out_table *, size_t);
static const char *out_title(const struct out_col *);
static void	 out_row(const struct out_table *, const struct out_layout *,
		    size_t);
static void	 out_put(const struct out_col *, const char *, int, bool);
static const char *out_colour(const struct out_col *, const char *);
static void	 out_head(const struct out_table *, const struct out_layout *);
static void	 out_total(const struct out_table *,
		    const struct out_layout *);
static uint64_t	 out_sum(const struct out_table *, size_t);

static struct {
	bool		 terminal, colour, bytes;
	unsigned	 width;
} out;

/* Names that stand for the same wherever they are. */
static const struct out_col known[] = {
	{ "session", OUT_TEXT, false, 99 }, { "client", OUT_TEXT, false, 98 },
	{ "pid", OUT_TEXT, false, 97 }, { "name", OUT_TEXT, false, 97 },
	{ "relay", OUT_TEXT, false, 60 }, { "remote", OUT_TEXT, false, 90 },
	{ "listener", OUT_TEXT, false, 65 },
	{ "state", OUT_TEXT, false, 92 }, { "address", OUT_TEXT, false, 50 },
	{ "sessions", OUT_PLAIN, true, 91 }, { "active", OUT_PLAIN, true, 93 },
	{ "taken", OUT_PLAIN, true, 40 }, { "closed", OUT_PLAIN, true, 30 },
	{ "workers", OUT_PLAIN, true, 80 }, { "accepted", OUT_PLAIN, true, 80 },
	{ "refused", OUT_PLAIN, true, 70 }, { "denied", OUT_PLAIN, true, 30 },
	{ "limited", OUT_PLAIN, true, 30 }, { "waiting", OUT_PLAIN, true, 85 },
	{ "queue", OUT_PLAIN, true, 45 }, { "failed", OUT_PLAIN, true, 75 },
	{ "sessions_total", OUT_PLAIN, true, 72 },
	{ "new", OUT_PLAIN, true, 74 },
	{ "count", OUT_PLAIN, true, 70 }, { "sum", OUT_PLAIN, false, 20 },
	{ "p50", OUT_PLAIN, false, 68 }, { "p90", OUT_PLAIN, false, 66 },
	{ "p99", OUT_PLAIN, false, 67 }, { "buckets", OUT_TEXT, false, 1 },
	{ "measure", OUT_TEXT, false, 99 }, { "end", OUT_TEXT, false, 90 },
	{ "why", OUT_TEXT, false, 89 }, { "options", OUT_TEXT, false, 8 },
	{ "timed_out", OUT_PLAIN, true, 12 },
	{ "unreachable", OUT_PLAIN, true, 11 },
	{ "other", OUT_PLAIN, true, 11 },
	{ "held", OUT_PLAIN, false, 40 }, { "weight", OUT_PLAIN, false, 42 },
	{ "bytes_in", OUT_BYTES, true, 55 },
	{ "bytes_out", OUT_BYTES, true, 55 },
	{ "in", OUT_BYTES, true, 88 }, { "out", OUT_BYTES, true, 88 },
	{ "unsent_client", OUT_BYTES, true, 20 },
	{ "unsent_remote", OUT_BYTES, true, 20 },
	{ "rtt_client", OUT_PLAIN, false, 95 },
	{ "rtt_remote", OUT_PLAIN, false, 95 },
	{ "retransmits_client", OUT_PLAIN, false, 94 },
	{ "retransmits_remote", OUT_PLAIN, false, 94 },
	{ "cwnd_client", OUT_PLAIN, false, 20 },
	{ "cwnd_remote", OUT_PLAIN, false, 20 },
	{ "worker", OUT_PLAIN, false, 34 },
	{ "rate", OUT_RATE, true, 70 }, { "age", OUT_SECONDS, false, 80 },
	{ "idle", OUT_SECONDS, false, 75 },
	{ "oldest", OUT_SECONDS, false, 80 },
	{ "age_seconds", OUT_SECONDS, false, 60 },
	{ "uptime_seconds", OUT_SECONDS, false, 60 },
	{ "ended_seconds", OUT_SECONDS, false, 25 },
	{ "workers_died", OUT_PLAIN, true, 15 },
	{ "since", OUT_SECONDS, false, 45 },
	{ "generation", OUT_PLAIN, false, 35 },
	{ "backlog", OUT_PLAIN, false, 15 },
	{ "check_error", OUT_TEXT, false, 35 },
	{ "handshakes", OUT_PLAIN, true, 72 },
	{ "days", OUT_PLAIN, false, 92 },
	{ "certificate", OUT_TEXT, false, 30 },
	{ "resumed", OUT_PLAIN, true, 50 }, { "tls12", OUT_PLAIN, true, 25 },
	{ "tls13", OUT_PLAIN, true, 25 },
	{ "message", OUT_TEXT, false, 99 }, { "time", OUT_TEXT, false, 98 },
};

static const struct {
	const char	*word;
	enum out_tone	 tone;
} tones[] = {
	{ "up", OUT_WELL }, { "ready", OUT_WELL }, { "current", OUT_WELL },
	{ "ok", OUT_WELL }, { "held", OUT_LOOK }, { "draining", OUT_LOOK },
	{ "retiring", OUT_LOOK }, { "starting", OUT_LOOK },
	{ "warning", OUT_LOOK }, { "disabled", OUT_OFF },
	{ "down", OUT_WRONG }, { "stuck", OUT_WRONG },
	{ "error", OUT_WRONG }, { "gone", OUT_OFF },
};

void
out_start(bool bytes)
{
	const char *no = env_get("NO_COLOR"), *term = env_get("TERM");
	struct winsize ws = { .ws_col = 0 };

	out.terminal = isatty(STDOUT_FILENO);
	out.colour = out.terminal && (no == NULL || *no == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
	out.bytes = bytes || !out.terminal;
	if (out.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1)
		ws.ws_col = 0;
	out.width = ws.ws_col != 0 ? ws.ws_col : WIDTH;
}

void
out_drawn(void)
{
	out.terminal = true;
	out.bytes = false;
}

bool
out_colours(void)
{
	return out.colour;
}

unsigned
out_columns_wide(void)
{
	return out.width;
}

bool
out_terminal(void)
{
	return out.terminal;
}

void
out_clean(char *s, size_t n)
{
	utf8_clean(s, n);
}

struct out_col
out_column(const char *name)
{
	const struct out_col unknown = { name, OUT_TEXT, false, 10 };
	size_t i;

	for (i = 0; i < nitems_of(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i];
	return unknown;
}

/* --- cells --- */

void
out_cell(struct out_table *t, const char *text)
{
	if (t->ncells == t->room) {
		t->room = t->room == 0 ? 64 : t->room * 2;
		t->cells = realloc(t->cells, t->room * sizeof(*t->cells));
		if (t->cells == NULL)
			err(1, "a table");
	}
	if ((t->cells[t->ncells] = strdup(text)) == NULL)
		err(1, "a table");
	out_clean(t->cells[t->ncells], strlen(text));
	t->ncells++;
}

void
out_cell_number(struct out_table *t, uint64_t n)
{
	char text[OUT_NUMBER];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	out_cell(t, text);
}

void
out_free(struct out_table *t)
{
	while (t->ncells > 0)
		free(t->cells[--t->ncells]);
	free(t->cells);
	t->cells = NULL;
	t->room = 0;
}

/* --- numbers --- */

const char *
out_number(enum out_unit unit, uint64_t n, char buf[OUT_NUMBER])
{
	if (unit == OUT_SECONDS && out.terminal)
		amount_time(n, buf);
	else if ((unit == OUT_BYTES || unit == OUT_RATE) && !out.bytes)
		amount_scaled(n, buf);
	else
		snprintf(buf, OUT_NUMBER, "%llu", (unsigned long long)n);
	return buf;
}

/* --- tables --- */

void
out_columns(const struct out_table *t)
{
	struct out_layout *l = out_fit(t, out.terminal ? out.width : 0, 0);
	size_t row;

	out_head(t, l);
	for (row = 0; row < t->ncells / t->ncols; row++)
		out_row(t, l, row);
	if (out.terminal && t->ncells / t->ncols > 1)
		out_total(t, l);
	if (l->hidden != 0)
		printf("(%u columns more: with --json, or a wider terminal)\n",
		    l->hidden);
	free(l);
}

struct out_layout *
out_fit(const struct out_table *t, unsigned width, unsigned most)
{
	struct out_layout *l = calloc(1, sizeof(*l));
	unsigned sum = 0, least;
	size_t i;

	if (l == NULL)
		err(1, "a table");
	for (i = 0; i < t->ncols; i++) {
		l->shown[i] = true;
		l->width[i] = out_wide(t, i, most);
		sum += (unsigned)l->width[i] + (i != 0 ? OUT_GAP : 0);
	}
	while (width != 0 && sum > width && l->hidden + 1 < t->ncols) {
		least = out_least(t, l->shown);
		l->shown[least] = false;
		l->hidden++;
		sum -= (unsigned)l->width[least] + OUT_GAP;
	}
	for (i = 0; i < t->ncols; i++)
		if (l->shown[i])
			l->last = i;
	return l;
}

static unsigned
out_least(const struct out_table *t, const bool *shown)
{
	unsigned i, least = 0;

	while (!shown[least])
		least++;
	for (i = least; i < t->ncols; i++)
		if (shown[i] && t->cols[i].keep <= t->cols[least].keep)
			least = i;
	return least;
}

static int
out_wide(const struct out_table *t, size_t col, unsigned most)
{
	size_t i, width = out_len(out_title(&t->cols[col]));
	char buf[OUT_NUMBER];

	for (i = col; i < t->ncells; i += t->ncols)
		width = MAX(width, out_len(out_value(&t->cols[col],
		    t->cells[i], buf)));
	if (most != 0)
		return (int)MIN(width, most);
	return MAX((int)width, out_sum_wide(t, col));
}

static int
out_sum_wide(const struct out_table *t, size_t col)
{
	char buf[OUT_NUMBER];

	if (!out.terminal)
		return 0;
	return col == 0 ? 5 : !t->cols[col].sum ? 0 :
	    (int)strlen(out_number(t->cols[col].unit, out_sum(t, col), buf));
}

size_t
out_len(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* With a unit behind each number it need not be in the name. */
static const char *
out_title(const struct out_col *c)
{
	if (out.terminal && strncmp(c->name, "bytes_", 6) == 0)
		return c->name + 6;
	if (out.terminal && strcmp(c->name, "age_seconds") == 0)
		return "age";
	return c->name;
}

const char *
out_value(const struct out_col *c, const char *cell, char buf[OUT_NUMBER])
{
	const char *why;
	long long n;

	if (c->unit == OUT_TEXT || c->unit == OUT_PLAIN)
		return cell;
	n = strtonum(cell, 0, INT64_MAX, &why);
	return why != NULL ? cell : out_number(c->unit, (uint64_t)n, buf);
}

static void
out_head(const struct out_table *t, const struct out_layout *l)
{
	size_t i;

	if (out.colour)
		fputs("\033[1m", stdout);
	for (i = 0; i < t->ncols; i++)
		if (l->shown[i])
			out_put(&t->cols[i], out_title(&t->cols[i]),
			    l->width[i], i == l->last);
	fputs(out.colour ? "\033[0m\n" : "\n", stdout);
}

static void
out_row(const struct out_table *t, const struct out_layout *l, size_t row)
{
	const char *text, *colour;
	char buf[OUT_NUMBER];
	size_t i;

	for (i = 0; i < t->ncols; i++) {
		if (!l->shown[i])
			continue;
		text = out_value(&t->cols[i], t->cells[row * t->ncols + i],
		    buf);
		if ((colour = out_colour(&t->cols[i], text)) != NULL)
			printf("\033[%sm", colour);
		out_put(&t->cols[i], text, l->width[i], i == l->last);
		if (colour != NULL)
			fputs("\033[0m", stdout);
	}
	putchar('\n');
}

/* Words to the left, numbers to the right. */
static void
out_put(const struct out_col *c, const char *text, int width, bool last)
{
	const int pad = width - (int)out_len(text);
	const bool left = c->unit == OUT_TEXT;

	printf("%*s%s%*s", left ? 0 : pad, "", text,
	    last ? 0 : left ? pad + OUT_GAP : OUT_GAP, "");
}

enum out_tone
out_tone(const struct out_col *c, const char *text)
{
	size_t i;

	for (i = 0; c->unit == OUT_TEXT && i < nitems_of(tones); i++)
		if (strcmp(text, tones[i].word) == 0)
			return tones[i].tone;
	return OUT_NO_TONE;
}

/* NULL: none. */
static const char *
out_colour(const struct out_col *c, const char *text)
{
	static const char * const colours[] = { [OUT_NO_TONE] = NULL,
		[OUT_WELL] = "32", [OUT_LOOK] = "33", [OUT_WRONG] = "31",
		[OUT_OFF] = "2" };

	return out.colour ? colours[out_tone(c, text)] : NULL;
}

static uint64_t
out_sum(const struct out_table *t, size_t col)
{
	uint64_t sum = 0;
	size_t i;

	for (i = col; i < t->ncells; i += t->ncols)
		sum += strtoull(t->cells[i], NULL, 10);
	return sum;
}

static void
out_total(const struct out_table *t, const struct out_layout *l)
{
	const struct out_col word = { "", OUT_TEXT, false, 0 };
	char buf[OUT_NUMBER];
	bool any = false;
	size_t i;

	for (i = 0; i < t->ncols; i++)
		any |= t->cols[i].sum && l->shown[i];
	for (i = 0; any && i < t->ncols; i++) {
		if (!l->shown[i])
			continue;
		if (t->cols[i].sum)
			out_put(&t->cols[i], out_number(t->cols[i].unit,
			    out_sum(t, i), buf), l->width[i], i == l->last);
		else
			out_put(&word, i == 0 ? "total" : "", l->width[i],
			    i == l->last);
	}
	if (any)
		putchar('\n');
}

void
out_pairs(const struct out_table *t)
{
	char buf[OUT_NUMBER];
	size_t i;

	for (i = 0; i < t->ncells; i++)
		printf("%-16s %s\n", t->cols[i].name,
		    out_value(&t->cols[i], t->cells[i], buf));
}
