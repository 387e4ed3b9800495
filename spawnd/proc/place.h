/*
 * place.h - a place by name, and where it is in each generation, as data:
 * load.c counts there, lease.c gives leases of it.
 */
#ifndef PLACE_H
#define PLACE_H

#include "board.h"

struct generation;
struct lease;

/* What has been done at a place. */
struct deeds {
	uint64_t		 sessions, failed, bytes_in, bytes_out;
	uint64_t		 reasons[FAILURES]; /* of failed */
};

/* A place by name; kept over reloads, also if no generation has it for a
 * time. */
struct total {
	LIST_ENTRY(total)	 name;		/* in its bucket */
	char			 relay[CONF_NAME];
	char			 remote[CONF_NAME];
	char			 addr[ADDR_STRLEN];
	struct deeds		 past;		/* of workers that have ended */
	uint64_t		 active;	/* of all workers, now */
	uint64_t		 outcome;	/* the newest one (board.h) */
	uint32_t		 admin;		/* BOARD_ADMIN(), or 0 */
	LIST_HEAD(, place)	 places;
	TAILQ_ENTRY(total)	 unused;	/* if there are none */
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
