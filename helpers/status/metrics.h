/*
 * metrics.h - what the views say, as metrics of Prometheus; spawnd-metrics(7)
 * has their names.
 *
 * Labels are names and addresses of the configuration, and words of our own:
 * no client can make a time series.
 */
#ifndef METRICS_H
#define METRICS_H

#include "compat.h"

struct evbuffer;
struct sight;

/* Content-Type of what is written: text format 0.0.4. */
#define METRICS_TYPE	"text/plain; version=0.0.4; charset=utf-8"

/* Writes all of them; those whose view is missing have no samples. Returns 0,
 * or -1 if there is no memory, with a part written. */
int	 metrics_write(struct evbuffer *, const struct sight *);

#endif
