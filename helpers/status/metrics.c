#include "compat.h"

#include <errno.h>
#include <math.h>

#include <event2/buffer.h>

#include "metric.h"
#include "metrics.h"
#include "rows.h"
#include "series.h"
#include "sight.h"
#include "times.h"

/* The values of a sample of a histogram: the counts for all bounds, and for
 * all times, and these. */
#define VALUE_COUNT	TIMES_N
#define VALUE_SUM	(TIMES_N + 1)
#define VALUES		(TIMES_N + 2)

static const struct metric *write_metric(struct evbuffer *,
		    const struct metric *, const struct sight *);
static void	collect(struct series *, const struct metric *,
		    const struct rows *);
static void	collect_row(struct series *, const struct metric *,
		    const struct rows *, size_t);
static bool	take_values(const struct metric *, const struct rows *, size_t,
		    double *);
static bool	take_number(const char *, double *);
static bool	take_less(const char *, const char *, double *);
static bool	take_times(const struct rows *, size_t, double *);
static void	put_labels(struct series *, const struct metric *,
		    const struct rows *, size_t);
static void	write_times(struct evbuffer *, const char *, const char *,
		    const double *);
static void	write_sample(struct evbuffer *, const char *, const char *,
		    double);

int
metrics_write(struct evbuffer *to, const struct sight *sight)
{
	const struct metric *m = metrics;

	while (m->view != NULL)
		if ((m = write_metric(to, m, sight)) == NULL)
			return -1;
	return 0;
}

/* All of its rows in the table, which stand together. Returns the one behind
 * them, or NULL: no memory. */
static const struct metric *
write_metric(struct evbuffer *to, const struct metric *first,
    const struct sight *sight)
{
	struct series s = { .width = first->as == AS_TIMES ? VALUES : 1 };
	const struct metric *m = first;
	const struct sample *p;
	size_t i;

	do
		collect(&s, m, sight_rows(sight, m->view));
	while ((++m)->view != NULL && m->name == NULL);
	series_merge(&s, first->as == AS_LEAST || first->as == AS_ONE);
	evbuffer_add_printf(to, "# HELP spawnd_%s %s\n# TYPE spawnd_%s %s\n",
	    first->name, first->help, first->name, first->type);
	for (i = 0; i < s.n && !s.failed; i++) {
		p = &s.samples[i];
		if (first->as == AS_TIMES)
			write_times(to, first->name, p->labels,
			    s.values + p->at);
		else
			write_sample(to, first->name, p->labels,
			    s.values[p->at]);
	}
	if (s.failed)
		m = NULL;
	series_free(&s);
	return m;
}

static void
collect(struct series *s, const struct metric *m, const struct rows *r)
{
	size_t i;

	for (i = 0; r != NULL && i < r->nrows; i++)
		collect_row(s, m, r, i);
}

static void
collect_row(struct series *s, const struct metric *m, const struct rows *r,
    size_t row)
{
	double values[VALUES], *to;

	if (!take_values(m, r, row, values) ||
	    (to = series_sample(s)) == NULL)
		return;
	memcpy(to, values, s->width * sizeof(*values));
	put_labels(s, m, r, row);
}

/* False: this row has none. */
static bool
take_values(const struct metric *m, const struct rows *r, size_t row,
    double *v)
{
	const char *cell = rows_cell(r, row, m->column);

	if (cell == NULL || strcmp(cell, "-") == 0)
		return false;
	switch (m->as) {
	case AS_NUMBER:
	case AS_LEAST:
		return take_number(cell, v);
	case AS_LESS:
		return take_less(cell, rows_cell(r, row, m->word), v);
	case AS_ONE:
		*v = 1;
		return true;
	case AS_WORD:
		*v = strcmp(cell, m->word) == 0;
		return true;
	case AS_NOT:
		*v = strcmp(cell, m->word) != 0;
		return true;
	case AS_TIMES:
		return strcmp(cell, m->word) == 0 && take_times(r, row, v);
	}
	return false;
}

static bool
take_number(const char *text, double *v)
{
	char *end;

	*v = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*v);
}

static bool
take_less(const char *cell, const char *other, double *v)
{
	double less;

	if (other == NULL || !take_number(cell, v) ||
	    !take_number(other, &less) || less > *v)
		return false;
	*v -= less;
	return true;
}

/* The last bucket is all of them. */
static bool
take_times(const struct rows *r, size_t row, double *v)
{
	const char *sum = rows_cell(r, row, "sum");
	const char *buckets = rows_cell(r, row, "buckets");
	char *end;
	int i;

	if (sum == NULL || buckets == NULL || !take_number(sum,
	    &v[VALUE_SUM]))
		return false;
	for (i = 0; i <= VALUE_COUNT; i++, buckets = end) {
		v[i] = strtod(buckets, &end);
		if (end == buckets)
			return false;
	}
	return true;
}

static void
put_labels(struct series *s, const struct metric *m, const struct rows *r,
    size_t row)
{
	const struct metric_label *l;
	const char *cell;

	for (l = m->labels; l != NULL && l->name != NULL; l++)
		if ((cell = rows_cell(r, row, l->column)) != NULL &&
		    strcmp(cell, "-") != 0)
			series_label(s, l->name, cell);
	if (m->fixed != NULL)
		series_labels(s, m->fixed);
}

static void
write_times(struct evbuffer *to, const char *name, const char *labels,
    const double *v)
{
	char text[64];
	int i;

	for (i = 0; i <= VALUE_COUNT; i++) {
		if (i == VALUE_COUNT)
			strlcpy(text, "+Inf", sizeof(text));
		else
			snprintf(text, sizeof(text), "%g",
			    (double)times_bounds[i] / 1e6);
		evbuffer_add_printf(to, "spawnd_%s_bucket{%s%sle=\"%s\"} "
		    "%.0f\n", name, labels, *labels == '\0' ? "" : ",", text,
		    v[i]);
	}
	snprintf(text, sizeof(text), "%s_sum", name);
	write_sample(to, text, labels, v[VALUE_SUM]);
	snprintf(text, sizeof(text), "%s_count", name);
	write_sample(to, text, labels, v[VALUE_COUNT]);
}

/* Counts are whole, whatever their size. */
static void
write_sample(struct evbuffer *to, const char *name, const char *labels,
    double v)
{
	evbuffer_add_printf(to, *labels == '\0' ? "spawnd_%s%s " :
	    "spawnd_%s{%s} ", name, labels);
	evbuffer_add_printf(to, fabs(v) < 1e18 && floor(v) == v ? "%.0f\n" :
	    "%.15g\n", v);
}
