/*
 * merge.h - the addresses of an answer into the places of a remote: those that
 * stay keep theirs.
 */
#ifndef MERGE_H
#define MERGE_H

#include "dns/ask.h"
#include "targets.h"

struct merged {
	unsigned	 come, gone;	/* addresses */
	unsigned	 left_out;	/* there was no place for these */
};

/* What is known of the n places of a remote becomes what the answer says; now
 * in ms, monotonic. An address that has vanished keeps its place, not present,
 * as sessions may be open there: a new one gets a place that was never used,
 * else the one that has been left for the longest time. */
void		 merge(struct target *, unsigned n, const struct asked *,
		    unsigned naddrs, uint64_t now, struct merged *);

#endif
