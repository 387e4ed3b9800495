/*
 * sandbox.h - what a process gives up: a worker before it serves the first
 * session, the logger before it takes the first line, the reader before it
 * opens a file, the recorder before it makes one, spawnctl before it asks.
 * One file an operating system: sandbox_linux.c (and sandbox_enter_linux.c),
 * sandbox_openbsd.c, sandbox_none.c.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "compat.h"

#define SANDBOX_PORTS	256	/* remotes may have, for the list to be kept */

#ifdef ENABLE_ASAN
#define SANITIZED	true	/* a sanitizer's library does what it likes, and
				   looks into the process and /proc */
#else
#define SANITIZED	false
#endif

enum sandbox_role {
	SANDBOX_WORKER, SANDBOX_LOGGER, SANDBOX_READER, SANDBOX_CTL,
	SANDBOX_CHECKER, SANDBOX_USERS, SANDBOX_RECORDER,
	SANDBOX_STATUS
};

/* What a process must still be able to do. */
struct sandbox {
	enum sandbox_role role;
	/* a worker, the checker: */
	bool		 bind;		/* gives a socket a local address */
	bool		 paths;		/* connects to unix sockets */
	bool		 ktls;		/* gives the kernel keys of TLS */
	bool		 names;		/* asks name servers */
	bool		 any_port;	/* ports is not all it connects to */
	uint16_t	 ports[SANDBOX_PORTS];
	size_t		 nports;
	/* spawnctl: */
	bool		 screen;	/* has the terminal for itself */
	/* the recorder: */
	const int	*folders;	/* in which it makes files; or -1 */
	size_t		 nfolders;
};

/*
 * What holds in any case: no new privileges, no processes, and for a worker and
 * the checker no growing file. Returns 0, or -1 with errno when the system
 * refuses.
 */
int		 sandbox_basic(enum sandbox_role);
/* While it still may: gives up what no change of user takes away. */
void		 sandbox_early(void);
/* For who has compiled code while it runs: what can be executed can be written
 * to no more, where the system shows what there is. */
void		 sandbox_code(void);
/* The same for a program that is not ours and will be executed; it can get no
 * new privileges from then on. Returns 0, or -1 with errno. */
int		 sandbox_foreign(void);
/*
 * The last step of a start: from here on a worker can relay (receive
 * descriptors, connect, read, write), the logger take lines and write them to
 * what it is given or to syslog, who knows passwords read and write what is
 * open, the checker connect and ask for names, the
 * recorder make and remove files in its folders, the status process write to
 * connections that come, the
 * reader open, read and ask for names,
 * spawnctl connect to a unix socket; and no more. Returns 0, or -1 with *errp
 * (static) if a part of that could not be had; the rest is done then.
 */
int		 sandbox_enter(const struct sandbox *, const char **errp);
/* A file can grow to max bytes. Where that can be had, no new privileges, and
 * it does not outlive the master. Returns 0, or -1 with errno. */
int		 sandbox_reader(size_t max);

/* From here on the process has what others must not find in a core. */
void		 sandbox_secrets(void);

/* What the sandbox of a worker consists of here, for people; without
 * sandbox_enter() if not all. */
const char	*sandbox_describe(bool all);
/* Which parts of sandbox_enter() cannot be had, as one phrase (static); NULL:
 * none is missing that this system could have. */
const char	*sandbox_missing(void);

#endif
