/*
 * closing.h - the line of the log that a session gets when it ends.
 */
#ifndef CLOSING_H
#define CLOSING_H

#include "addr.h"

#include "tcpinfo.h"

struct end;
struct sess;

/* What the system knows of an end. */
struct closing_end {
	bool		 known;
	struct tcpinfo	 tcp;
	uint64_t	 unsent;	/* bytes it has not acknowledged */
};

/* What is known of it before its sockets are closed. */
struct closing {
	bool		 told;		/* it gets a line at all */
	unsigned	 port;		/* that the client has connected to; 0:
					   the listener has only one */
	uint64_t	 draw;		/* of CONF_WHOLE, for samples; 0: every
					   target is to have it */
	struct closing_end client, remote; /* only where that is wanted */
};

/* What the configuration wants; to be called once, when it is there. */
void	 closing_start(void);
void	 closing_begin(struct closing *, const struct sess *);
/* The address that it is connected to; returns buf. */
char	*closing_address(const struct sess *, char buf[ADDR_STRLEN]);
void	 closing_line(const struct closing *, const struct sess *);

#endif
