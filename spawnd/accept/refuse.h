/*
 * refuse.h - who is accepted and not served: counted, told, closed.
 */
#ifndef REFUSE_H
#define REFUSE_H

#include "accept/limit.h"

struct listener;
struct source;

/* Both close the descriptor. The access rules deny this client. */
void		 refuse_denied(struct listener *, int fd,
		    const struct source *);
/* It is over a limit and is not to wait. */
void		 refuse_limited(struct listener *, int fd,
		    const struct source *, enum limit);

#endif
