/*
 * conf.h - the configuration as a value.
 *
 * The file is libconfuse's language. conf_load() reads, checks and resolves
 * it whole and reports every mistake in one run; what it returns is complete
 * (defaults filled in, names resolved) and never changes. conf_print() writes
 * it back; what was printed loads to the same value again. That text, with
 * names resolved, is how the master hands its configuration to its workers.
 */
#ifndef CONF_H
#define CONF_H

#include "acl.h"
#include "addr.h"

#define CONF_ADDRS	16	/* most addresses of one listener or remote */
#define CONF_NAME	32	/* longest section title, with the NUL */

enum conf_overload { OVERLOAD_QUEUE, OVERLOAD_CLOSE, OVERLOAD_RESET };
enum conf_balance { BALANCE_LEASTCONN, BALANCE_ROUNDROBIN, BALANCE_SOURCE,
	BALANCE_RANDOM };
enum conf_io { CONF_IO_AUTO, CONF_IO_COPY, CONF_IO_SPLICE };

#define CONF_NOID	((uint32_t)-1)	/* no such uid, gid or mode given */

struct conf_listen {
	char		 name[CONF_NAME];
	char		*address;	/* as written; NULL: every address */
	char		*port;		/* as written; NULL with path */
	char		*path;		/* unix socket, absolute */
	struct addr	 addr[CONF_ADDRS]; /* resolved */
	unsigned	 naddr;
	unsigned	 relay;		/* index into conf.relays */
	unsigned	 backlog;
	uint32_t	 mode, uid, gid; /* of path; CONF_NOID: as created */
	char		*user, *group;	/* as written; NULL: not given */
	int		 line;		/* where it stands in the file */
};

struct conf_remote {
	char		 name[CONF_NAME];
	char		*address;	/* as written; NULL with path */
	char		*port;
	char		*path;
	struct addr	 addr[CONF_ADDRS]; /* resolved; tried in this order */
	unsigned	 naddr;
	unsigned	 weight;	/* 1 to 256 */
};

struct conf_relay {
	char			 name[CONF_NAME];
	struct conf_remote	*remotes;
	unsigned		 nremotes;
	enum conf_balance	 balance;
	unsigned		 retire;	/* sessions, 0 = never */
	unsigned		 retries;	/* other remotes tried */
	uint64_t		 idle_timeout;	/* milliseconds, 0 = none */
	uint64_t		 connect_timeout;
	uint64_t		 half_close_timeout;
	uint64_t		 buffer;	/* bytes kept a session, most */
	enum conf_io		 io;		/* when not to copy */
	bool			 keepalive;	/* SO_KEEPALIVE both sides */
	bool			 has_local;
	struct addr		 local;		/* source address */
	char			*local_address;	/* as written */
};

struct conf {
	struct conf_listen	*listens;
	unsigned		 nlistens;
	struct conf_relay	*relays;
	unsigned		 nrelays;
	unsigned		 servers_min, servers_max; /* workers */
	unsigned		 users_min, users_max;	/* sessions a worker */
	enum conf_overload	 overload;
	struct acl		 acl;
	char			*user;		/* NULL: stay who we are */
	uint32_t		 uid, gid;	/* of user; CONF_NOID */
	char			*chroot;	/* NULL: none */
	char			*pidfile;	/* NULL: none */
	char			*control;	/* NULL: none */
	char			*log_to;	/* "stderr", "syslog", a path;
						   NULL: by -b or -f */
	int			 log_facility;	/* LOG_DAEMON ... */
	int			 log_level;	/* LOG_ERR .. LOG_DEBUG */
	bool			 log_sessions;	/* a line a session */
	uint64_t		 drain_timeout;	/* ms, 0 = for ever */
	uint64_t		 start_timeout;	/* ms, until READY */
	uint64_t		 shrink_after;	/* ms idle above servers min */
	uint64_t		 watchdog;	/* ms, 0 = off */
	uint64_t		 watchdog_kill;	/* ms */
	bool			 batch;		/* schedule.h */
	unsigned		 max_generations; /* 0 = no limit */
	uint64_t		 memory;	/* bytes a worker stores, most */
};

/* How conf_print() writes: as the user would, or names replaced by the
 * numbers they resolved to, for a process that cannot resolve. */
enum conf_style { CONF_AS_WRITTEN, CONF_RESOLVED };

/* Called for each mistake, in the order of the file; line 0 if there is none
 * to name; text is one sentence without a newline. */
typedef void conf_report(void *arg, const char *file, int line,
    const char *text);

/*
 * Reads, checks and resolves the file at path. Returns the value, which the
 * caller frees with conf_free(), or NULL after at least one report.
 */
struct conf	*conf_load(const char *path, conf_report *, void *arg);
/* The same for text in memory; name stands for the file in reports. */
struct conf	*conf_load_text(const char *text, const char *name,
		    conf_report *, void *arg);
void		 conf_free(struct conf **);

/* Every option, one a line, in a fixed order. Returns 0, or -1 with errno. */
int		 conf_print(const struct conf *, enum conf_style, FILE *);

/* Text of a duration or size, as it is printed: "500ms", "10s", "64k". */
#define CONF_UNITLEN	24
char		*conf_duration_str(uint64_t ms, char buf[CONF_UNITLEN]);
char		*conf_size_str(uint64_t bytes, char buf[CONF_UNITLEN]);
/* The reverse; -1 with *errp (static) if it is none or out of range. */
int		 conf_duration_of(const char *, uint64_t *ms,
		    const char **errp);
int		 conf_size_of(const char *, uint64_t *bytes,
		    const char **errp);

const char	*conf_overload_name(enum conf_overload);
const char	*conf_balance_name(enum conf_balance);
const char	*conf_io_name(enum conf_io);

#endif
