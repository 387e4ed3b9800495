/*
 * maglev.h - whose a client is, by a hash of its address: a table whose places
 * are shared out by weight, so that it takes one look, however many they are
 * shared by (Eisenbud et al., NSDI 2016). When somebody comes or goes, nearly
 * all others keep their places.
 */
#ifndef MAGLEV_H
#define MAGLEV_H

#include "compat.h"

struct maglev {
	uint32_t	*places;	/* whose it is: its number */
	uint32_t	 n;		/* of them, a prime number */
};

/* One of those who share the places. */
struct maglev_share {
	uint64_t	 hash;		/* of its name */
	unsigned	 weight;	/* 1 to 65535 */
};

/* A way through all places, each once. */
struct maglev_walk {
	uint32_t	 at, step;
};

/* Of any bytes, the same everywhere; not for what an enemy may choose. */
uint64_t	 maglev_hash(const void *, size_t);
/*
 * Makes the table for n, 1 or more, whose numbers are their places in the
 * array. Each gets at least one place. The order of the array changes nothing
 * but the numbers. Returns 0 with places for the caller to free(3), or -1 with
 * ENOMEM.
 */
int		 maglev_build(struct maglev *, const struct maglev_share *,
		    unsigned n);
/* The way of a hash: it begins, and goes on, by the hash alone. */
struct maglev_walk maglev_begin(const struct maglev *, uint64_t hash);

/* The number of whom it has come to; the walk goes on. */
static inline uint32_t
maglev_next(const struct maglev *m, struct maglev_walk *w)
{
	const uint32_t at = w->at, rest = m->n - w->step;

	w->at = at >= rest ? at - rest : at + w->step;
	return m->places[at];
}

#endif
