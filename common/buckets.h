/*
 * buckets.h - how much may flow in a second: buckets, of one session or, in
 * shared memory, of all sessions of all workers that a rate is for.
 *
 * A bucket is one word, the time at which all that was claimed of it will have
 * flowed. A claim moves it on, whenever that is: who comes later stands behind
 * in the line, in whichever process, and nobody has to be woken but by time.
 *
 * The shared memory is the one that every worker writes to. It says nothing but
 * how fast bytes may flow, and whatever is in it is taken for a time that is
 * near: a worker that runs somebody else's code can make its rates wrong, and
 * nothing else. The master only makes it, and never looks.
 */
#ifndef BUCKETS_H
#define BUCKETS_H

#include "compat.h"

#include <stdatomic.h>

#include "conf/conf.h"
#include "siphash.h"

struct bucket {
	_Atomic uint64_t	 key;	/* whose it is; 0: nobody's */
	_Atomic uint64_t	 due;	/* ns as ev_now_us(), see above */
	_Atomic uint64_t	 idle;	/* ns behind due, when it is full */
};

struct buckets_mem;

struct buckets {
	struct buckets_mem	*mem;	/* NULL: there is none */
	struct siphash_key	 hash;
};

/* Does a filter of the configuration need shared ones? */
bool		 buckets_wanted(const struct conf *);
/* The memory; a descriptor to write to it, or -1 with errno. */
int		 buckets_create(void);
/* Maps it; the descriptor stays open. Returns 0, or -1 with errno. */
int		 buckets_attach(struct buckets *, int fd);
/* What is to be the same for all who share a bucket, as a key. */
uint64_t	 buckets_key(const struct buckets *, const void *, size_t);
/* The bucket of that key, which is new and full if nobody else has used it for
 * as long as that takes; NULL if there is no room for one more. Its key is to
 * be looked at again before each claim. */
struct bucket	*buckets_find(struct buckets *, uint64_t key,
		    const struct conf_rate *, uint64_t now_ns);

/*
 * Claims up to want bytes, at least 1, and says from when on they may flow:
 * all that are there, or a slice that it takes a short time for. late: who asks
 * has waited for the last ones, and loses nothing by having been woken late.
 */
size_t		 bucket_claim(struct bucket *, const struct conf_rate *,
		    size_t want, bool late, uint64_t now_ns, uint64_t *at_ns);
/* So many of them did not flow. */
void		 bucket_return(struct bucket *, const struct conf_rate *,
		    size_t);

#endif
