#include "compat.h"

#include <err.h>

#include "top/cells.h"
#include "top/look.h"
#include "top/top.h"

#define NAME	256

static void	 remote_row(struct out_table *, const struct rows *, size_t);
static const char *remote_name(const struct rows *, size_t);
static void	 remote_share(struct out_table *, const struct rows *, size_t);
static void	 remote_times(struct out_table *, const char *, const char *);
static void	 remote_ms(struct out_table *, const struct rows *, size_t,
		    const char *);
static void	 times_sort(void);
static int	 times_compare(const void *, const void *);
static int	 times_order(const char *, const char *, const char *,
		    const char *);
static bool	 times_find(const char *, const char *, size_t *);

static const struct out_col cols[] = {
	{ "remote", OUT_TEXT, false, 99 }, { "address", OUT_TEXT, false, 40 },
	{ "state", OUT_TEXT, false, 98 }, { "weight", OUT_PLAIN, false, 30 },
	{ "active", OUT_PLAIN, false, 97 }, { "share%", OUT_PLAIN, false, 70 },
	{ "new/s", OUT_PLAIN, false, 90 }, { "failed/s", OUT_PLAIN, false, 85 },
	{ "failed", OUT_PLAIN, false, 45 }, { "held", OUT_PLAIN, false, 35 },
	{ "queue", OUT_PLAIN, false, 60 },
	{ "p50 ms", OUT_PLAIN, false, 50 }, { "p99 ms", OUT_PLAIN, false, 55 },
	{ "in/s", OUT_RATE, false, 80 }, { "out/s", OUT_RATE, false, 82 },
	{ "since", OUT_SECONDS, false, 20 },
};

/* Where the times of connects are: rows of the view, by relay and remote. */
static struct {
	size_t	*row, n;
} times;

/* Sessions of the relay section that the rows are of, which follow each
 * other. */
static struct {
	const char	*relay;
	uint64_t	 active;
} sum;

void
remotes_begin(struct pane *p)
{
	*p = (struct pane){ .name = "remotes", .cols = cols,
	    .ncols = nitems_of(cols), .nkey = 2, .sort = 4 };
}

void
remotes_fill(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_REMOTES);
	size_t i;

	times_sort();
	sum.relay = NULL;
	for (i = 0; i < r->nrows; i++)
		remote_row(&p->t, r, i);
	p->all = r->nrows;
	free(times.row);
	times.row = NULL;
}

static void
remote_row(struct out_table *t, const struct rows *r, size_t row)
{
	const uint64_t at = look_when(LOOK_REMOTES);
	const char *name = remote_name(r, row);
	char what[2 * NAME];

	snprintf(what, sizeof(what), "%s %s", name,
	    cell_text(r, row, "address"));
	out_cell(t, name);
	cell_same(t, r, row, "address");
	cell_same(t, r, row, "state");
	cell_same(t, r, row, "weight");
	cell_same(t, r, row, "active");
	remote_share(t, r, row);
	cell_rate(t, r, row, "sessions", what, at);
	cell_rate(t, r, row, "failed", what, at);
	cell_same(t, r, row, "failed");
	cell_same(t, r, row, "held");
	cell_same(t, r, row, "queue");
	remote_times(t, cell_text(r, row, "relay"), cell_text(r, row, "name"));
	cell_rate(t, r, row, "bytes_in", what, at);
	cell_rate(t, r, row, "bytes_out", what, at);
	cell_same(t, r, row, "since");
}

static const char *
remote_name(const struct rows *r, size_t row)
{
	static char name[NAME];

	snprintf(name, sizeof(name), "%s/%s", cell_text(r, row, "relay"),
	    cell_text(r, row, "name"));
	return name;
}

/* Of the sessions of its relay section. */
static void
remote_share(struct out_table *t, const struct rows *r, size_t row)
{
	const char *relay = cell_text(r, row, "relay");
	size_t i;

	if (sum.relay == NULL || strcmp(sum.relay, relay) != 0) {
		sum.relay = relay;
		sum.active = 0;
		for (i = row; i < r->nrows && strcmp(relay,
		    cell_text(r, i, "relay")) == 0; i++)
			sum.active += cell_number(r, i, "active");
	}
	if (sum.active == 0)
		out_cell(t, "-");
	else
		out_cell_number(t, cell_number(r, row, "active") * 100 /
		    sum.active);
}

static void
remote_times(struct out_table *t, const char *relay, const char *remote)
{
	const struct rows *r = look_rows(LOOK_TIMES);
	size_t row;

	if (times_find(relay, remote, &row)) {
		remote_ms(t, r, row, "p50");
		remote_ms(t, r, row, "p99");
	} else {
		out_cell(t, "-");
		out_cell(t, "-");
	}
}

/* Of seconds. */
static void
remote_ms(struct out_table *t, const struct rows *r, size_t row,
    const char *name)
{
	const char *text = cell_text(r, row, name);
	char *end, ms[OUT_NUMBER];
	const double x = strtod(text, &end) * 1000;

	if (end == text || *end != '\0' || !(x >= 0 && x < 1e12))
		out_cell(t, "-");
	else {
		snprintf(ms, sizeof(ms), "%.*f", x < 10 ? 1 : 0, x);
		out_cell(t, ms);
	}
}

static void
times_sort(void)
{
	const struct rows *r = look_rows(LOOK_TIMES);
	size_t i;

	if ((times.row = calloc(r->nrows + 1, sizeof(*times.row))) == NULL)
		err(1, "remotes");
	times.n = 0;
	for (i = 0; i < r->nrows; i++)
		if (strcmp(cell_text(r, i, "measure"), "connect") == 0)
			times.row[times.n++] = i;
	qsort(times.row, times.n, sizeof(*times.row), times_compare);
}

static int
times_compare(const void *a, const void *b)
{
	const struct rows *r = look_rows(LOOK_TIMES);
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return times_order(cell_text(r, x, "relay"), cell_text(r, x, "remote"),
	    cell_text(r, y, "relay"), cell_text(r, y, "remote"));
}

static int
times_order(const char *relay, const char *remote, const char *other_relay,
    const char *other_remote)
{
	const int order = strcmp(relay, other_relay);

	return order != 0 ? order : strcmp(remote, other_remote);
}

static bool
times_find(const char *relay, const char *remote, size_t *row)
{
	const struct rows *r = look_rows(LOOK_TIMES);
	size_t low = 0, high = times.n, at;
	int order;

	while (low < high) {
		at = low + (high - low) / 2;
		*row = times.row[at];
		order = times_order(relay, remote,
		    cell_text(r, *row, "relay"), cell_text(r, *row, "remote"));
		if (order == 0)
			return true;
		if (order < 0)
			high = at;
		else
			low = at + 1;
	}
	return false;
}
