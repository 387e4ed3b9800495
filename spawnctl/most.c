#include "compat.h"

#include <err.h>

#include "most.h"

static void	 most_add(struct most *, const struct rec *, uint64_t);
static void	 most_replace(struct most *, const struct rec *, uint64_t);
static void	 most_sink(struct most *, size_t);
static int	 most_by_key(const void *, const void *);

void
most_take(struct most *m, const struct rec *r, uint64_t key)
{
	if (m->limit == 0 || m->n < m->limit)
		most_add(m, r, key);
	else if (key > m->all[0].key)
		most_replace(m, r, key);
}

static void
most_add(struct most *m, const struct rec *r, uint64_t key)
{
	size_t i;

	if (m->n == m->room) {
		m->room = MAX(64, m->room * 2);
		m->all = reallocarray(m->all, m->room, sizeof(*m->all));
		if (m->all == NULL)
			err(1, "sessions");
	}
	m->all[m->n].key = key;
	m->all[m->n++].line = rec_line(r);
	if (m->n == m->limit)
		for (i = m->n / 2; i-- > 0;)
			most_sink(m, i);
}

static void
most_replace(struct most *m, const struct rec *r, uint64_t key)
{
	free(m->all[0].line);
	m->all[0].key = key;
	m->all[0].line = rec_line(r);
	most_sink(m, 0);
}

static void
most_sink(struct most *m, size_t i)
{
	const struct most_one it = m->all[i];
	size_t child;

	for (; (child = 2 * i + 1) < m->n; i = child) {
		if (child + 1 < m->n && m->all[child + 1].key <
		    m->all[child].key)
			child++;
		if (m->all[child].key >= it.key)
			break;
		m->all[i] = m->all[child];
	}
	m->all[i] = it;
}

void
most_sort(struct most *m)
{
	if (m->n != 0)
		qsort(m->all, m->n, sizeof(*m->all), most_by_key);
}

static int
most_by_key(const void *a, const void *b)
{
	const struct most_one *x = a, *y = b;

	return x->key < y->key ? 1 : x->key > y->key ? -1 : 0;
}

void
most_free(struct most *m)
{
	while (m->n > 0)
		free(m->all[--m->n].line);
	free(m->all);
	m->all = NULL;
	m->room = 0;
}
