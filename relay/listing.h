/*
 * listing.h - what a worker tells of its sessions to who has asked the master,
 * or ends of them: by LIST of proto.h, which says how it is written. A bounded
 * amount a turn, to a socket that is never waited for, whatever happens to the
 * sessions meanwhile.
 */
#ifndef LISTING_H
#define LISTING_H

#include "proto.h"

/* Takes over the descriptor, and writes there. */
void	 listing_start(int fd, const struct proto_list *);
/* The worker ends, and has no sessions any more: nor have lists under way. */
void	 listing_stop(void);

#endif
