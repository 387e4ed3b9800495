/*
 * child.h - processes of the master's: how one is started, watched and ended.
 *
 * Everything that the master executes is started here: workers, the logger,
 * the reader of a file, and the check of a new binary. A child finds exactly
 * the descriptors that it was given, /dev/null on 0 to 2 (2 stays while there
 * is somebody to read it and it is no terminal), every signal as a new program
 * expects it, and nothing else of ours. It is a session of its own. Programs of
 * ours give up by themselves what they do not need; of others the child does
 * it before.
 */
#ifndef CHILD_H
#define CHILD_H

#include "ev.h"

/* A descriptor of ours, and the number under which the child finds it. */
struct child_fd {
	int	 fd;
	int	 place;
};

enum {
	CHILD_OWN = 1,		/* our program: what is sent to it before it
				   listens to signals waits until it does */
	CHILD_STDERR = 2,	/* if it cannot be executed, its standard error
				   tells why, and not the log; may be a
				   terminal */
	CHILD_WORKER = 4,	/* is told little of our environment: env.h */
	CHILD_GROUP = 8		/* signals are for all that it has started and
				   that has not left it */
};

/* Embedded in what it serves. Begins as CHILD(), or with child_init(). */
struct child {
	struct ev_proc	 proc;
	struct ev_timer	 silence;
	void		(*ended)(struct child *, int status);
	const char	*what;		/* in the log: "worker", "logger" */
	const char	*dir;		/* it starts there if that is possible;
					   NULL: where we are */
	const struct conf *conf;	/* what it says of the environment, the
					   folder, priority and cores, when it
					   starts; NULL: all is as with us */
	const char	*user;		/* who it becomes if we are root; NULL:
					   stays that */
	uid_t		 uid;		/* of user */
	gid_t		 gid;
	bool		 confined;	/* and has no rights beyond that */
	unsigned	 flags;		/* CHILD_* */
	pid_t		 pid;		/* of its last start; -1: none yet */
	bool		 killed;	/* by us: it was sent SIGKILL */
	bool		 inside;	/* no child: it is in this process, and
					   has no signals (EPERM) */
};

#define CHILD(name, fn, flag) {						\
	.proc = { .pid = -1 }, .silence = EV_TIMER(child_silent),	\
	.ended = (fn), .what = (name), .flags = (flag), .pid = -1	\
}

/* what must stay valid. ended comes once for each start, with the status of
 * waitpid(2), when the child has been reaped. */
void		 child_init(struct child *, const char *what, unsigned flags,
		    void (*ended)(struct child *, int status));
/*
 * Runs the program at that absolute path. The descriptors may be any of ours
 * and any places, each place once; they stay the caller's. Returns 0, or -1
 * with errno and no process. That the program cannot be executed is known
 * later: the log tells why, and the child ends with status 127.
 */
int		 child_start(struct child *, const char *program,
		    char *const argv[], const struct child_fd *, unsigned n);
/* Watches a child that the former image of this process has started. Returns
 * 0, or -1 with errno. */
int		 child_adopt(struct child *, pid_t);
bool		 child_runs(const struct child *);
/* It was asked something: if it has not ended in that many milliseconds, it is
 * killed (and ended comes then). */
void		 child_limit(struct child *, uint64_t ms);
/*
 * Sends a signal; why, unless NULL, is logged as "WHAT PID WHY". Returns 0,
 * or -1 with errno: ESRCH there is no such child (any more), EPERM the system
 * forbids it, which is logged once.
 */
int		 child_kill(struct child *, int signo, const char *why);
/* Nobody is told of its end any more; reaper.c takes it in. */
void		 child_forget(struct child *);

/* The callback of the silence limit, for CHILD(). */
void		 child_silent(struct ev_timer *);

#endif
