/*
 * ev.h - the event loop of every process: kqueue(2), timers, signals,
 * children, deferred work.
 *
 * One loop a process and one thread: the loop is not an argument. Watchers
 * are embedded in the object they serve, the callback gets the watcher and
 * finds the object by container_of(); no void pointer is handed around.
 *
 * Descriptors are registered once and edge-triggered (EV_CLEAR): a callback
 * must read or write until EAGAIN (or a short count), and say so with
 * ev_io_again(). No system call is ever made to switch interest on or off.
 *
 * A watcher may be removed and its memory given to ev_defer() in any
 * callback: events of the same turn that still point to it are dropped, and
 * deferred work runs when the turn is over.
 */
#ifndef EV_H
#define EV_H

#include "compat.h"

#include <signal.h>

/* What happened, in a bit mask. IO_EOF comes with IO_READ: the other side has
 * sent its last byte, the socket has an error, or there is urgent data; a read
 * tells which, and from now on a short count is no sign of an empty socket.
 * IO_ERROR and IO_URGENT come with IO_EOF where it is known to be an error or
 * urgent data. */
enum { IO_READ = 1, IO_WRITE = 2, IO_EOF = 4, IO_ERROR = 8, IO_URGENT = 16 };

struct ev_io {
	void	(*cb)(struct ev_io *, int what);
	int	 fd;			/* -1 while not registered */
	uint8_t	 what;			/* IO_* it is registered for */
};

struct ev_timer {
	void		(*cb)(struct ev_timer *);
	uint64_t	 at;		/* ev_now() at which it is due */
	uint32_t	 slot;		/* 1-based place in the heap, 0 = off */
};

struct ev_signal {
	void	(*cb)(struct ev_signal *);
	int	 signo;
};

struct ev_task {
	TAILQ_ENTRY(ev_task)	 entry;
	void			(*cb)(struct ev_task *);
};

struct ev_proc {
	void		(*cb)(struct ev_proc *, int status);
	pid_t		 pid;		/* -1 while not watched */
	struct ev_task	 over;		/* it had ended before */
};

/*
 * Opens the loop. The mechanism is taken from the environment variable
 * SPAWND_EVENT: "kqueue" (the system's own or libkqueue), and on Linux
 * "epoll" (the default there) or "poll". Returns 0, or -1 with *errp set to
 * a sentence. Must be called again after fork(2) by a child that wants a
 * loop of its own: it begins with nothing registered.
 */
int		 ev_init(const char **errp);

/* Closes the loop and forgets every watcher; for tests and before exec. */
void		 ev_fini(void);

/* The name of the mechanism in use: "kqueue", "epoll" or "poll". */
const char	*ev_mechanism(void);
/* False with poll: there no event tells of a reset while nobody has asked for
 * bytes by ev_io_again(). */
bool		 ev_has_edges(void);

/* Runs turns until ev_stop() is called; returns after that turn. */
void		 ev_run(void);
void		 ev_stop(void);

/*
 * One turn: waits for events, at most max_ms milliseconds (-1: until
 * something happens), runs callbacks of descriptors, then due timers, then
 * deferred work. Returns the number of callbacks made.
 */
int		 ev_turn(int max_ms);

/* The monotonic clock as of this turn, in milliseconds and microseconds.
 * Never goes back, is not moved by setting the wall clock. */
uint64_t	 ev_now(void);
uint64_t	 ev_now_us(void);
/* Reads the clock anew, for a callback that has taken long. */
void		 ev_now_update(void);

/*
 * Registers fd, which must be non-blocking, for what (IO_READ, IO_WRITE or
 * both); may be called again to add to what. The caller keeps owning fd.
 * Returns 0, or -1 with errno.
 */
int		 ev_io_add(struct ev_io *, int fd, int what,
		    void (*cb)(struct ev_io *, int));
/*
 * Says that a read or write has met EAGAIN or a short count, so that the
 * next edge is wanted. Costs nothing with edge-triggered mechanisms and
 * re-arms the descriptor where there is none (poll).
 */
void		 ev_io_again(struct ev_io *, int what);
/* Takes the watcher out; the descriptor stays open and is the caller's. */
void		 ev_io_del(struct ev_io *);
/* Takes the watcher out and closes the descriptor. fd becomes -1. No-op when
 * it is -1 already. */
void		 ev_io_close(struct ev_io *);

/* Timers. A static one begins as EV_TIMER(callback), any other one with
 * ev_timer_init(), once: not while it runs. Set replaces an earlier setting.
 * A timer is due when ev_now() has reached now + delay_ms, and fires once. No
 * system call. */
#define EV_TIMER(fn)	{ .cb = (fn) }
void		 ev_timer_init(struct ev_timer *,
		    void (*cb)(struct ev_timer *));
void		 ev_timer_set(struct ev_timer *, uint64_t delay_ms);
void		 ev_timer_stop(struct ev_timer *);
bool		 ev_timer_on(const struct ev_timer *);

/* Watches a signal; the default action no longer takes place. A child must
 * call ev_signal_reset() between fork(2) and exec(2), which gives every signal
 * its default action; held: signals that stay blocked in the new program until
 * it listens to them, NULL for none. */
int		 ev_signal_add(struct ev_signal *, int signo,
		    void (*cb)(struct ev_signal *));
void		 ev_signal_reset(const sigset_t *held);

/*
 * Watches a child of this process; the callback comes once, with the status
 * of waitpid(2), after the child has been reaped and the watcher taken out
 * (-1, neither exited nor signaled, if somebody else has reaped it).
 * Works for a child that is a zombie already. Returns 0, or -1 with errno.
 */
int		 ev_proc_add(struct ev_proc *, pid_t,
		    void (*cb)(struct ev_proc *, int status));
void		 ev_proc_del(struct ev_proc *);
/* Will the end of this child be told to anybody? */
bool		 ev_proc_watched(pid_t);

/*
 * Queues work for the end of this turn; queueing twice is once. Work queued
 * by deferred work itself runs at the end of the next turn, which then does
 * not wait for events.
 */
void		 ev_defer(struct ev_task *, void (*cb)(struct ev_task *));
void		 ev_undefer(struct ev_task *);
bool		 ev_deferred(const struct ev_task *);

#endif
