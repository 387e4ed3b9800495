/*
 * logger - writes the lines of all other processes, so that none of them ever
 * waits for a disk, a terminal or syslogd.
 *
 *	logger target facility sandbox
 *
 * Descriptor 3 is the channel to the master, which passes one channel a writer
 * (proto.h) that brings "<level>text" a packet. When all of these have ended,
 * the logger does. target is "stderr", "stdout", "syslog" or a file, sandbox
 * the number of its word. HUP and USR1 open the file anew; that its name has
 * become another's, as after a rotation, is noticed without them. USR2 ends
 * the logger once it has written what is queued.
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <limits.h>
#include <signal.h>
#include <time.h>

#include "log.h"
#include "logger.h"

#define CHANNEL		3
#define ROUNDS		1000		/* at the end, however much comes */
#define GATHER		2		/* ms that lines are collected, where */
#define MANY		32		/* more came within four times that */

static void	 signals(void);
static void	 descriptors(void);
static void	 on_signal(int);
static bool	 busy(void);
static void	 run(void);

static volatile sig_atomic_t	 reopen, finish;

int
main(int argc, char **argv)
{
	const char *err;
	struct stat st;

	if (argc != 4 || fstat(CHANNEL, &st) == -1 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "logger is a part of spawnd(8), "
		    "which starts it\n");
		return 2;
	}
	signals();
	setproctitle("%s", argv[1]);
	descriptors();
	writers_start(CHANNEL);
	lines_start(argv[1], (int)strtonum(argv[2], 0, LOG_FACMASK, &err));
	cage_enter((int)strtonum(argv[3], 0, INT_MAX, &err));
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
	sigaddset(&block, SIGUSR2);
	sigprocmask(SIG_BLOCK, &block, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	signal(SIGINT, SIG_IGN);	/* ends with the others, not before */
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* then it is as a full disk */
}

/* One a writer. */
static void
descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur == rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

static void
on_signal(int signo)
{
	if (signo == SIGUSR2)
		finish = 1;
	else
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

/* Once it is to finish, it reads what is there. */
static void
run(void)
{
	const struct timespec gather = { 0, GATHER * 1000000 };
	bool ready, waited = false;
	unsigned rounds = 0;

	for (;;) {
		if (reopen) {
			reopen = 0;
			lines_reopen();
		}
		if (target_outside())
			return;
		ready = writers_wait(lines_waiting() == 0 && !finish);
		rounds += finish != 0;
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
