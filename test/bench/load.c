/*
 * load.c - load for a relay, and the servers behind it (Linux).
 *
 *	load backend [-n count] [-x 1] address port
 *	load short [-r resume] [-t tls] [-b sources] [-c concurrent]
 *	    [-n sessions] [-p ports] address port
 *	load ping [-t tls] [-b sources] [-c sessions] [-i idle]
 *	    [-n round trips] [-s bytes] address port
 *	load down|up [-t tls] [-c sessions] [-m MiB] address port
 *	load stall [-b sources] [-c sessions] address port
 *	load slow [-b sources] [-c sessions] [-k KiB/s] [-m MiB] [-x 1]
 *	    address port
 *
 * backend listens on count addresses from address on, at one port (0: any,
 * it prints which), until its standard input ends. A session says with its
 * first byte what it wants: e, an echo of all it sends; d, bytes; u, to send
 * bytes, which are answered by one. At a line it prints for how long on
 * average it has been busy with a d that it has ended: from accept(2) until
 * the kernel had the last byte. With -x 1 packets are no larger than those
 * of an Ethernet, and the kernel stores no more for a sender than there.
 *
 * The others print "ready" when what has to be open is open, and begin at a
 * line (or the end) of standard input; they print key=value pairs, and close
 * what is open at another line. short makes sessions of one 64-byte exchange;
 * they go round the ports in turn. ping bounces messages in sessions that
 * stay open, beside idle ones. down and up move bulk, without an end with
 * -m 0: then until the other line. stall asks for bytes and never reads, slow
 * reads so many of them a second.
 * With -t 2 or -t 3 they speak TLS 1.2 or 1.3, and with -r 1 they resume one
 * session, made before "ready".
 *
 * Each byte that returns is checked; the first wrong one, or an error, or no
 * end within two minutes, ends the program with a sentence and 1.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define EVENTS		256
#define CHUNK		65536
#define PERIOD		65521		/* a prime: nothing lines up with it */
#define HEADER		13		/* d and u: op, seed, size */
#define SHORT_BYTES	64
#define STALL_RCVBUF	16384
#define ETHERNET_MSS	1448
#define TICKS		10		/* slow: a second */
#define OPENING		256		/* at a time */
#define PATIENCE	120		/* s */

/* One session, of either side. */
struct sess {
	void		(*event)(struct sess *, uint32_t);
	int		 fd;
	struct wire	*wire;		/* TLS, or NULL */
	uint32_t	 want;		/* events asked for */
	char		 op;
	uint32_t	 seed;
	uint64_t	 size;		/* d, u: bytes to come; e: both ways */
	uint64_t	 sent;
	uint64_t	 got;
	uint64_t	 started;	/* ns */
	bool		 active;
	char		*kept;		/* backend: echo not yet taken */
	size_t		 nkept;
	char		 head[HEADER];
	unsigned	 nhead;
};

struct mode {
	const char	*name;
	void		(*open)(void);	/* before "ready" */
	void		(*run)(void);
};

static int	 backend(int, char **);
static void	 backend_accept(struct sess *, uint32_t);
static void	 backend_event(struct sess *, uint32_t);
static void	 backend_header(struct sess *);
static void	 backend_echo(struct sess *);
static void	 backend_source(struct sess *);
static void	 backend_sink(struct sess *);
static void	 backend_end(struct sess *);

static void	 client(const struct mode *, int, char **);
static void	 client_options(int, char **);
static void	 client_report(const char *, uint64_t);
static int	 compare(const void *, const void *);
static double	 quantile(double);
static void	 note_time(uint64_t);

static void	 short_run(void);
static void	 short_start(struct sess *);
static void	 short_event(struct sess *, uint32_t);
static void	 ping_open(void);
static void	 ping_open_event(struct sess *, uint32_t);
static void	 ping_run(void);
static void	 ping_start(struct sess *);
static void	 ping_event(struct sess *, uint32_t);
static void	 bulk_run(void);
static void	 down_event(struct sess *, uint32_t);
static void	 up_event(struct sess *, uint32_t);
static void	 bulk_end(struct sess *);
static void	 stall_open(void);
static void	 slow_run(void);
static void	 slow_open(void);
static void	 slow_read(struct sess *);
static void	 nothing(void);
static void	 resume_open(void);

static void	 sess_connect(struct sess *, char, int);
static void	 small_packets(int);
static bool	 sess_send(struct sess *);
static bool	 sess_receive(struct sess *);
static ssize_t	 sess_put(struct sess *, const void *, size_t);
static ssize_t	 sess_get(struct sess *, void *, size_t);
static void	 sess_close(struct sess *);
static void	 sess_want(struct sess *, uint32_t);
static void	 turn(void);
static bool	 told(void);
static void	 told_event(struct sess *, uint32_t);
static void	 address_parse(struct sockaddr_in *, const char *,
		    const char *);
static void	 number(const char *, uint64_t *);
static void	 header_write(const struct sess *, char *);
static size_t	 stream_write(const struct sess *, uint64_t, char *, size_t);
static void	 pattern_make(void);
static const char *pattern_at(uint32_t, uint64_t);
static void	 pattern_check(const struct sess *, uint64_t, const char *,
		    size_t);
static uint64_t	 now_ns(void);
static void	 too_late(int);
static _Noreturn void usage(void);

static const struct mode modes[] = {
	{ "short", resume_open, short_run },
	{ "ping",  ping_open,  ping_run },
	{ "down",  nothing,    bulk_run },
	{ "up",	   nothing,    bulk_run },
	{ "stall", stall_open, nothing },
	{ "slow",  nothing,    slow_run },
};

/* options */
static uint64_t		 concurrent = 64, total = 10000, ports = 1, idle,
			 sources = 100, size = SHORT_BYTES, mib = 100,
			 kib = 50, ethernet, tls, resume;
static bool		 upwards;
static struct sockaddr_in target;

static int		 ep;
static char		 pattern[PERIOD + CHUNK], room[CHUNK];
static struct sess	*sessions;
static struct sess	 input = { .event = told_event };
static bool		 stop;
static uint64_t		 started, done, serial, bytes;
static uint32_t		*times;		/* 100 ns, of what was done */
static uint64_t		 answers, busy;	/* backend: of d; ns */

int
main(int argc, char **argv)
{
	struct rlimit rl;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	pattern_make();
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
		err(1, "epoll_create1");
	if (argc < 2)
		usage();
	if (strcmp(argv[1], "backend") == 0)
		return backend(argc - 1, argv + 1);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0) {
			client(&modes[i], argc - 1, argv + 1);
			return 0;
		}
	usage();
}

/* --- the servers --- */

static int
backend(int argc, char **argv)
{
	const int on = 1;
	socklen_t len = sizeof(target);
	struct sess *s;
	uint64_t i;

	total = 1;
	client_options(argc, argv);
	for (i = 0; i < total; i++) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			err(1, NULL);
		s->event = backend_accept;
		s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (ethernet != 0)
			small_packets(s->fd);
		if (bind(s->fd, (struct sockaddr *)&target, len) == -1 ||
		    listen(s->fd, 4096) == -1)
			err(1, "listen on %s", inet_ntoa(target.sin_addr));
		getsockname(s->fd, (struct sockaddr *)&target, &len);
		target.sin_addr.s_addr =
		    htonl(ntohl(target.sin_addr.s_addr) + 1);
		sess_want(s, EPOLLIN);
	}
	printf("port=%d\n", ntohs(target.sin_port));
	while (!told())
		turn();
	printf("answers=%llu busy_us=%.1f\n", (unsigned long long)answers,
	    answers == 0 ? 0 : (double)(busy / answers) / 1e3);
	return 0;
}

static void
backend_accept(struct sess *l, uint32_t what)
{
	struct sess *s;
	int fd;

	(void)what;
	while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			err(1, NULL);
		s->fd = fd;
		s->event = backend_event;
		s->started = now_ns();
		sess_want(s, EPOLLIN);
	}
}

/* A session has one read or write an event, so that bulk is fair to others. */
static void
backend_event(struct sess *s, uint32_t what)
{
	(void)what;
	if (s->op == 'd' && s->nhead == HEADER)
		backend_source(s);
	else if (s->op == 'u' && s->nhead == HEADER)
		backend_sink(s);
	else if (s->op == '\0' || s->op == 'd' || s->op == 'u')
		backend_header(s);
	else
		backend_echo(s);
}

static void
backend_header(struct sess *s)
{
	ssize_t n;

	n = recv(s->fd, s->head + s->nhead, HEADER - s->nhead,
	    s->nhead == 0 ? MSG_PEEK : 0);
	if (n <= 0) {
		backend_end(s);
		return;
	}
	s->op = s->head[0];
	if (s->op == 'e') {
		backend_echo(s);
		return;
	}
	if (s->nhead == 0)
		n = recv(s->fd, s->head, (size_t)n, 0);
	s->nhead += (unsigned)n;
	if (s->nhead < HEADER)
		return;
	memcpy(&s->seed, s->head + 1, sizeof(s->seed));
	memcpy(&s->size, s->head + 5, sizeof(s->size));
	s->seed = be32toh(s->seed);
	s->size = be64toh(s->size);
	if (s->op == 'd')
		sess_want(s, EPOLLOUT);
}

static void
backend_echo(struct sess *s)
{
	char *buf = s->nkept != 0 ? s->kept : room;
	ssize_t n = (ssize_t)s->nkept, sent;

	if (n == 0 && (n = recv(s->fd, room, sizeof(room), 0)) <= 0) {
		backend_end(s);
		return;
	}
	sent = send(s->fd, buf, (size_t)n, 0);
	if (sent == -1 && errno != EAGAIN) {
		backend_end(s);
		return;
	}
	if (sent == -1)
		sent = 0;
	s->nkept = (size_t)(n - sent);
	if (s->nkept != 0 && s->kept == NULL &&
	    (s->kept = malloc(sizeof(room))) == NULL)
		err(1, NULL);
	if (s->nkept != 0)
		memmove(s->kept, buf + sent, s->nkept);
	sess_want(s, s->nkept != 0 ? EPOLLOUT : EPOLLIN);
}

static void
backend_source(struct sess *s)
{
	uint64_t n = s->size - s->sent;
	ssize_t sent;

	sent = send(s->fd, pattern_at(s->seed, s->sent),
	    n < CHUNK ? (size_t)n : CHUNK, 0);
	if (sent == -1 && errno != EAGAIN) {
		backend_end(s);
		return;
	}
	if (sent > 0)
		s->sent += (uint64_t)sent;
	if (s->sent == s->size) {
		answers++;
		busy += now_ns() - s->started;
		backend_end(s);
	}
}

static void
backend_sink(struct sess *s)
{
	ssize_t n = recv(s->fd, room, sizeof(room), 0);

	if (n <= 0) {
		backend_end(s);
		return;
	}
	pattern_check(s, s->got, room, (size_t)n);
	s->got += (uint64_t)n;
	if (s->got == s->size && send(s->fd, "y", 1, 0) == -1)
		backend_end(s);
}

static void
backend_end(struct sess *s)
{
	close(s->fd);
	free(s->kept);
	free(s);
}

/* --- the clients --- */

static void
client(const struct mode *m, int argc, char **argv)
{
	client_options(argc, argv);
	upwards = strcmp(m->name, "up") == 0;
	if (m->run == bulk_run || m->run == slow_run)
		total = concurrent;
	signal(SIGALRM, too_late);
	sessions = calloc(concurrent + idle, sizeof(*sessions));
	if (sessions == NULL ||
	    (times = calloc(total, sizeof(*times))) == NULL)
		err(1, NULL);
	alarm(PATIENCE);
	m->open();
	alarm(0);
	printf("ready\n");
	while (!told())
		turn();
	stop = false;
	alarm(PATIENCE);
	started = now_ns();
	m->run();
	alarm(0);
	client_report(m->name, now_ns() - started);
	while (!told())
		turn();
}

static void
client_options(int argc, char **argv)
{
	static uint64_t * const values[] = {
		['b'] = &sources, ['c'] = &concurrent, ['i'] = &idle,
		['k'] = &kib, ['m'] = &mib, ['n'] = &total, ['p'] = &ports,
		['r'] = &resume, ['s'] = &size, ['t'] = &tls,
		['x'] = &ethernet
	};
	int ch;

	while ((ch = getopt(argc, argv, "b:c:i:k:m:n:p:r:s:t:x:")) != -1) {
		if (ch == '?')
			usage();
		number(optarg, values[ch]);
	}
	if (argc - optind != 2 || size == 0 || size > CHUNK ||
	    concurrent == 0 || total == 0 || ports == 0 || kib == 0 ||
	    kib > CHUNK * TICKS / 1024)
		usage();
	address_parse(&target, argv[optind], argv[optind + 1]);
	if (tls != 0)
		wire_setup((int)tls);
}

static void
client_report(const char *name, uint64_t ns)
{
	printf("mode=%s seconds=%.6f done=%llu bytes=%llu", name,
	    (double)ns / 1e9, (unsigned long long)done,
	    (unsigned long long)bytes);
	if (done != 0 && done <= total) {
		qsort(times, done, sizeof(*times), compare);
		printf(" p50_us=%.1f p99_us=%.1f max_us=%.1f", quantile(0.5),
		    quantile(0.99), quantile(1));
	}
	if (tls != 0)
		printf(" resumed=%llu", wire_resumed());
	printf("\n");
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* In microseconds. */
static double
quantile(double q)
{
	uint64_t i = (uint64_t)(q * (double)done);

	return (double)times[i < done ? i : done - 1] / 10;
}

static void
note_time(uint64_t since)
{
	if (done < total)
		times[done] = (uint32_t)((now_ns() - since) / 100);
	done++;
}

/* --- short --- */

/* Makes the session that the others resume. */
static void
resume_open(void)
{
	const uint64_t count = total;

	if (resume == 0)
		return;
	total = 1;
	short_run();
	wire_resume();
	total = count;
	done = bytes = serial = 0;
}

static void
short_run(void)
{
	uint64_t i;

	for (i = 0; i < concurrent && i < total; i++)
		short_start(&sessions[i]);
	while (done < total)
		turn();
}

static void
short_start(struct sess *s)
{
	s->event = short_event;
	s->size = SHORT_BYTES;
	s->started = now_ns();
	sess_connect(s, 'e', 0);
}

static void
short_event(struct sess *s, uint32_t what)
{
	(void)what;
	if (!sess_send(s) || !sess_receive(s))
		return;
	sess_close(s);
	note_time(s->started);
	if (serial < total)
		short_start(s);
}

/* --- ping --- */

/* Opens all, each with one message to and fro. */
static void
ping_open(void)
{
	uint64_t i, n = concurrent + idle;

	for (i = 0; i < n; i++) {
		while (i - done >= OPENING)
			turn();
		sessions[i].event = ping_open_event;
		sessions[i].size = size;
		sess_connect(&sessions[i], 'e', 0);
	}
	while (done < n)
		turn();
	done = bytes = 0;
}

static void
ping_open_event(struct sess *s, uint32_t what)
{
	(void)what;
	if (!sess_send(s) || !sess_receive(s))
		return;
	done++;
	s->event = ping_event;
}

static void
ping_run(void)
{
	uint64_t i, n = concurrent + idle;

	/* The active ones are spread among the idle ones. */
	serial = 0;
	for (i = 0; i < concurrent && i < total; i++)
		ping_start(&sessions[i * n / concurrent]);
	while (done < total)
		turn();
}

static void
ping_start(struct sess *s)
{
	serial++;
	s->active = true;
	s->size += size;
	s->started = now_ns();
	sess_send(s);
}

static void
ping_event(struct sess *s, uint32_t what)
{
	(void)what;
	if (!s->active)
		errx(1, "an idle session has an event");
	if (!sess_send(s) || !sess_receive(s))
		return;
	note_time(s->started);
	s->active = false;
	if (serial < total)
		ping_start(s);
}

/* --- down, up, stall --- */

static void
bulk_run(void)
{
	uint64_t i;

	for (i = 0; i < concurrent; i++) {
		sessions[i].event = upwards ? up_event : down_event;
		sessions[i].size = mib == 0 ? UINT64_MAX : mib << 20;
		sessions[i].started = now_ns();
		sess_connect(&sessions[i], upwards ? 'u' : 'd', 0);
		if (upwards)
			sess_want(&sessions[i], EPOLLOUT);
	}
	while (done < total && (mib != 0 || !told()))
		turn();
}

static void
down_event(struct sess *s, uint32_t what)
{
	ssize_t n;

	if (s->sent < HEADER) {
		sess_send(s);
		return;
	}
	if (!(what & EPOLLIN))
		return;
	if ((n = sess_get(s, room, sizeof(room))) == -1) {
		if (errno != EAGAIN)
			err(1, "receive");
		return;
	}
	if (n == 0)
		errx(1, "the end came early");
	pattern_check(s, s->got, room, (size_t)n);
	s->got += (uint64_t)n;
	bytes += (uint64_t)n;
	if (s->got == s->size)
		bulk_end(s);
}

static void
up_event(struct sess *s, uint32_t what)
{
	uint64_t left = s->size - (s->sent - HEADER);
	ssize_t n;
	char c;

	(void)what;
	if (s->sent < HEADER) {
		if (sess_send(s))
			sess_want(s, EPOLLOUT);
		return;
	}
	if (left == 0) {
		if ((n = sess_get(s, &c, 1)) == -1 && errno == EAGAIN)
			return;
		if (n != 1 || c != 'y')
			errx(1, "not acknowledged");
		bulk_end(s);
		return;
	}
	n = sess_put(s, pattern_at(s->seed, s->sent - HEADER),
	    left < CHUNK ? (size_t)left : CHUNK);
	if (n == -1 && errno != EAGAIN)
		err(1, "send");
	if (n > 0) {
		s->sent += (uint64_t)n;
		bytes += (uint64_t)n;
	}
	if (s->sent - HEADER == s->size)
		sess_want(s, EPOLLIN);
}

static void
bulk_end(struct sess *s)
{
	note_time(s->started);
	sess_close(s);
}

static void
stall_open(void)
{
	struct sess *s;

	for (s = sessions; s < sessions + concurrent; s++) {
		s->size = UINT64_MAX;
		sess_connect(s, 'd', STALL_RCVBUF);
		while (!sess_send(s))
			usleep(1000);
		epoll_ctl(ep, EPOLL_CTL_DEL, s->fd, NULL);
	}
}

/* --- slow --- */

static void
slow_run(void)
{
	const struct timespec tick = { .tv_nsec = 1000000000 / TICKS };
	struct sess *s;

	slow_open();
	while (done < total) {
		for (s = sessions; s < sessions + concurrent; s++)
			if (s->active)
				slow_read(s);
		nanosleep(&tick, NULL);
	}
}

static void
slow_open(void)
{
	struct sess *s;

	for (s = sessions; s < sessions + concurrent; s++) {
		s->size = mib << 20;
		s->active = true;
		s->started = now_ns();
		sess_connect(s, 'd', STALL_RCVBUF);
		while (!sess_send(s))
			usleep(1000);
		epoll_ctl(ep, EPOLL_CTL_DEL, s->fd, NULL);
	}
}

/* What is its share of a tick. */
static void
slow_read(struct sess *s)
{
	ssize_t n = sess_get(s, room, kib * 1024 / TICKS);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		err(1, "receive");
	if (n == 0)
		errx(1, "the end came early");
	pattern_check(s, s->got, room, (size_t)n);
	s->got += (uint64_t)n;
	bytes += (uint64_t)n;
	if (s->got == s->size) {
		s->active = false;
		bulk_end(s);
	}
}

static void
nothing(void)
{
}

/* --- a session --- */

/* Connects and sends at once what it can: an echo's first message, or what
 * is wanted. */
static void
sess_connect(struct sess *s, char op, int rcvbuf)
{
	const int on = 1;
	struct sockaddr_in from = { .sin_family = AF_INET }, to = target;

	if ((s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) == -1)
		err(1, "socket");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
	    sizeof(on));
	if (rcvbuf != 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
		    sizeof(rcvbuf));
	if (ethernet != 0)
		small_packets(s->fd);
	if (sources != 0) {
		from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x010000 +
		    (uint32_t)(serial % sources));
		if (bind(s->fd, (struct sockaddr *)&from, sizeof(from)) == -1)
			err(1, "bind to %s", inet_ntoa(from.sin_addr));
	}
	to.sin_port = htons((uint16_t)(ntohs(target.sin_port) +
	    serial % ports));
	s->op = op;
	s->seed = (uint32_t)(++serial * 7919);
	s->sent = s->got = 0;
	s->want = 0;
	s->wire = tls == 0 ? NULL : wire_new(s->fd);
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS)
		err(1, "connect");
	sess_send(s);
}

/* With those of loopback the kernel stores a megabyte for a sender. */
static void
small_packets(int fd)
{
	const int mss = ETHERNET_MSS;

	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss));
}

/* Sends what is still to be sent; true if that is nothing any more. */
static bool
sess_send(struct sess *s)
{
	static char buf[CHUNK];
	uint64_t end = s->op == 'e' ? s->size : HEADER;
	ssize_t n;
	size_t len;

	while (s->sent < end) {
		len = end - s->sent < CHUNK ? (size_t)(end - s->sent) : CHUNK;
		len = stream_write(s, s->sent, buf, len);
		if ((n = sess_put(s, buf, len)) == -1) {
			if (errno != EAGAIN)
				err(1, "send");
			sess_want(s, s->wire != NULL ? wire_wants(s->wire) :
			    EPOLLIN | EPOLLOUT);
			return false;
		}
		s->sent += (uint64_t)n;
	}
	sess_want(s, EPOLLIN);
	return true;
}

/* Receives and checks an echo; true when it is whole. */
static bool
sess_receive(struct sess *s)
{
	static char good[CHUNK];
	ssize_t n;

	n = sess_get(s, room, sizeof(room));
	if (n == -1 && errno == EAGAIN)
		return false;
	if (n == -1)
		err(1, "receive");
	if (n == 0)
		errx(1, "the end came early");
	if (s->got + (uint64_t)n > s->size)
		errx(1, "more came back than was sent");
	stream_write(s, s->got, good, (size_t)n);
	if (memcmp(room, good, (size_t)n) != 0)
		errx(1, "other bytes came back");
	s->got += (uint64_t)n;
	bytes += (uint64_t)n;
	return s->got == s->size;
}

static ssize_t
sess_put(struct sess *s, const void *buf, size_t len)
{
	return s->wire != NULL ? wire_write(s->wire, buf, len) :
	    send(s->fd, buf, len, 0);
}

static ssize_t
sess_get(struct sess *s, void *buf, size_t len)
{
	return s->wire != NULL ? wire_read(s->wire, buf, len) :
	    recv(s->fd, buf, len, 0);
}

static void
sess_close(struct sess *s)
{
	if (s->wire != NULL)
		wire_end(s->wire);
	if (close(s->fd) == -1)
		err(1, "close");
}

static void
sess_want(struct sess *s, uint32_t what)
{
	struct epoll_event ev = { .events = what, .data.ptr = s };

	if (s->want == what)
		return;
	if (epoll_ctl(ep, s->want == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, s->fd,
	    &ev) == -1)
		err(1, "epoll_ctl");
	s->want = what;
}

/* Waits for events and serves them. */
static void
turn(void)
{
	struct epoll_event ev[EVENTS];
	struct sess *s;
	int i, n;

	n = epoll_wait(ep, ev, EVENTS, -1);
	for (i = 0; i < n; i++) {
		s = ev[i].data.ptr;
		s->event(s, ev[i].events);
	}
}

/* Has a line (or the end) arrived on standard input? Looked for by turn(). */
static bool
told(void)
{
	static bool watched, regular;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &input };

	if (!watched) {
		watched = true;
		input.fd = STDIN_FILENO;
		/* A file, or /dev/null, has always something to say. */
		regular = epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO,
		    &ev) == -1;
	}
	if (!stop && !regular)
		return false;
	stop = false;
	return true;
}

static void
told_event(struct sess *s, uint32_t what)
{
	char c = '\0';
	ssize_t n;

	(void)what;
	while ((n = read(s->fd, &c, 1)) == 1 && c != '\n')
		;
	stop = true;
}

static void
address_parse(struct sockaddr_in *a, const char *address, const char *port)
{
	uint64_t n;

	number(port, &n);
	a->sin_family = AF_INET;
	a->sin_port = htons((uint16_t)n);
	if (n > 65535 || inet_pton(AF_INET, address, &a->sin_addr) != 1)
		usage();
}

static void
number(const char *text, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		errx(2, "%s is no number", text);
}

/* --- the bytes --- */

static void
header_write(const struct sess *s, char *p)
{
	uint32_t seed = htobe32(s->seed);
	uint64_t n = htobe64(s->size);

	p[0] = s->op;
	memcpy(p + 1, &seed, sizeof(seed));
	memcpy(p + 5, &n, sizeof(n));
}

/* What a client says from byte off on: of an echo, the op and then the
 * pattern; of d and u, the header. Returns how much of len was written. */
static size_t
stream_write(const struct sess *s, uint64_t off, char *p, size_t len)
{
	char head[HEADER];

	if (s->op != 'e') {
		header_write(s, head);
		memcpy(p, head + off, len);
		return len;
	}
	memcpy(p, pattern_at(s->seed, off), len);
	if (off == 0)
		p[0] = s->op;
	return len;
}

static void
pattern_make(void)
{
	uint64_t x = 88172645463325252ULL;
	size_t i;

	for (i = 0; i < PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = (char)(x >> 32);
	}
	/* Again, so that CHUNK bytes may begin anywhere. */
	for (; i < sizeof(pattern); i++)
		pattern[i] = pattern[i - PERIOD];
}

static const char *
pattern_at(uint32_t seed, uint64_t off)
{
	return pattern + (seed + off) % PERIOD;
}

static void
pattern_check(const struct sess *s, uint64_t off, const char *p, size_t len)
{
	if (memcmp(p, pattern_at(s->seed, off), len) != 0)
		errx(1, "other bytes came, at %llu or soon after",
		    (unsigned long long)off);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
too_late(int signo)
{
	static const char text[] = "load: no end within the time limit\n";

	(void)signo;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) == -1)
		_exit(2);
	_exit(1);
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: load backend [-n count] [-x 1] address port\n"
	    "       load short|ping|down|up|stall|slow [-b sources] "
	    "[-c concurrent]\n"
	    "           [-i idle] [-k KiB/s] [-m MiB] [-n total] [-p ports] "
	    "[-r resume]\n"
	    "           [-s bytes] [-t tls] [-x 1] address port\n");
	exit(2);
}
