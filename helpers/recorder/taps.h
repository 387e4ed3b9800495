/*
 * taps.h - the sessions of one worker, each as often as there are sections that
 * it is for; by the numbers that the worker gives them.
 */
#ifndef TAPS_H
#define TAPS_H

#include "dump.h"
#include "flow.h"

struct taps;

/* Where sessions go. */
struct sections {
	const struct conf	*conf;
	struct files		**files;	/* one a record section */
	struct dump		**dumps;	/* one a dump section */
};

/* NULL without memory. */
struct taps	*taps_new(const struct sections *, long pid);
/* The worker has gone, and its sessions with it. */
void		 taps_free(struct taps **, uint64_t us);
/* The next item. False: there cannot be such a one, whoever has written it is
 * not to be listened to. */
bool		 taps_take(struct taps *, const struct feed_reader *,
		    const struct feed_item *);

#endif
