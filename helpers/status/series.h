/*
 * series.h - the samples of one metric, each with its labels and one value or
 * more: they are collected, and those that have the same labels become one.
 */
#ifndef SERIES_H
#define SERIES_H

#include "compat.h"

struct sample {
	size_t		 labels_at;	/* in text */
	const char	*labels;	/* after series_merge() */
	size_t		 at;		/* its values, in values */
};

/* Begin with zeros and a width. */
struct series {
	size_t		 width;		/* values of a sample */
	struct sample	*samples;
	size_t		 n, room;
	double		*values;
	size_t		 nvalues, values_room;
	char		*text;		/* labels of all, each with its NUL */
	size_t		 len, text_room;
	bool		 failed;	/* out of memory; it stays so */
};

/* Begins a sample, without labels so far. Returns where its values belong,
 * zeros until then, good until the next sample; NULL: no memory. */
double	*series_sample(struct series *);
/* One more label of it, as in: name="value", with what Prometheus wants
 * escaped; the value may have any bytes. */
void	 series_label(struct series *, const char *name, const char *value);
/* The same of labels that are text already. */
void	 series_labels(struct series *, const char *);
/* Sorts by labels and makes one of those that have the same: the sum, or with
 * least the least. */
void	 series_merge(struct series *, bool least);
void	 series_free(struct series *);

#endif
