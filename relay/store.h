/*
 * store.h - the memory of what the worker stores for all its sessions.
 */
#ifndef STORE_H
#define STORE_H

#include "compat.h"

/* A piece of what is stored; of one queue at a time. */
struct chunk {
	struct chunk	*next;
	uint32_t	 off;		/* begins here in data */
	uint32_t	 len;
	uint32_t	 room;		/* of data, all of it */
	char		 data[];
};

/* How many bytes there may be, see store_full(). */
void		 store_limit(uint64_t);
/* An empty chunk for so many bytes, or for as many as fit into the largest
 * one; NULL with errno without memory. The caller's until it is put back. */
struct chunk	*store_get(size_t);
void		 store_put(struct chunk *);
/* So many bytes more, or fewer, that somebody else has: they count as well. */
void		 store_count(int64_t);
/* True if as much as the limit is in use. Then nobody may read what is to be
 * stored behind something else; what is met unprepared still gets its chunk. */
bool		 store_full(void);

#endif
