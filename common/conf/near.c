#include "compat.h"

#include <ctype.h>

#include "conf/near.h"

#define NEAR_MAX	48	/* no name is as long */

static unsigned	 near_distance(const char *, const char *);
static unsigned	 near_min(unsigned, unsigned);

void
near_init(struct near *near, const char *word)
{
	memset(near, 0, sizeof(*near));
	near->word = word;
	/* At most a third of it may be wrong, or else one letter. */
	near->distance = MAX(strlen(word) / 3, 1) + 1;
}

void
near_try(struct near *near, const char *candidate)
{
	unsigned distance;

	if (strlen(near->word) >= NEAR_MAX || strlen(candidate) >= NEAR_MAX)
		return;
	distance = near_distance(near->word, candidate);
	/* Whoever leaves something out leaves out the end. */
	if (strlen(near->word) > 2 && strncasecmp(near->word, candidate,
	    strlen(near->word)) == 0)
		distance = 1;
	if (distance < near->distance && distance < strlen(candidate)) {
		near->distance = distance;
		near->best = candidate;
	}
}

const char *
near_hint(struct near *near)
{
	if (near->best != NULL)
		snprintf(near->hint, sizeof(near->hint),
		    "; did you mean \"%s\"?", near->best);
	return near->hint;
}

/* Damerau and Levenshtein: insert, delete, replace, swap neighbours. */
static unsigned
near_distance(const char *a, const char *b)
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
			d[i][j] = near_min(d[i - 1][j - 1] + cost,
			    near_min(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = near_min(d[i][j],
				    d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

static unsigned
near_min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}
