/*
 * spawnd.h - the master: owns the listen sockets, accepts, and hands each
 * connection to a worker.
 *
 * The way of a connection: admit.c accepts it, pool.c decides which worker
 * gets it, handoff.c sends the descriptor, worker.c watches over the process
 * that serves it. reload.c replaces all of this for a new configuration while
 * it runs.
 *
 * Nothing here blocks: not on a worker, a client, a resolver or a log.
 */
#ifndef SPAWND_H
#define SPAWND_H

#include "board.h"
#include "conf/conf.h"
#include "ev.h"
#include "ipc.h"

/* --- pool.c: pure decisions --- */

enum worker_state {
	WORKER_STARTING,	/* no READY yet */
	WORKER_READY,
	WORKER_LEAVING,		/* has asked to be replaced, still serves */
	WORKER_DRAINING,	/* DRAIN sent: gets nothing more */
	WORKER_STUCK,		/* takes nothing from its channel */
};

struct pool_limits {
	unsigned	servers_min, servers_max;
	unsigned	users_min, users_max;
	unsigned	wake;	/* that many may be woken without need */
	uint64_t	slack;	/* so many users more may save waking one */
};

struct pool_worker {
	enum worker_state	 state;
	bool			 full;	/* its channel takes no more now */
	bool			 awake;	/* was given a session this turn */
	uint64_t		 users;	/* sessions it has or will have */
};

struct pool_choice {
	int	 worker;	/* index, or -1: nobody has room */
	bool	 start;		/* one more worker should be started */
};

/*
 * Who gets the next session. A ready worker with fewer than users_min, least
 * loaded first; else one more worker should be started if there are fewer
 * than servers_max, and meanwhile the least loaded one below users_max gets
 * it: a ready one, else one that is starting (its channel keeps the session
 * until it is ready), else one that is about to leave.
 *
 * Each worker that gets a session is a process to be woken, which is most of
 * what a hand-over costs. Once wake of them are awake, one of these is taken
 * rather than the least loaded if it has at most slack users more.
 */
struct pool_choice
		 pool_pick(const struct pool_worker *, size_t,
		    const struct pool_limits *);
/* How many workers must be started to have servers_min. */
unsigned	 pool_missing(const struct pool_worker *, size_t,
		    const struct pool_limits *);

/* --- what there is --- */

struct generation;

struct worker {
	TAILQ_ENTRY(worker)	 entry;
	struct generation	*gen;
	struct ev_proc		 proc;
	pid_t			 pid;
	struct ev_io		 chan;		/* our end of its channel */
	struct ev_timer		 timer;		/* start, watchdog or kill */
	struct ev_task		 more;		/* messages left to read */
	int			 peer;		/* a duplicate of its end */
	unsigned		 slot;
	enum worker_state	 state;
	bool			 full;		/* channel met EAGAIN */
	bool			 drain_due;	/* DRAIN did not fit */
	uint64_t		 sent;		/* sessions handed to it */
	uint64_t		 seen;		/* taken, at the last look */
	uint64_t		 due;		/* ms, when timer should fire */
	uint64_t		 started;	/* ms */
	uint64_t		 draining_since; /* ms */
	uint64_t		 stuck_since;	/* ms */
	uint64_t		 idle_since;	/* ms, 0: not idle */
	struct proto_conn	 out[PROTO_BATCH]; /* to be sent this turn */
	int			 out_fds[PROTO_BATCH];
	unsigned		 nout;
};

/* One configuration and the workers that serve by it. */
struct generation {
	TAILQ_ENTRY(generation)	 entry;
	unsigned		 number;
	struct conf		*conf;
	int			 conf_fd;	/* its text, sealed */
	struct board		 board;
	TAILQ_HEAD(worker_list, worker) workers;
	unsigned		 nworkers;
	struct worker		*slots[BOARD_SLOTS];
	struct total		**totals;	/* one a remote */
	uint64_t		 started;	/* ms */
	uint64_t		 backoff;	/* ms, 0: none died young */
	uint64_t		 not_before;	/* ms, no start before that */
	bool			 old;		/* draining, not the current */
};

/* What the workers of the past have done at one remote; kept by name, over
 * reloads. */
struct total {
	TAILQ_ENTRY(total)	 entry;
	char			 relay[CONF_NAME];
	char			 remote[CONF_NAME];
	uint64_t		 sessions, failed, bytes_in, bytes_out;
};

/* --- generation.c --- */

/* Takes over the configuration: lowers users_max to what the descriptors
 * allow, writes the text for the workers, makes the board. NULL with *errp. */
struct generation *
		 generation_new(struct conf **, const char **errp);
/* It gets no more sessions; its workers drain and end. */
void		 generation_retire(struct generation *);
/* Frees the retired generations that have no workers left, when this turn is
 * over. */
void		 generation_sweep(void);
/* Workers that are ready (ready) or any at all. */
unsigned	 generation_count(const struct generation *, bool ready);

/* --- worker.c: processes --- */

/* Starts one worker. Returns 0, or -1 after logging why; a later refill tries
 * again. */
int		 worker_start(struct generation *);
/* The same unless back-off forbids it now; then it is tried, with all that
 * waits for it, as soon as it is allowed. True if one was started. */
bool		 worker_start_now(struct generation *);
/* Starts what is missing to servers min, when back-off allows. */
void		 worker_refill(struct generation *);
/* Sends DRAIN: the worker ends when its sessions have. */
void		 worker_drain(struct worker *);
/* Its sessions are closed now: max-generations is exceeded. */
void		 worker_expire(struct worker *);
/* Replaces the worker: another one first, then DRAIN. */
void		 worker_replace(struct worker *);
void		 worker_signal_all(const struct generation *, int signo);
/* By process id, in any generation; NULL if there is none. */
struct worker	*worker_find(pid_t);
uint64_t	 worker_users(const struct worker *);
/* Its channel takes no more: it is told of when it does. */
void		 worker_is_full(struct worker *);
/* Something was sent: from now on the watchdog looks. */
void		 worker_watch(struct worker *);
const char	*worker_state_name(enum worker_state);

/* --- listener.c --- */

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
	dev_t			 dev;		/* of a unix socket's file */
	ino_t			 ino;		/* that we have made */
	uint64_t		 accepted, refused;
};
TAILQ_HEAD(listeners, listener);

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
/*
 * A listening unix socket under its final name, with mode, uid and gid
 * (CONF_NOID: left alone); a stale one in its place is replaced, a living one
 * or another file is not touched. -1 with *errp.
 */
int		 listener_unix(const struct addr *, unsigned backlog,
		    uint32_t mode, uint32_t uid, uint32_t gid,
		    const char **errp);
/* Removes a unix socket's file if it is still the one that is bound. */
void		 listener_unlink(const struct addr *, dev_t, ino_t);

/* --- admit.c: accepting --- */

/* The listener's callback. */
void		 admit_event(struct ev_io *, int what);
/* Room may have been made: goes on with every listener that has waited. */
void		 admit_resume(void);
/* Accepts all that waits at a listener, whatever the limits. */
void		 admit_all(struct listener *);
/* True while nobody has room. */
bool		 admit_overload(void);
/* True between admit_pause() and its timer. */
bool		 admit_paused(void);
/* The system lacks something (descriptors, memory): accepts nothing until a
 * timer has gone off. Logs at most once a second. */
void		 admit_pause(const char *what, int err);

/* --- backlog_*.c --- */

enum { BACKLOG_UNKNOWN = -1,	/* accept until there is none */
	BACKLOG_ASK = -2 };

/* How many connections wait to be accepted, or BACKLOG_UNKNOWN. */
int		 backlog_waiting(int fd);

/* --- handoff.c: from the master to a worker --- */

/* Gives the connection to whom pool.c picks; false if nobody has room (fd is
 * then still the caller's). It is sent at the end of the turn. */
bool		 handoff_give(int fd, const struct proto_conn *);
/* Would handoff_give() find somebody? Starts a worker if one is wanted. */
bool		 handoff_room(void);
/* Keeps a connection that must not be lost until somebody has room. */
void		 handoff_keep(int fd, const struct proto_conn *);
/* Sends what the worker was given this turn. */
void		 handoff_flush(struct worker *);
/* The set of workers, or what one of them may get, has changed. */
void		 handoff_changed(void);
/* Reads back what the worker has not taken and gives it to others. */
void		 handoff_recover(struct worker *);
/* Tries again for the connections that are kept. */
void		 handoff_retry(void);
/* The current generation changes: what is kept follows its listener. */
void		 handoff_switch(const struct conf *from, const struct conf *to);
/* How many are kept. */
unsigned	 handoff_kept(void);
/* Closes them; for the end. */
void		 handoff_drop(void);

/* --- reload.c --- */

/* Called with the outcome, once: NULL for success, else a sentence. */
struct reload_waiter {
	TAILQ_ENTRY(reload_waiter) entry;
	void	(*cb)(struct reload_waiter *, const char *error);
};

/* Starts the first generation; the master ends if that fails. */
void		 reload_first(struct conf *);
/* Reads the file again and changes over to it. A call while one is under way
 * is done after it, all such calls at once. w may be NULL. */
void		 reload_request(struct reload_waiter *);
void		 reload_forget(struct reload_waiter *);
/* A worker of the generation being tried is ready, or has died. */
void		 reload_worker_ready(struct generation *);
void		 reload_worker_died(struct generation *);
/* Gives up what is under way, for the end. */
void		 reload_cancel(void);
/* Nothing is under way. */
bool		 reload_idle(void);
/* The last outcome: "never", "ok", or "failed: why". */
const char	*reload_last(void);

/* --- upgrade.c: the same process goes on as another binary --- */

#define UPGRADE_STATE	1	/* number of the form that state is saved in */

/*
 * Checks the binary that stands where this one was started from, and becomes
 * it: same pid, listeners, workers and counters. cb comes only on failure;
 * after success the new image answers (control_answer_save).
 */
void		 upgrade_request(struct reload_waiter *);
/* Gives up what is under way, for the end. */
void		 upgrade_cancel(void);
/* Who asked has gone. */
void		 upgrade_forget(const struct reload_waiter *);
/* In the new image: is there a state to go on with? */
bool		 upgrade_pending(void);
/* Takes it up, or goes back to the image that left it. */
void		 upgrade_restore(void);
/* Is this process only asked whether it could? Ends it with the answer if it
 * could not. */
void		 upgrade_check(void);
/* While saving: this descriptor stays open in the new image. */
int		 upgrade_keep(int fd);

/* Each writes the lines, or takes up one, that are its own (upgrade.c has
 * the list). Take returns false for a line that it does not understand. */
void		 generation_save(FILE *);
bool		 generation_take(const char *line);
bool		 generation_take_total(const char *line);
void		 worker_save(FILE *, const struct generation *);
bool		 worker_take(const char *line);
void		 listener_save(FILE *);
bool		 listener_take(const char *line);
void		 handoff_save(FILE *);
bool		 handoff_take(const char *line);
void		 logproc_save(FILE *);
bool		 logproc_take(const char *line);
void		 control_save(FILE *, const struct reload_waiter *);
bool		 control_take(const char *line);
/* Answers the client that asked for the upgrade. */
void		 control_upgraded(const char *error);

/* --- control.c, show.c: spawnctl's side --- */

/* Opens the control socket; -1 with *errp. */
int		 control_open(const char *path, const char **errp);
void		 control_close(void);
/* Is there a view of that name? */
bool		 show_known(const char *name);
/* Writes a view that there is. */
void		 show_write(FILE *f, const char *name, bool json);

/* --- logproc.c: the logger process --- */

/* Starts it for the configuration; lines of this process go there from now
 * on. Returns 0, or -1 with *errp. */
int		 logproc_start(const struct conf *, const char **errp);
/* Replaces it if the target has changed, else makes it reopen its file. */
void		 logproc_reload(const struct conf *);
/* Can the target be written to? -1 with *errp. */
int		 logproc_check(const struct conf *, const char **errp);
void		 logproc_reopen(void);
/* Lets it write what it has and end; then lines go to standard error. */
void		 logproc_stop(void);
int		 logproc_fd(void);

/* --- activate.c: sockets that whoever has started us passes --- */

/* Takes note of what sd_listen_fds(3) says; closes all others above 2. */
void		 activate_collect(void);
/* Checks them, and with -i takes descriptor 0. Ends the program if one of
 * them is no listening stream socket. */
void		 activate_open(void);
/* Gives the caller a socket for a listen section, or an address; -1 if there
 * is none, or no more. */
int		 activate_by_name(const char *section);
int		 activate_by_address(const struct addr *);
/* Closes those that nobody has asked for, with a warning. */
void		 activate_close_rest(void);
/* What a socket is bound to; abstract names begin with '@'. */
void		 activate_address(int fd, struct addr *);
/* -i: from now on errors go to the log, and not to syslog directly. */
void		 activate_log_begins(void);
/* -i: ends the master when it has been idle for shrink-after. */
void		 activate_watch_idle(void);

/* --- notify.c: the supervisor (sd_notify(3)'s protocol, no library) --- */

/* Finds out what the supervisor wants to hear; upgraded: it has heard of us
 * before. Until ready, while reloading and while stopping it is asked for
 * more time if that takes long. */
void		 notify_start(bool upgraded);
void		 notify_ready(void);
void		 notify_reloading(void);
void		 notify_stopping(void);
/* The start has failed. */
void		 notify_failed(const char *why);

/* --- reaper.c: children that are none of ours --- */

/* Reaps what was given to us as process 1 (or by exec(2)), and leaves alone
 * what ev_proc_add() watches. */
void		 reaper_start(void);
/* Watches a child that has just been started. One that cannot be watched is
 * killed, as nobody would know what becomes of it; -1 with errno then. */
int		 reaper_watch(struct ev_proc *, pid_t,
		    void (*cb)(struct ev_proc *, int status));
/* In a child, before it executes a worker or the logger: what is sent to it
 * before it listens to signals waits until it does. */
void		 reaper_child(void);

/* --- options.c: the command line --- */

struct options {
	const char	*conf_path;	/* absolute; NULL: quick mode */
	char		*quick;		/* text of -L and -R, or NULL */
	const char	*addrs_path;	/* -A */
	const char	*pidfile;	/* -p */
	int		 level;		/* -d, -v; -1: the configuration's */
	bool		 background, check, print, inetd;
};

/* Parses argv; exits by itself for -V and usage errors. */
void		 options_parse(struct options *, int argc, char **argv);
/* The configuration that the options name. NULL after reports. */
struct conf	*options_load(const struct options *, conf_report *, void *);

/* --- main.c --- */

struct master {
	struct options		 opt;
	struct generation	*gen;		/* the current one */
	TAILQ_HEAD(generations, generation) gens; /* all that have workers */
	TAILQ_HEAD(, total)	 totals;
	struct listeners	 listeners;
	struct pidfh		*pidfile;
	char			**argv;		/* as we were started */
	char			*self;		/* path of the binary */
	char			*cwd;
	unsigned		 last_number;
	bool			 stopping;	/* accepts no more */
	bool			 ending;	/* and waits for nobody */
	uint64_t		 started;	/* ms */
	time_t			 started_wall;
	uint64_t		 accepted, refused;
	uint64_t		 past_sessions;	/* of reaped workers */
	uint64_t		 past_in, past_out, past_dropped;
};
extern struct master master;

/* Drains and ends; a second call, or now, ends at once. */
void		 master_stop(bool now);
/* The first generation serves: pid file, -A, readiness. */
void		 master_serving(void);
/* It could not be started. */
void		 master_start_failed(const char *why);
/* A worker has been reaped: ends the master when it was the last one. */
void		 master_worker_gone(void);
/* Opens and writes a pid file. -1 with *errp. */
int		 master_pidfile(const char *path, struct pidfh **,
		    const char **errp);
/* Opens the pid file that options and configuration name. */
void		 master_pidfile_again(void);
/* The path of a program of libexec, in buf. */
const char	*master_libexec(const char *name, char *buf, size_t size);

#endif
