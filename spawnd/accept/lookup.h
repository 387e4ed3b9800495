/*
 * lookup.h - finds listeners by what they are asked for: a reload with many of
 * them looks for each.
 *
 * Every function that finds gives one that may be it, and lookup_next() the
 * next one: by a hash, so whoever asks has to compare.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "addr.h"

struct listener;
struct unixsock;

enum lookup {
	LOOKUP_ASKED,		/* address as configured */
	LOOKUP_BOUND,		/* address that it really has; not unix */
	LOOKUP_PORT,		/* the family and port of that; not unix */
	LOOKUP_NAME,		/* section; of those passed to us by name */
	LOOKUP_FILE,		/* of a unix socket of ours */
	LOOKUPS
};

/* The place of a listener among those that are found by one thing. */
struct lookup_key {
	LIST_ENTRY(lookup_key)	 entry;
	struct listener		*of;		/* NULL: not to be found */
	uint32_t		 hash;
};

/* It is to be found from now on, or by other things than before. */
void		 lookup_add(struct listener *);
void		 lookup_del(struct listener *);

/* A port 0 is the section's own: the name is that of the section. */
struct listener	*lookup_asked(const struct addr *, const char *name);
struct listener	*lookup_bound(const struct addr *);
struct listener	*lookup_port(const struct addr *);
/* Of inetd's socket, any name will do. */
struct listener	*lookup_name(const char *);
struct listener	*lookup_file(const struct unixsock *);
struct listener	*lookup_next(const struct listener *, enum lookup);

#endif
