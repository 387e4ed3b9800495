/*
 * master.h - what the master is: the one structure that all its files share.
 *
 * The way of a connection: accept/admit.c accepts it, accept/pool.c decides
 * which worker gets it, accept/handoff.c sends the descriptor, proc/ watches
 * over the process that serves it. proc/reload.c replaces all of this for a
 * new configuration while it runs.
 *
 * Nothing in the master blocks: not on a worker, a client, a resolver or a log.
 */
#ifndef MASTER_H
#define MASTER_H

#include "compat.h"

#include <time.h>

#include "options.h"

struct generation;
struct listener;
struct pidfile;

struct master {
	struct options		 opt;
	struct generation	*gen;		/* the current one */
	TAILQ_HEAD(generations, generation) gens; /* all that have workers */
	TAILQ_HEAD(listeners, listener) listeners;
	struct pidfile		*pidfile;
	char			**argv;		/* as we were started */
	char			*self;		/* path of the binary */
	char			*cwd;
	unsigned		 last_number;
	bool			 stopping;	/* accepts no more */
	bool			 ending;	/* and waits for nobody */
	uint64_t		 started;	/* ms */
	time_t			 started_wall;
	int			 ledger_fd;	/* of what outlives a generation
						   (ledger.h) */
};
extern struct master master;

/* The path of a program of libexec, in buf. */
const char	*master_libexec(const char *name, char *buf, size_t size);

#endif
