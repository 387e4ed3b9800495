#include "compat.h"

#include "series.h"

static void	*grow(void *, size_t *, size_t, size_t);
static bool	add_values(struct series *);
static bool	add(struct series *, const char *, size_t);
static bool	add_comma(struct series *);
static bool	add_escaped(struct series *, const char *);
static int	compare(const void *, const void *);
static void	join(const struct series *, const struct sample *,
		    const struct sample *, bool);

double *
series_sample(struct series *s)
{
	struct sample *p = s->failed ? NULL : grow(s->samples, &s->room,
	    s->n + 1, sizeof(*p));

	if (p != NULL)
		s->samples = p;
	if (p == NULL || !add_values(s)) {
		s->failed = true;
		return NULL;
	}
	if (s->n != 0)
		s->len++;		/* behind the NUL of the one before */
	s->samples[s->n++] = (struct sample){ .labels_at = s->len,
	    .at = s->nvalues - s->width };
	return add(s, "", 0) ? s->values + s->nvalues - s->width : NULL;
}

/* Room for so many of that size: p, or what stands in its place; NULL: there
 * is none, and p is as it was. */
static void *
grow(void *p, size_t *room, size_t wanted, size_t size)
{
	size_t n = MAX(*room, 64);

	if (wanted <= *room)
		return p;
	while (n < wanted)
		n *= 2;
	if ((p = reallocarray(p, n, size)) != NULL)
		*room = n;
	return p;
}

static bool
add_values(struct series *s)
{
	double *p = grow(s->values, &s->values_room, s->nvalues + s->width,
	    sizeof(*p));
	size_t i;

	if (p == NULL)
		return false;
	s->values = p;
	for (i = 0; i < s->width; i++)
		s->values[s->nvalues++] = 0;
	return true;
}

/* What is added next stands in the place of the NUL. */
static bool
add(struct series *s, const char *text, size_t len)
{
	char *p = grow(s->text, &s->text_room, s->len + len + 1, 1);

	if (p == NULL) {
		s->failed = true;
		return false;
	}
	s->text = p;
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
	return true;
}

void
series_label(struct series *s, const char *name, const char *value)
{
	if (add_comma(s) && add(s, name, strlen(name)) && add(s, "=\"", 2) &&
	    add_escaped(s, value))
		add(s, "\"", 1);
}

void
series_labels(struct series *s, const char *labels)
{
	if (add_comma(s))
		add(s, labels, strlen(labels));
}

/* Between labels. */
static bool
add_comma(struct series *s)
{
	if (s->failed)
		return false;
	return s->len == s->samples[s->n - 1].labels_at || add(s, ",", 1);
}

static bool
add_escaped(struct series *s, const char *value)
{
	size_t n;

	for (;; value += n + 1) {
		n = strcspn(value, "\\\"\n");
		if (!add(s, value, n))
			return false;
		if (value[n] == '\0')
			return true;
		if (!add(s, value[n] == '\n' ? "\\n" : value[n] == '"' ?
		    "\\\"" : "\\\\", 2))
			return false;
	}
}

void
series_merge(struct series *s, bool least)
{
	size_t i, n;

	if (s->failed || s->n == 0)
		return;
	for (i = 0; i < s->n; i++)
		s->samples[i].labels = s->text + s->samples[i].labels_at;
	qsort(s->samples, s->n, sizeof(*s->samples), compare);
	for (i = n = 1; i < s->n; i++)
		if (strcmp(s->samples[n - 1].labels,
		    s->samples[i].labels) == 0)
			join(s, &s->samples[n - 1], &s->samples[i], least);
		else
			s->samples[n++] = s->samples[i];
	s->n = n;
}

static int
compare(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return strcmp(x->labels, y->labels);
}

static void
join(const struct series *s, const struct sample *to,
    const struct sample *from, bool least)
{
	double *x = s->values + to->at;
	const double *y = s->values + from->at;
	size_t i;

	for (i = 0; i < s->width; i++)
		x[i] = least ? MIN(x[i], y[i]) : x[i] + y[i];
}

void
series_free(struct series *s)
{
	free(s->samples);
	free(s->values);
	free(s->text);
	*s = (struct series){ .width = s->width };
}
