/*
 * metric.h - the table of metrics, as data.
 */
#ifndef METRIC_H
#define METRIC_H

#include "compat.h"

/* How a row of a view becomes a sample, unless the cell is "-". */
enum metric_as {
	AS_NUMBER,	/* the cell; added up for rows with the same labels */
	AS_LESS,	/* the same, less the column that the word names */
	AS_LEAST,	/* the cell, but the least of these */
	AS_ONE,		/* 1, also for several with the same labels */
	AS_WORD,	/* 1 if the cell is the word, else 0 */
	AS_NOT,		/* the other way round */
	AS_TIMES	/* if the cell is the word: a histogram by the row's
			   sum and buckets */
};

/* A label that has what a column has; none where that is "-". */
struct metric_label {
	const char	*name, *column;
};

struct metric {
	const char		*name;	/* after spawnd_; NULL: more of the one
					   before */
	const char		*type;	/* as Prometheus says */
	const char		*help;
	const char		*view;	/* of spawnctl show */
	const char		*column;
	enum metric_as		 as;
	const char		*word;	/* NULL, if that asks for none */
	const char		*fixed;	/* NULL, or further labels, as text */
	const struct metric_label *labels; /* NULL, or up to one without a
					      name */
};

/* Up to one without a view. */
extern const struct metric metrics[];

#endif
