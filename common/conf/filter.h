/*
 * filter.h - the sections that are filters of sessions, as values: a part of
 * conf.h. One structure a kind; its name stands first.
 */
#ifndef CONF_FILTER_H
#define CONF_FILTER_H

#include "compat.h"

#define CONF_NAME	32	/* longest section title, with the NUL */
#define CONF_CHAIN	16	/* most filters of one listener or relay */

enum conf_filter_kind { CONF_FILTER_RATE, CONF_FILTERS };

/* One of them, as others name it. */
struct conf_filter {
	enum conf_filter_kind	 kind;
	unsigned		 index;	/* in the array of its kind */
};

/* Up is from the client to the remote. */
enum conf_way { CONF_WAY_BOTH, CONF_WAY_UP, CONF_WAY_DOWN };

/* What a bucket of a rate is for. */
enum conf_per { CONF_PER_SESSION, CONF_PER_SOURCE, CONF_PER_LISTENER,
	CONF_PER_RELAY };

struct conf_rate {
	char		 name[CONF_NAME];
	uint64_t	 bytes;		/* a second */
	uint64_t	 burst;		/* bytes, at once */
	enum conf_per	 per;
	enum conf_way	 direction;
};

#endif
