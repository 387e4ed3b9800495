/*
 * logger - writes the lines of all other processes, so that none of them ever
 * waits for a disk, a terminal or syslogd.
 *
 *	logger version sandbox user uid gid {to facility level sessions format
 *	    sample rate tcp-info custom} ...
 *
 * Descriptor 3 is the channel to the master, which passes one channel a writer
 * (proto.h) that brings "<level>text" a packet. When all of these have ended,
 * the logger does. version is PROTO_VERSION, sandbox the number of its word,
 * and user whom it becomes if root has started it ("": nobody else). Then come
 * the targets, of each where it is, "stderr", "stdout", "syslog" or what is
 * opened by the master and comes by that channel: a file, or a socket that is
 * connected to a receiver; and numbers of what it wants (struct conf_log). HUP
 * and USR1 have the master open files anew; that the name of one has become
 * another's, as after a rotation, is noticed without them.
 */
#include "compat.h"

#include <limits.h>
#include <signal.h>
#include <time.h>

#include "conf/conf.h"
#include "drop.h"
#include "log.h"
#include "proto.h"
#include "logger.h"
#include "sandbox.h"
#include "start.h"

#define CHANNEL		3
#define HEAD		6		/* words in front of the targets */
#define ROUNDS		1000		/* at the end, however much comes */
#define GATHER		2		/* ms that lines are collected, where */
#define MANY		32		/* more came within four times that */

static void	 signals(void);
static void	 on_signal(int);
static bool	 busy(void);
static void	 open_all(void);
static void	 run(void);

static volatile sig_atomic_t	 reopen;

int
main(int argc, char **argv)
{
	const char *err;
	int sandbox;

	if (argc < HEAD + TARGET_WORDS || (argc - HEAD) % TARGET_WORDS != 0 ||
	    strtonum(argv[1], 0, INT_MAX, &err) != PROTO_VERSION ||
	    !start_has_channel(CHANNEL)) {
		fprintf(stderr, "logger is a part of spawnd(8), "
		    "which starts it\n");
		return 2;
	}
	signals();
	setproctitle("%s", argv[HEAD]);
	start_descriptors();	/* one a writer */
	writers_start(CHANNEL);
	format_start();
	targets_start(argv + HEAD, (unsigned)(argc - HEAD) / TARGET_WORDS);
	sandbox = (int)strtonum(argv[2], 0, INT_MAX, &err);
	if (sandbox != CONF_SANDBOX_OFF)
		sandbox_early();
	if (*argv[3] != '\0' && drop_root(argv[3],
	    (uid_t)strtonum(argv[4], 0, UINT32_MAX, &err),
	    (gid_t)strtonum(argv[5], 0, UINT32_MAX, &err), &err) == -1)
		fatalx("%s", err);
	cage_enter(sandbox);
	run();
	return 0;
}

static void
signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGHUP);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGUSR2, SIG_IGN);	/* is for the master only */
	signal(SIGINT, SIG_IGN);	/* ends with the others, not before */
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* then it is as a full disk */
}

static void
on_signal(int signo)
{
	(void)signo;
	reopen = 1;
}

/* Where lines come in numbers, more are under way: one write for all. */
static bool
busy(void)
{
	static uint64_t start;
	static size_t recent;
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (now - start > GATHER * 4) {
		start = now;
		recent = 0;
	}
	recent += lines_waiting();
	return recent > MANY;
}

static void
open_all(void)
{
	const struct target *t;
	unsigned i;

	for (i = 0; (t = target_of(i)) != NULL; i++)
		if (t->named)
			writers_open(i);
}

/* Once it is to finish, it reads what is there. */
static void
run(void)
{
	const struct timespec gather = { 0, GATHER * 1000000 };
	bool finish, ready, waited = false;
	unsigned rounds = 0;

	for (;;) {
		if (reopen) {
			reopen = 0;
			open_all();
		}
		finish = writers_finish();
		ready = writers_wait(lines_waiting() == 0 && !finish ?
		    lines_due() : 0);
		rounds += finish;
		if (ready && writers_read() && rounds < ROUNDS)
			continue;
		if (lines_waiting() != 0 && !waited && !finish && busy()) {
			nanosleep(&gather, NULL);
			waited = true;
			continue;
		}
		lines_write();
		waited = false;
		if (writers_gone() || (finish && (!ready ||
		    rounds >= ROUNDS)))
			return;
	}
}
