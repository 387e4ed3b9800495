/*
 * lease.h - leases of places with max-sessions, from the master (board.h): a
 * session, or one that waits, needs one.
 */
#ifndef LEASE_H
#define LEASE_H

#include "remotes.h"

/* Says who tells the master that the claim on a place is another one; false:
 * not now. */
void		 lease_init(bool (*say)(unsigned place));
/* Claims what all places of a section need now, and gives the rest back. What
 * could not be said is said at the next call. */
void		 lease_settle(struct remotes *);
/* How many leases of a section are used by no session. */
uint64_t	 lease_unused(const struct remotes *);

/* One more session may be there now. */
static inline bool
lease_free(const struct remote *r)
{
	const uint32_t back = BOARD_CLAIM_BACK(atomic_load_explicit(
	    &r->board->claim, memory_order_relaxed));

	return r->conf->max_sessions == 0 ||
	    (int32_t)(atomic_load_explicit(&r->told->leases,
	    memory_order_acquire) - back - atomic_load_explicit(
	    &r->board->active, memory_order_relaxed)) > 0;
}

#endif
