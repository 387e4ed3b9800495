/*
 * listener.h - listening sockets.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <net/if.h>
#include <stdio.h>

#include "accept/lookup.h"
#include "accept/unixsock.h"
#include "addr.h"
#include "conf/conf.h"
#include "ev.h"

enum listener_from { LISTENER_BOUND, LISTENER_BY_ADDRESS, LISTENER_BY_NAME };

struct listener {
	TAILQ_ENTRY(listener)	 entry;
	TAILQ_ENTRY(listener)	 ready_entry;
	struct lookup_key	 keys[LOOKUPS];
	struct ev_io		 io;
	struct addr		 addr;		/* really bound */
	struct addr		 asked;		/* as configured (port 0) */
	char			 name[CONF_NAME];
	unsigned		 index;		/* into conf.listens */
	unsigned		 backlog;
	int8_t			 keepalive;	/* -1: not known */
	struct conf_socket	 socket;	/* as it is; what was passed to
						   us, as if nothing was set */
	char			 interface[IF_NAMESIZE]; /* of socket */
	enum listener_from	 from;		/* how it was matched if
						   passed to us */
	unsigned		 next_index;	/* during a reload */
	bool			 keep;		/* during a reload */
	bool			 fresh;		/* bound by this reload */
	const struct listener	*over;		/* fresh: whose connections it
						   may get, until the commit */
	bool			 ready;		/* there may be more */
	bool			 counts;	/* its backlog has been told */
	int			 waiting;	/* connections, or BACKLOG_* */
	struct unixsock		 file;
	bool			 held;		/* who is there had to wait for
						   room */
	uint64_t		 accepted, denied, limited;
};

/*
 * Binds an address of a listen section. It is not served before a plan is
 * committed. Returns 0, or -1 with *errp and errno (EADDRINUSE matters).
 */
int		 listener_bind(const struct conf *, unsigned index,
		    const struct addr *, const char **errp);
/* Does one of ours that goes, or may go yet, hold the address, or a wider or
 * narrower one at its port? Returns one of them. */
const struct listener *listener_holds(const struct addr *);
/* The same as listener_bind() beside those of them that do not stay, which
 * serve on. */
int		 listener_bind_over(const struct conf *, unsigned index,
		    const struct addr *, const char **errp);
/* Takes over a descriptor that was passed to us. -1 with *errp. */
int		 listener_pass(const struct conf *, unsigned index,
		    const struct addr *, int fd, enum listener_from,
		    const char **errp);
/* It goes on with what its section says now; the address may be another name
 * of the same file. */
void		 listener_update(struct listener *, const struct conf *);
void		 listener_free(struct listener *);
/* spawnd stops: hands over what still waits in each backlog, then closes all
 * but those that tell how the drain goes on. */
void		 listener_stop(void);
/* At its end: the same, and those as well. */
void		 listener_close_all(void);

/* For an upgrade: writes the lines of all; takes up one. False for a line that
 * is not understood. */
void		 listener_save(FILE *);
bool		 listener_take(const char *line);
bool		 listener_take_socket(const char *line);

#endif
