#include "compat.h"

#include <ctype.h>

#include "conf/int.h"

#define NEAR_MAX	48	/* no name is as long */

struct conf_unit {
	const char	*name;
	uint64_t	 factor;
};

static char	*conf_unit_str(uint64_t, const struct conf_unit *, char *);
static int	 conf_unit_of(const char *, uint64_t *,
		    const struct conf_unit *, const char *, const char **);
static const struct conf_unit
		*conf_unit_find(const struct conf_unit *, const char *);
static unsigned	 conf_near_distance(const char *, const char *);
static unsigned	 conf_near_min(unsigned, unsigned);

/* Largest first: the first that divides a number prints it. */
static const struct conf_unit durations[] = {
	{ "d", 86400 * 1000 },
	{ "h", 3600 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ NULL, 1000 }
};

static const struct conf_unit sizes[] = {
	{ "g", 1 << 30 },
	{ "m", 1 << 20 },
	{ "k", 1 << 10 },
	{ "G", 1 << 30 },
	{ "M", 1 << 20 },
	{ "K", 1 << 10 },
	{ NULL, 1 }
};

char *
conf_duration_str(uint64_t ms, char buf[CONF_UNITLEN])
{
	return conf_unit_str(ms, durations, buf);
}

char *
conf_size_str(uint64_t bytes, char buf[CONF_UNITLEN])
{
	return conf_unit_str(bytes, sizes, buf);
}

static char *
conf_unit_str(uint64_t value, const struct conf_unit *unit, char *buf)
{
	if (value == 0) {
		strlcpy(buf, "0", CONF_UNITLEN);
		return buf;
	}
	while (unit->name != NULL && value % unit->factor != 0)
		unit++;
	snprintf(buf, CONF_UNITLEN, "%llu%s",
	    (unsigned long long)(value / unit->factor),
	    unit->name == NULL ? "" : unit->name);
	return buf;
}

int
conf_duration_of(const char *text, uint64_t *ms, const char **errp)
{
	return conf_unit_of(text, ms, durations, "a time; use a number and "
	    "ms, s, m, h or d; a bare number is seconds", errp);
}

int
conf_size_of(const char *text, uint64_t *bytes, const char **errp)
{
	return conf_unit_of(text, bytes, sizes, "a size; use a number and "
	    "k, m or g; a bare number is bytes", errp);
}

static int
conf_unit_of(const char *text, uint64_t *value, const struct conf_unit *units,
    const char *what, const char **errp)
{
	static char error[256];
	const struct conf_unit *unit;
	const char *end;

	if (conf_units_number(text, value, &end) == -1) {
		unit = NULL;
		if (isdigit((unsigned char)*text))
			end = NULL;
	} else
		unit = conf_unit_find(units, end);
	if (end != NULL && unit == NULL) {
		snprintf(error, sizeof(error), "\"%.64s\" is not %s", text,
		    what);
		*errp = error;
		return -1;
	}
	if (end == NULL || *value > UINT64_MAX / unit->factor) {
		snprintf(error, sizeof(error), "%.64s is too much", text);
		*errp = error;
		return -1;
	}
	*value *= unit->factor;
	return 0;
}

/* The empty name is the last entry, the unit of a bare number. */
static const struct conf_unit *
conf_unit_find(const struct conf_unit *unit, const char *name)
{
	for (; unit->name != NULL; unit++)
		if (strcmp(unit->name, name) == 0)
			return unit;
	return *name == '\0' ? unit : NULL;
}

int
conf_units_number(const char *text, uint64_t *value, const char **end)
{
	unsigned long long n;

	*end = text + strspn(text, "0123456789");
	if (*end == text)
		return -1;
	errno = 0;
	n = strtoull(text, NULL, 10);
	if (errno == ERANGE)
		return -1;
	*value = n;
	return 0;
}

void
conf_near_init(struct conf_near *near, const char *word)
{
	memset(near, 0, sizeof(*near));
	near->word = word;
	/* At most a third of a name may be wrong. */
	near->distance = (strlen(word) + 2) / 3 + 1;
}

void
conf_near_try(struct conf_near *near, const char *candidate)
{
	unsigned distance;

	if (strlen(near->word) >= NEAR_MAX || strlen(candidate) >= NEAR_MAX)
		return;
	distance = conf_near_distance(near->word, candidate);
	if (distance < near->distance && distance < strlen(candidate)) {
		near->distance = distance;
		near->best = candidate;
	}
}

const char *
conf_near_hint(struct conf_near *near)
{
	if (near->best != NULL)
		snprintf(near->hint, sizeof(near->hint),
		    "; did you mean \"%s\"?", near->best);
	return near->hint;
}

/* Damerau and Levenshtein: insert, delete, replace, swap neighbours. */
static unsigned
conf_near_distance(const char *a, const char *b)
{
	unsigned d[NEAR_MAX + 1][NEAR_MAX + 1], cost;
	size_t i, j, n = strlen(a), m = strlen(b);

	for (i = 0; i <= n; i++)
		d[i][0] = i;
	for (j = 0; j <= m; j++)
		d[0][j] = j;
	for (i = 1; i <= n; i++)
		for (j = 1; j <= m; j++) {
			cost = tolower((unsigned char)a[i - 1]) !=
			    tolower((unsigned char)b[j - 1]);
			d[i][j] = conf_near_min(d[i - 1][j - 1] + cost,
			    conf_near_min(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = conf_near_min(d[i][j],
				    d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

static unsigned
conf_near_min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}
