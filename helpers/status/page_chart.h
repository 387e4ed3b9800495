/*
 * page_chart.h - what has been, as drawings of the page.
 */
#ifndef PAGE_CHART_H
#define PAGE_CHART_H

#include "compat.h"

struct evbuffer;
struct rows;

/* The last hour, of the view history, a drawing for each thing that is looked
 * at. r: NULL if nobody knows. */
void	 page_charts(struct evbuffer *, const struct rows *r);
/* Of a row of the view times: how many took how long. */
void	 page_spread(struct evbuffer *, const struct rows *, size_t row);
/* What a column of history was at last, a second. False: nobody knows. */
bool	 page_rate(const struct rows *, const char *column, double *);

#endif
