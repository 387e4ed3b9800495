/*
 * conf.h - the configuration as a value.
 *
 * The file is libconfuse's language. conf_load() reads, checks and resolves
 * it whole and reports every mistake in one run; what it returns is complete
 * (defaults filled in, names resolved). Whoever asks for it may change numbers
 * before it is used, and nothing after that. conf_print() writes it as text;
 * what was printed loads to the same value again. conf_encode() writes it in
 * the form in which one process hands it to another.
 *
 * conf_load() and conf_load_text() are in libconf.a, which needs libconfuse,
 * the resolver and the user database; all else is in libcommon.a and asks
 * nobody.
 */
#ifndef CONF_H
#define CONF_H

#include "acl.h"
#include "addr.h"
#include "conf/filter.h"

#define CONF_ADDRS	16	/* most addresses of one listener or remote */
#define CONF_ASKED	256	/* of a remote that is looked up again */
#define CONF_HOST	256	/* longest name of a host, with the NUL */
#define CONF_SOCKETS	1024	/* most sockets of one listener: its addresses
				   at each of its ports */
#define CONF_LOCAL_MAX	65536	/* most addresses of one local-address */
#define CONF_WORDS	32	/* of a command, most */
#define CONF_SIZE_MAX	(64 << 20) /* bytes of an encoded value, most */

enum conf_sandbox { CONF_SANDBOX_AUTO, CONF_SANDBOX_REQUIRE,
	CONF_SANDBOX_OFF };
enum conf_overload { OVERLOAD_QUEUE, OVERLOAD_CLOSE, OVERLOAD_RESET };
enum conf_balance { BALANCE_LEASTCONN, BALANCE_ROUNDROBIN, BALANCE_SOURCE,
	BALANCE_RANDOM, BALANCE_FIRST };
enum conf_proxy { CONF_PROXY_NONE, CONF_PROXY_V1, CONF_PROXY_V2 };
enum conf_state { STATE_ENABLED, STATE_DRAIN, STATE_DISABLED };
enum conf_on_down { ON_DOWN_KEEP, ON_DOWN_CLOSE };
enum conf_io { CONF_IO_AUTO, CONF_IO_COPY, CONF_IO_SPLICE };

enum conf_protocol { CONF_TCP, CONF_MPTCP, CONF_SCTP };
enum conf_probe_type { CONF_PROBE_TCP, CONF_PROBE_TLS };
enum conf_at_start { CONF_FAIL, CONF_LATER };
enum conf_over { OVER_RESET, OVER_CLOSE, OVER_QUEUE };
/* Who gets what is accepted: workers, or the status process. */
enum conf_serve { SERVE_RELAY, SERVE_STATUS };

enum conf_verify { CONF_VERIFY_REQUIRED, CONF_VERIFY_OPTIONAL };

#define CONF_NOID	((uint32_t)-1)	/* no such uid, gid or mode given */
#define CONF_NOREF	((unsigned)-1)	/* an index of no section */
#define CONF_NONE	UINT64_MAX	/* no such size, time or share given */
#define CONF_WHOLE	1000000000	/* what shares are parts of */

/*
 * All that these point to belongs to the struct conf and goes with it. A count
 * follows what it counts; the name of a section stands first.
 */

/* A certificate with those that it was signed by, or lists of what was
 * revoked. Times are seconds since 1970; 0: not known. */
struct conf_cert {
	const char	*file;
	const char	*name;		/* whom it is for: the first name of the
					   DNS in it, or its common name; "" */
	uint64_t	 until;		/* the first to expire */
	uint64_t	 warn;		/* from when on it is warned of */
};

/* A section tls, for listeners, remotes or both. Keys and passphrases are for
 * who reads the file: they never are in what is handed over. */
struct conf_tls {
	char			 name[CONF_NAME];
	struct conf_cert	*certs;		/* the first is the default */
	unsigned		 ncerts;
	const char		**keys;		/* files: none, or ncerts */
	unsigned		 nkeys;
	const char		*passphrase, *passphrase_file;
	int			 min_version, max_version; /* as TLS has them:
						   0x303 is 1.2 */
	const char		*ciphers, *ciphersuites, *groups;
	const char		**alpn;
	unsigned		 nalpn;
	const char		*client_ca;	/* NULL: nobody is asked */
	enum conf_verify	 client_verify;
	struct conf_cert	*crls;
	unsigned		 ncrls;
	bool			 strict_sni;
	bool			 tickets;
	uint64_t		 ticket_lifetime; /* ms */
	const char		*ticket_keys;
	const char		*ca;		/* NULL: the system's */
	const char		*server_name;	/* NULL: as in address */
	bool			 verify;
};

enum conf_fail { CONF_FAIL_DENY, CONF_FAIL_PERMIT };

/* Who is asked whether a session may be. */
struct conf_auth {
	char		 name[CONF_NAME];
	const char	*command;	/* a program and its arguments, or NULL:
					   path */
	const char	*path;		/* of a unix socket */
	unsigned	 processes;	/* of the command, a worker; or
					   connections */
	const char	*user;		/* of the command; NULL: as workers */
	uint32_t	 uid, gid;	/* of user; CONF_NOID */
	uint64_t	 timeout;	/* ms, of an answer */
	enum conf_fail	 fail;		/* what holds without one */
	bool		 sni;		/* looked for in TLS of others */
	const char	*users;		/* NULL; or the file of users of our
					   own program, conf_users(): then
					   command is that too */
	bool		 program;	/* that of a program section */
};

/* Of the sessions of a listener; a condition that is not given holds. */
struct conf_route {
	const char	**sni;		/* "a.example", "*.b.example" */
	unsigned	 nsni;
	const char	**alpn;
	unsigned	 nalpn;
	struct acl	 from;		/* networks */
	const char	**target;	/* conf_target_of() */
	unsigned	 ntarget;
	unsigned	 relay;		/* index into conf.relays */
};

/* How a listening socket is made, which are the first three, and what it does
 * and the connections that it accepts have. */
struct conf_socket {
	const char		*interface;	/* NULL: any */
	enum conf_protocol	 protocol;
	bool			 freebind;	/* to what is not here yet */
	bool			 defer_accept;	/* until the client's data */
	unsigned		 dscp;		/* 0 to 63 */
	unsigned		 fastopen;	/* that wait at most; 0: off */
	unsigned		 keepalive_count; /* 0: as the system has it */
	uint64_t		 keepalive_idle, keepalive_interval,
				 user_timeout;	/* ms, 0: the same */
};

struct conf_listen {
	char		 name[CONF_NAME];
	enum conf_serve	 serve;
	const char	*address;	/* as written; NULL: every address */
	const char	*port;		/* as written; NULL with path */
	const char	*path;		/* unix socket, absolute */
	struct addr	*addr;		/* resolved */
	unsigned	 naddr;
	struct conf_route *routes;	/* the first that holds */
	unsigned	 nroutes;
	unsigned	 relay;		/* where none does; CONF_NOREF: such
					   sessions are ended, unless exec is
					   set */
	unsigned	 tls;		/* of conf.tlss, or CONF_NOREF */
	unsigned	 auth;		/* of conf.auths, or CONF_NOREF */
	const char	**ask;		/* how clients say where they go: see
					   conf_asks(); none: not at all */
	unsigned	 nask;
	const char	*users;		/* file of those who may ask; NULL:
					   everybody */
	unsigned	 users_auth;	/* with one: of conf.auths, conf_users()
					   */
	unsigned	 backlog;
	uint64_t	 handshake_timeout;	/* ms */
	uint32_t	 mode, uid, gid; /* of path; CONF_NOID: as created */
	const char	*user, *group;	/* as written; NULL: not given */
	struct acl	 proxy_from;	/* networks that send a PROXY header */
	struct acl	 acl;		/* of this one, after conf.acl */
	struct conf_socket socket;
	bool		 v6only;	/* no IPv4 addresses */
	uint64_t	 bind_retry;	/* ms; 0: not at all */
	const char	*tag;		/* for the log; NULL: none */
	unsigned	 max_sessions;	/* 0: no limit, as of the others */
	unsigned	 source_sessions;
	unsigned	 source_rate;	/* new ones a second */
	unsigned	 source_burst;	/* 0: as source_rate */
	unsigned	 source_prefix, source_prefix6;	/* bits */
	enum conf_over	 over_limit;
	unsigned	 reserve;	/* places of the pool */
	bool		 sticky;	/* a source keeps its worker */
	uint64_t	 sticky_period;	/* ms, since its last session */
	unsigned	 sticky_size;	/* sources */
	const char	**filters;	/* of its sessions: names, before those
					   of the relay section */
	unsigned	 nfilters;
};

/* Where connections to remotes come from: an address and those after it. */
struct conf_local {
	const char	*text;		/* as written */
	struct addr	 addr;		/* the first one, without a port */
	unsigned	 n;		/* 1 to CONF_LOCAL_MAX */
};

/* How it is found out whether a remote is well. */
struct conf_probe {
	enum conf_probe_type type;
	uint64_t	 interval, timeout;	/* ms */
	unsigned	 rise, fall;	/* results in a row that change it */
	unsigned	 jitter;	/* of interval, percent */
	unsigned	 port;		/* 0: where sessions go */
	const char	*send;		/* as written: conf_escapes() */
	const char	*expect;	/* extended regular expression */
};

struct conf_remote {
	char		 name[CONF_NAME];
	const char	*address;	/* as written; NULL with path */
	const char	*port;
	const char	*path;
	struct addr	*addr;		/* resolved; tried in this order */
	unsigned	 naddr;		/* 0: its name is not known yet */
	unsigned	 weight;	/* 1 to 256 */
	enum conf_state	 state;
	bool		 backup;	/* only when no other one may be used */
	unsigned	 max_sessions;	/* at each address; 0 = no limit */
	uint64_t	 slow_start;	/* ms, 0 = at once */
	enum conf_proxy	 proxy_out;	/* the PROXY header that it gets */
	bool		 proxy_tls;	/* inside TLS */
	unsigned	 tls;		/* as above */
	struct conf_local *locals;	/* none: those of its relay */
	unsigned	 nlocals;
	struct conf_probe *checks;
	unsigned	 nchecks;	/* 0: it is not checked; 1 */
};

enum conf_names { CONF_NAMES_PROXY, CONF_NAMES_REFUSE };
enum conf_prefer { PREFER_ANY, PREFER_IPV4, PREFER_IPV6 };

/* Where clients that say so themselves may go, in place of remotes. */
struct conf_targets {
	const char	**rules;	/* dest_rule.h; the first decides */
	unsigned	 nrules;
	enum conf_fail	 special;	/* without one: what is not public */
	enum conf_names	 names;		/* who looks them up */
	enum conf_prefer prefer;	/* of the addresses of a name */
	uint64_t	 dns_timeout;	/* ms */
};

struct conf_relay {
	char			 name[CONF_NAME];
	struct conf_remote	*remotes;
	unsigned		 nremotes;
	struct conf_targets	*targets;
	unsigned		 ntargets;	/* 0: it has remotes; 1 */
	enum conf_balance	 balance;
	enum conf_on_down	 on_down;	/* with open sessions */
	unsigned		 rebalance;	/* sessions, 0 = never */
	unsigned		 retire;	/* the same */
	unsigned		 retries;	/* other remotes tried */
	uint64_t		 idle_timeout;	/* milliseconds, 0 = none */
	uint64_t		 connect_timeout;
	uint64_t		 resolve;	/* ms, names are looked up
						   again; 0 = at a load only */
	enum conf_at_start	 at_start;	/* a name does not resolve */
	uint64_t		 half_close_timeout;
	uint64_t		 buffer;	/* bytes kept a session, most */
	enum conf_io		 io;		/* when not to copy */
	bool			 keepalive;	/* SO_KEEPALIVE both sides */
	struct conf_local	*locals;	/* one a family; none: as the
						   system chooses */
	unsigned		 nlocals;
	const char		**filters;	/* names */
	unsigned		 nfilters;
};

/* How a line of the log is written. */
enum conf_log_format { CONF_FORMAT_TEXT, CONF_FORMAT_JSON, CONF_FORMAT_HAPROXY,
	CONF_FORMAT_CUSTOM };

/* A place where lines of the log go. */
struct conf_log {
	char			 name[CONF_NAME]; /* "": the one without */
	const char		*to;		/* "stderr", "syslog",
						   "journald", a path, where a
						   log_dest is (logdest.h);
						   NULL: by -b or -f */
	int			 facility;	/* LOG_DAEMON ... */
	int			 level;		/* LOG_ERR .. LOG_DEBUG */
	bool			 sessions;	/* a line a session */
	enum conf_log_format	 format;
	const char		*custom;	/* layout.h; or NULL */
	uint64_t		 sample;	/* of CONF_WHOLE sessions that
						   end well, so many */
	unsigned		 rate;		/* lines a second of sessions;
						   0: no limit */
	bool			 tcp_info;	/* with what the system knows of
						   their connections */
	const char		*user;		/* of the logger; NULL: as the
						   master. Of the one without
						   a name, as are: */
	uint32_t		 uid, gid;	/* of user; CONF_NOID */
};

struct conf {
	struct conf_listen	*listens;
	unsigned		 nlistens;
	struct conf_relay	*relays;
	unsigned		 nrelays;
	struct conf_tls		*tlss;
	unsigned		 ntlss;
	struct conf_auth	*auths;
	unsigned		 nauths;
	unsigned		 nusers; /* behind them: conf_users() */
	struct conf_match	*matches;
	unsigned		 nmatches;
	struct conf_program	*programs;
	unsigned		 nprograms;
	struct conf_rate	*rates;
	unsigned		 nrates;
	struct conf_fault	*faults;
	unsigned		 nfaults;
	struct conf_record	*records;
	unsigned		 nrecords;
	struct conf_dump	*dumps;
	unsigned		 ndumps;
	unsigned		 servers_min, servers_max; /* workers */
	unsigned		 users_min, users_max;	/* sessions a worker */
	enum conf_overload	 overload;
	struct acl		 acl;
	const char		*user;		/* NULL: as the master */
	uint32_t		 uid, gid;	/* of user; CONF_NOID */
	const char		*status_user;	/* of the status process;
						   NULL: as the master */
	uint32_t		 status_uid, status_gid; /* of that */
	const char		*chroot;	/* NULL: none */
	const char		*pidfile;	/* NULL: none */
	const char		*control;	/* NULL: none */
	const char		*control_readers; /* who may look; NULL: none */
	const char		*control_group;	/* of those; NULL: nobody's */
	uint32_t		 control_gid;	/* CONF_NOID */
	struct conf_log		 log;		/* without a name */
	struct conf_log		*logs;		/* and with */
	unsigned		 nlogs;
	uint64_t		 drain_timeout;	/* ms, 0 = for ever */
	uint64_t		 start_timeout;	/* ms, until READY */
	uint64_t		 shrink_after;	/* ms idle above servers min */
	uint64_t		 watchdog;	/* ms, 0 = off */
	uint64_t		 watchdog_kill;	/* ms */
	bool			 batch;		/* schedule.h */
	enum conf_sandbox	 sandbox;
	bool			 single;	/* master and worker are one */
	const char		*exec;		/* the program of workers, in
						   place of relay; NULL: none */
	const char		**exec_args;
	unsigned		 nexec_args;
	unsigned		 max_generations; /* 0 = no limit */
	const char		**env;		/* "NAME=value", for programs
						   of others */
	unsigned		 nenv;
	const char		*working_directory; /* of workers and those;
						   NULL: "/" */
	unsigned		 nice;		/* the same, above ours */
	uint64_t		 core_limit;	/* bytes; 0: as ours */
	uint64_t		 memory;	/* bytes a worker stores */
	struct conf_block	*blocks;	/* what all of it lies in */
};

/* How conf_print() writes: as the user would, or names replaced by the
 * numbers they resolved to. */
enum conf_style { CONF_AS_WRITTEN, CONF_RESOLVED };

/* A warning is no mistake: what it is about may be meant, or be right when it
 * is used. A doubt is a mistake for who checks, a warning for who starts. */
enum conf_kind { CONF_MISTAKE, CONF_DOUBT, CONF_WARNING };

/* Called for each mistake and warning, in the order of the file; line 0 if
 * there is none to name; text is one sentence without a newline. */
typedef void conf_report(void *arg, enum conf_kind, const char *file, int line,
    const char *text);

/*
 * Reads, checks and resolves the file at path. Returns the value, which the
 * caller frees with conf_free(), or NULL after at least one mistake.
 */
struct conf	*conf_load(const char *path, conf_report *, void *arg);
/* The same for text in memory; name stands for the file in reports. */
struct conf	*conf_load_text(const char *text, const char *name,
		    conf_report *, void *arg);
/*
 * Sets users that are not set to those whom the processes of root become: the
 * workers _spawnd if there is such a user, else nobody; the logger _spawndlog,
 * else nobody if that is not the workers' own; the status process, if there is
 * to be one, _spawndstat, else nobody if that is neither's, else the logger's
 * or the workers'. Returns 0, or -1 with ENOMEM.
 */
int		 conf_default_users(struct conf *);
void		 conf_free(struct conf **);

/* The i-th place where lines go, the one without a name being the first; NULL
 * behind the last. */
const struct conf_log *conf_log(const struct conf *, unsigned i);
/* What any of them asks for: the least important level, a line a session,
 * fields that are not in the text, not all sessions, the largest sample. */
int		 conf_log_level(const struct conf *);
bool		 conf_log_sessions(const struct conf *);
bool		 conf_log_more(const struct conf *);
bool		 conf_log_draws(const struct conf *);
bool		 conf_log_tcp(const struct conf *); /* or a field of it */
uint64_t	 conf_log_sample(const struct conf *);

/* Every option, one a line, in a fixed order. Returns 0, or -1 with errno. */
int		 conf_print(const struct conf *, enum conf_style, FILE *);
/* The same as an object of JSON: times in seconds, sizes in bytes, null for
 * what is not set; sections that have names are a list, each with its "name",
 * and log sections that have names are "logs". No secret is in it. */
int		 conf_print_json(const struct conf *, FILE *);

/* The options of a listener's socket that are not the default, as
 * "name=value,name=value", or "-". The same. */
int		 conf_print_socket(const struct conf_listen *, FILE *);
/* The options of a filter that are not the default, likewise. */
int		 conf_print_filter(const struct conf *,
		    const struct conf_filter *, FILE *);
/* Whether it has several ports. */
bool		 conf_listen_ranges(const struct conf_listen *);

/*
 * The value as bytes, for another process on this machine, of this release or
 * another: options that the reader does not know are skipped, those that are
 * missing get their defaults. Reading it takes linear time and asks nobody; it
 * may come from a process that is not to be trusted.
 */

/* Returns the bytes, for the caller to free(3); NULL with errno. */
void		*conf_encode(const struct conf *, size_t *len);
/* Writes them to fd. Returns 0, or -1 with errno. */
int		 conf_put(const struct conf *, int fd);
/* The value of those bytes, which are copied; to be freed with conf_free().
 * NULL with *errp (static storage) set to a sentence if they are no whole
 * value or something in it is out of range. */
struct conf	*conf_decode(const void *, size_t len, const char **errp);
/* The same for all that is in the file fd, from its start, wherever the
 * descriptor stands; it is not closed. */
struct conf	*conf_get(int fd, const char **errp);

/* Text of a duration or size, as it is printed: "500ms", "10s", "64k". */
#define CONF_UNITLEN	24
char		*conf_duration_str(uint64_t ms, char buf[CONF_UNITLEN]);
char		*conf_size_str(uint64_t bytes, char buf[CONF_UNITLEN]);
/* The reverse; -1 with *errp (static) if it is none or out of range. */
int		 conf_duration_of(const char *, uint64_t *ms,
		    const char **errp);
int		 conf_size_of(const char *, uint64_t *bytes,
		    const char **errp);
/* Of a share as "0.5" or "1e-6". */
char		*conf_share_str(uint64_t parts, char buf[CONF_UNITLEN]);
int		 conf_share_of(const char *, uint64_t *parts,
		    const char **errp);

/* Is that remote a service, which says its ports itself (RFC 2782)? */
bool		 conf_is_service(const struct conf_remote *);
/* Is it looked up while it runs? */
bool		 conf_looks_up(const struct conf_relay *,
		    const struct conf_remote *);
/* The next host of a list as address has it, and of that at *list what is left;
 * NULL at its end. number: it is one. */
const char	*conf_next_host(const char **list, char host[CONF_HOST],
		    bool *number);
/* How many addresses a remote has room for, each a place of its own: those of
 * the configuration, or more of a name that is looked up again. */
#define CONF_PLACES	1024	/* most of one remote */
unsigned	 conf_places(const struct conf_relay *,
		    const struct conf_remote *);
/* All places are in one row, in the order of relays and remotes: how many there
 * are before those of a relay section. */
unsigned	 conf_first_place(const struct conf *, unsigned relay);
/* The same of the certificates of listeners that end TLS, in the order of
 * listeners and of the certificates of each: how many there are before those of
 * a listener. */
unsigned	 conf_first_cert(const struct conf *, unsigned listener);
/* Where connections to a remote come from: n of them, 0 if the system chooses.
 */
const struct conf_local *conf_locals(const struct conf_relay *,
		    const struct conf_remote *, unsigned *n);
/* The filter of that name: its kind, and its place among those of its kind.
 * False: there is none. */
bool		 conf_filter_of(const struct conf *, const char *name,
		    struct conf_filter *);
/* Is one of that kind put on any session? */
bool		 conf_filter_used(const struct conf *, enum conf_filter_kind);
/* All filters are in one row, in the order of kinds: how many there are, and
 * where one of them stands. */
unsigned	 conf_nfilters(const struct conf *);
unsigned	 conf_filter_number(const struct conf *,
		    const struct conf_filter *);
/* The one at that place of the row, and its name. */
struct conf_filter conf_filter_at(const struct conf *, unsigned number);
const char	*conf_filter_name(const struct conf *,
		    const struct conf_filter *);
/* The word by which its sections begin. */
const char	*conf_filter_kind_name(enum conf_filter_kind);
/* By which protocols the clients of a listener say where they want to go, as
 * bits; 0: they do not. */
enum { CONF_ASK_SOCKS4 = 1 << 0, CONF_ASK_SOCKS5 = 1 << 1,
	CONF_ASK_CONNECT = 1 << 2 };
unsigned	 conf_asks(const struct conf_listen *);
/* Of one word; 0: it is none. */
unsigned	 conf_ask_of(const char *);
struct dest_rule;
/* Where a client may have asked to go, as a route has it: what stands behind
 * "permit" in a rule (dest_rule.h). NULL, or what is wrong with it, as what
 * follows the text in a sentence (static). */
const char	*conf_target_of(const char *, struct dest_rule *);
/* For each file of users there is one more of conf.auths than the file of the
 * configuration has, and behind those one for each program section, in their
 * order; conf_decode() adds them. */
#define CONF_USERS	16	/* most */
int		 conf_users(struct conf *);
/* Those, and all others. */
static inline unsigned
conf_nauths(const struct conf *c)
{
	return c->nauths + c->nusers;
}
/* Those, and the programs that see the bytes of sessions. */
static inline unsigned
conf_naskers(const struct conf *c)
{
	return conf_nauths(c) + c->nprograms;
}
/* How many connections a worker has to all of them. */
unsigned	 conf_auth_lines(const struct conf *);
/*
 * Bytes that a text stands for: \a \b \e \f \n \r \t \v \\ \' \" \?, \0 to
 * \377, \x00 to \xff; all else is itself. Writes at most strlen(text) bytes,
 * and how many to *len. Returns 0, or -1 with *errp (static) for a backslash
 * before anything else.
 */
int		 conf_escapes(const char *text, uint8_t *bytes, size_t *len,
		    const char **errp);

/* Whether the sessions of listeners or sources are to be counted. */
bool		 conf_counts(const struct conf *);
/* Does any listener serve the status? */
bool		 conf_has_status(const struct conf *);
/* The relay section of a listener where no route holds; if there is none, that
 * of its first route; NULL, with exec or serve = status, if there is none
 * either. */
const struct conf_relay *conf_listen_relay(const struct conf *,
		    const struct conf_listen *);
/* The name of the one where no route holds, "-" if there is none. */
const char	*conf_relay_name(const struct conf *,
		    const struct conf_listen *);
const char	*conf_overload_name(enum conf_overload);
const char	*conf_state_name(enum conf_state);

#endif
