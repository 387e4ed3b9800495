/*
 * place.h - a place by name, and where it is in each generation, as data:
 * load.c counts there, lease.c gives leases of it.
 */
#ifndef PLACE_H
#define PLACE_H

#include "conf/conf.h"

struct generation;
struct lease;

/* A place by name; kept over reloads, as long as a generation has it. */
struct total {
	LIST_ENTRY(total)	 name;		/* in its bucket */
	char			 relay[CONF_NAME];
	char			 remote[CONF_NAME];
	char			 addr[ADDR_STRLEN];
	/* What the workers of the past have done there. */
	uint64_t		 sessions, failed, bytes_in, bytes_out;
	uint64_t		 active;	/* of all workers, now */
	uint64_t		 outcome;	/* the newest one (board.h) */
	uint32_t		 admin;		/* BOARD_ADMIN(), or 0 */
	LIST_HEAD(, place)	 places;
	TAILQ_ENTRY(total)	 entry;		/* to be told, if changed */
	bool			 changed;
	uint64_t		 leases;	/* that all workers have */
	TAILQ_HEAD(, lease)	 askers;	/* who wants some, in order */
	LIST_ENTRY(total)	 short_of;	/* if there are askers */
};

/* A place of a generation, and where else it is. */
struct place {
	LIST_ENTRY(place)	 entry;
	struct total		*total;
	struct generation	*gen;
	uint32_t		 most;		/* sessions; 0: no limit */
};

#endif
