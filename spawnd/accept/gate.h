/*
 * gate.h - what a generation's configuration says of who comes in at a
 * listener, made ready to be asked: one gate a listen section.
 */
#ifndef GATE_H
#define GATE_H

#include "acl_map.h"
#include "conf/conf.h"

struct quota;
struct sources;

struct gate {
	struct acl_map	*access;	/* NULL: no rules of its own */
	struct acl_map	*proxy_from;	/* NULL: its sources are asked for by
					   their own addresses only */
	struct quota	*quota;		/* NULL: nothing is counted */
	struct sources	*sticky;	/* NULL: sources keep no worker */
	uint64_t	 reserve;
	uint64_t	 open;		/* sessions in the pool, if counted */
};

struct gates {
	unsigned	 n;
	uint64_t	 unfilled;	/* of all reserves, what is not used */
	struct gate	 of[];
};

/* Those of a configuration, which lives longer. NULL with errno. */
struct gates	*gate_new(const struct conf *);
/* Sets the pointer to NULL; that may have been NULL. */
void		 gate_free(struct gates **);
/* By the rules of its listener alone. */
bool		 gate_permits(const struct gate *, const struct source *);
/* Sends that source a header that names another? */
bool		 gate_speaks_for(const struct gate *, const struct source *);
/* A session of a listener is in the pool, or no more. */
void		 gate_enter(struct gates *, unsigned listener);
void		 gate_leave(struct gates *, unsigned listener);
/* With room for so many in the pool: is that kept for other listeners? */
bool		 gate_reserved(const struct gates *, unsigned listener,
		    uint64_t room);

#endif
