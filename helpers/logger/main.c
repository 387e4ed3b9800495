/*
 * logger - writes the lines of all other processes, so that none of them ever
 * waits for a disk, a terminal or syslogd.
 *
 *	logger target facility
 *
 * Descriptor 3 is a SOCK_SEQPACKET socket that brings "<level>name[pid]: text"
 * a packet; the end of the file, when every writer is gone, ends the logger.
 * target is "stderr", "syslog" or a file. HUP and USR1 open the file anew (as
 * after a rotation), USR2 ends the logger once it has written what is queued.
 */
#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <syslog.h>
#include <time.h>

#include "log.h"

#define CHANNEL		3
#define ROOM		(64 * 1024)
#define GATHER		2		/* ms that lines are collected, where */
#define MANY		32		/* more came within four times that */

static void	 on_signal(int);
static void	 target_open(void);
static bool	 put_cut(void);
static bool	 put(const char *, size_t);
static void	 write_out(void);
static void	 take(char *, size_t);
static void	 take_syslog(int, char *);
static void	 stamp(char *, size_t);
static void	 wait_for_line(void);
static bool	 busy(void);
static void	 run(void);

static volatile sig_atomic_t	 reopen, finish;
static const char		*target;
static bool			 to_syslog;
static int			 facility;
static int			 out = STDERR_FILENO;
static char			 buf[ROOM];
static size_t			 len, lines;
static uint64_t			 dropped;
static char			 cut[LOG_LINE + 64];
static size_t			 cut_len;

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	const char *err;
	struct stat st;
	sigset_t block;

	if (argc != 3 || fstat(CHANNEL, &st) == -1 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "logger is a part of spawnd(8), "
		    "which starts it\n");
		return 2;
	}
	target = argv[1];
	facility = (int)strtonum(argv[2], 0, LOG_FACMASK, &err);
	to_syslog = strcmp(target, "syslog") == 0;
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
	setproctitle("%s", target);
	target_open();
	run();
	return 0;
}

static void
on_signal(int signo)
{
	if (signo == SIGUSR2)
		finish = 1;
	else
		reopen = 1;
}

/* A file that cannot be opened leaves the one in use: better a rotated file
 * than none. */
static void
target_open(void)
{
	int fd;

	if (to_syslog || strcmp(target, "stderr") == 0)
		return;
	fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY, 0640);
	if (fd == -1) {
		dropped++;
		return;
	}
	if (out != STDERR_FILENO)
		close(out);
	out = fd;
}

/* Signals are let in only here, so that none is missed. */
static void
wait_for_line(void)
{
	struct pollfd pfd = { .fd = CHANNEL, .events = POLLIN };
	sigset_t none;

	sigemptyset(&none);
	ppoll(&pfd, 1, NULL, &none);
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
	recent += lines;
	return recent > MANY;
}

static void
run(void)
{
	const struct timespec gather = { 0, GATHER * 1000000 };
	char line[LOG_LINE + 1];
	ssize_t n;
	bool end, waited = false;

	for (;;) {
		if (reopen) {
			reopen = 0;
			write_out();
			target_open();
		}
		if (len == 0 && !finish)
			wait_for_line();
		n = recv(CHANNEL, line, sizeof(line) - 1, MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN && len != 0 && !waited &&
		    !finish && busy()) {
			nanosleep(&gather, NULL);
			waited = true;
			continue;
		}
		if (n > 0) {
			take(line, (size_t)n);
			continue;
		}
		end = n == 0 || (finish && errno == EAGAIN) ||
		    (errno != EAGAIN && errno != EINTR);
		write_out();
		waited = false;
		if (end)
			return;
	}
}

static void
stamp(char *text, size_t size)
{
	struct timespec ts;
	struct tm tm;
	char day[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, size, "%s.%03ldZ", day, ts.tv_nsec / 1000000);
}

static void
take(char *line, size_t n)
{
	char when[48];
	int level = LOG_INFO;
	size_t i;

	line[n] = '\0';
	/* What a client or a name brings in must not look like a new line. */
	for (i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	if (n > 3 && line[0] == '<' && line[2] == '>') {
		level = line[1] - '0';
		line += 3;
	}
	if (to_syslog) {
		take_syslog(level, line);
		return;
	}
	if (ROOM - len < sizeof(when) + LOG_LINE + 2)
		write_out();
	stamp(when, sizeof(when));
	len += (size_t)snprintf(buf + len, ROOM - len, "%s %s\n", when, line);
	lines++;
}

/* "name[pid]: text": the part in front becomes syslog's own tag. */
static void
take_syslog(int level, char *line)
{
	static char ident[64];
	char *text = strstr(line, ": ");

	if (text != NULL && (size_t)(text - line) < sizeof(ident)) {
		memcpy(ident, line, (size_t)(text - line));
		ident[text - line] = '\0';
		text += 2;
	} else
		text = line;
	openlog(ident, LOG_NDELAY, facility);
	syslog(level | facility, "%s", text);
}

/* What is left of a line that the target took a part of comes first, so that
 * no line is ever glued to another. */
static bool
put_cut(void)
{
	ssize_t n;

	if (cut_len == 0)
		return true;
	n = write(out, cut, cut_len);
	if (n == (ssize_t)cut_len) {
		cut_len = 0;
		return true;
	}
	if (n > 0) {
		cut_len -= (size_t)n;
		memmove(cut, cut + n, cut_len);
	}
	return false;
}

/* Writes whole lines; those that the target does not take are counted. */
static bool
put(const char *text, size_t n)
{
	const char *end = text + n, *nl;
	ssize_t w = write(out, text, n);

	if (w == (ssize_t)n)
		return true;
	if (w > 0 && text[w - 1] != '\n' &&
	    (nl = memchr(text + w, '\n', n - (size_t)w)) != NULL &&
	    (size_t)(nl + 1 - (text + w)) <= sizeof(cut)) {
		cut_len = (size_t)(nl + 1 - (text + w));
		memcpy(cut, text + w, cut_len);
		text = nl + 1;
	} else if (w > 0)
		text += w;
	for (; text < end; text++)
		dropped += *text == '\n';
	return false;
}

/* What the target does not take now is dropped and counted: the disk is full,
 * or nobody reads the pipe. */
static void
write_out(void)
{
	char note[128], when[48];
	uint64_t missing = dropped;
	int m;

	if (len == 0)
		return;
	if (!put_cut()) {
		dropped += lines;
	} else if (missing == 0) {
		put(buf, len);
	} else {
		stamp(when, sizeof(when));
		m = snprintf(note, sizeof(note), "%s logger[%ld]: warning: "
		    "%llu lines could not be written\n", when, (long)getpid(),
		    (unsigned long long)missing);
		dropped = 0;
		if (!put(note, (size_t)m) && cut_len == 0)
			dropped = missing + lines;
		else
			put(buf, len);
	}
	len = 0;
	lines = 0;
}
