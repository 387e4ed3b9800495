/*
 * listener.h - listening sockets: plan, bind, keep or drop them at a reload.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <sys/types.h>

#include <stdio.h>

#include "accept/unixsock.h"
#include "addr.h"
#include "conf/conf.h"
#include "ev.h"

enum listener_from { LISTENER_BOUND, LISTENER_BY_ADDRESS, LISTENER_BY_NAME };

struct listener {
	TAILQ_ENTRY(listener)	 entry;
	struct ev_io		 io;
	struct addr		 addr;		/* really bound */
	struct addr		 asked;		/* as configured (port 0) */
	char			 name[CONF_NAME];
	unsigned		 index;		/* into conf.listens */
	unsigned		 backlog;
	enum listener_from	 from;		/* how it was matched if
						   passed to us */
	unsigned		 next_index;	/* during a reload */
	bool			 keep;		/* during a reload */
	bool			 fresh;		/* bound by this reload */
	bool			 ready;		/* there may be more */
	bool			 counts;	/* its backlog has been told */
	int			 waiting;	/* connections, or BACKLOG_* */
	struct unixsock		 file;		/* that we have made */
	uint64_t		 accepted, refused;
};

/*
 * Plans for a configuration: marks the listeners that stay, binds the new
 * ones (they do not accept yet). Returns 0, or -1 with *errp, everything as
 * it was. Then either commit or roll back.
 */
int		 listener_plan(const struct conf *, const char **errp);
/* Before the new generation takes over: what waits at a listener that goes is
 * still served by the old one. */
void		 listener_commit(const struct conf *);
void		 listener_rollback(void);
/* Hands over what still waits in each backlog, then closes all. */
void		 listener_close_all(void);
/* Writes "name address" lines of what is bound; see spawnd -A. */
int		 listener_write_addrs(const char *path);

/* For an upgrade: writes the lines of all; takes up one. False for a line that
 * is not understood. */
void		 listener_save(FILE *);
bool		 listener_take(const char *line);

#endif
