/*
 * refuse.h - who is accepted and not served: counted, told, closed.
 */
#ifndef REFUSE_H
#define REFUSE_H

struct listener;
struct source;

/* Both close the descriptor. The access rules deny this client. */
void		 refuse_denied(struct listener *, int fd,
		    const struct source *);
/* Nobody has room and nobody is to wait. */
void		 refuse_limited(struct listener *, int fd,
		    const struct source *);

#endif
