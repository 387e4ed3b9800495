/*
 * peer.c - the ends of a relay in tests where Python would be too slow.
 *
 *	peer echo host port [host port ...]
 *	peer load [-b spread] [-c concurrent] [-m min] [-M max] [-n total]
 *	    [-r rate] [-s seed] [-w milliseconds] host port
 *
 * host is a numeric address, or "unix" with a path for the port.
 * echo sends back what it gets, and ends a session when its client has.
 * It prints the ports bound, then serves until its standard input ends.
 * load makes sessions that send min to max pseudo-random bytes and check the
 * echo byte for byte; total 0 goes on until the standard input ends, and on
 * until as many have gone well as was written there, but no longer than -w
 * says. It prints one JSON object. Every second session ends with a half-close
 * and waits for the end of the echo, the others close after the last byte.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK		16384
#define EVENTS		256
#define FAULTS		32

struct address {
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
		struct sockaddr_un	un;
	};
	socklen_t len;
};

struct echo {
	int	 fd;
	bool	 listens, eof;
	size_t	 from, to;
	char	 buf[];
};

struct session {
	int		 fd;		/* -1: a free slot */
	uint64_t	 id;
	uint64_t	 started;
	size_t		 want, sent, got;
	bool		 connected, half;
	bool		 shut;
};

struct fault {
	char		 what[48];
	uint64_t	 n;
};

static int		 ep;
static uint64_t		 seed = 1, next_id, ok, failed, bytes, slowest;
static unsigned		 concurrent = 16, rate, spread;
static uint64_t		 total, least, told;
static size_t		 min_bytes = 16, max_bytes = 64;
static uint64_t		 patience = 30000;
static struct address	 target;
static struct fault	 faults[FAULTS];
static bool		 stopping;

static int	 echo_main(int, char **);
static void	 echo_accept(struct echo *);
static void	 echo_move(struct echo *);
static int	 load_main(int, char **);
static void	 load_options(int, char **);
static void	 load_run(struct session *);
static bool	 load_may_stop(void);
static unsigned	 load_start(struct session *, uint64_t);
static bool	 session_start(struct session *);
static void	 session_event(struct session *, uint32_t);
static int	 session_send(struct session *);
static void	 session_receive(struct session *);
static void	 session_end(struct session *, const char *, int);
static void	 load_report(uint64_t);
static void	 payload(uint64_t, size_t, unsigned char *, size_t);
static uint64_t	 mix(uint64_t);
static uint64_t	 now_ms(void);
static void	 address_parse(struct address *, const char *, const char *);
static bool	 input_ended(void);
static void	 usage(void);

int
main(int argc, char **argv)
{
	struct rlimit rl;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
		err(1, "epoll_create1");
	if (argc > 3 && strcmp(argv[1], "echo") == 0)
		return echo_main(argc - 2, argv + 2);
	if (argc > 3 && strcmp(argv[1], "load") == 0)
		return load_main(argc - 1, argv + 1);
	usage();
}

static int
echo_main(int argc, char **argv)
{
	struct epoll_event ev[EVENTS];
	struct address a;
	struct echo *e;
	int i, n, one = 1;

	for (; argc >= 2; argc -= 2, argv += 2) {
		address_parse(&a, argv[0], argv[1]);
		if ((e = calloc(1, sizeof(*e))) == NULL)
			err(1, NULL);
		e->listens = true;
		e->fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(e->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(e->fd, &a.sa, a.len) == -1 ||
		    listen(e->fd, 4096) == -1)
			err(1, "%s %s", argv[0], argv[1]);
		getsockname(e->fd, &a.sa, &a.len);
		printf("%d\n", a.sa.sa_family == AF_UNIX ? 0 :
		    ntohs(a.in.sin_port));
		ev[0].events = EPOLLIN;
		ev[0].data.ptr = e;
		epoll_ctl(ep, EPOLL_CTL_ADD, e->fd, &ev[0]);
	}
	fflush(stdout);
	while (!input_ended()) {
		n = epoll_wait(ep, ev, EVENTS, 100);
		for (i = 0; i < n; i++) {
			e = ev[i].data.ptr;
			if (e->listens)
				echo_accept(e);
			else
				echo_move(e);
		}
	}
	return 0;
}

static void
echo_accept(struct echo *l)
{
	struct epoll_event ev;
	struct echo *e;
	int fd, one = 1;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if ((e = calloc(1, sizeof(*e) + CHUNK)) == NULL)
			err(1, NULL);
		e->fd = fd;
		ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
		ev.data.ptr = e;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	}
}

static void
echo_move(struct echo *e)
{
	ssize_t n;

	for (;;) {
		if (e->from < e->to) {
			n = send(e->fd, e->buf + e->from, e->to - e->from, 0);
			if (n == -1 && errno == EAGAIN)
				return;
			if (n == -1)
				break;
			e->from += (size_t)n;
			continue;
		}
		if (e->eof)
			break;
		n = recv(e->fd, e->buf, CHUNK, 0);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1)
			break;
		e->eof = n == 0;
		e->from = 0;
		e->to = (size_t)n;
	}
	close(e->fd);
	free(e);
}

static int
load_main(int argc, char **argv)
{
	struct session *sess;
	uint64_t t = now_ms();
	unsigned i;

	load_options(argc, argv);
	if ((sess = calloc(concurrent, sizeof(*sess))) == NULL)
		err(1, NULL);
	for (i = 0; i < concurrent; i++)
		sess[i].fd = -1;
	load_run(sess);
	free(sess);
	load_report(now_ms() - t);
	return 0;
}

static void
load_options(int argc, char **argv)
{
	int ch;

	while ((ch = getopt(argc, argv, "b:c:m:M:n:r:s:w:")) != -1) {
		switch (ch) {
		case 'b': spread = (unsigned)strtoul(optarg, NULL, 0); break;
		case 'c':
			concurrent = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'm': min_bytes = strtoul(optarg, NULL, 0); break;
		case 'M': max_bytes = strtoul(optarg, NULL, 0); break;
		case 'n': total = strtoull(optarg, NULL, 0); break;
		case 'r': rate = (unsigned)strtoul(optarg, NULL, 0); break;
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'w': patience = strtoull(optarg, NULL, 0); break;
		default: usage();
		}
	}
	if (argc - optind != 2 || min_bytes < 1 || max_bytes < min_bytes)
		usage();
	address_parse(&target, argv[optind], argv[optind + 1]);
}

static void
load_run(struct session *sess)
{
	struct epoll_event ev[EVENTS];
	uint64_t begun = now_ms(), t, checked = begun;
	unsigned active = 0, i;
	int n;

	do {
		if (!stopping && total == 0)
			stopping = load_may_stop();
		active = load_start(sess, now_ms() - begun);
		n = epoll_wait(ep, ev, EVENTS, rate ? 1 : 10);
		while (n-- > 0)
			session_event(ev[n].data.ptr, ev[n].events);
		if ((t = now_ms()) < checked + 100)
			continue;
		checked = t;
		for (i = 0; i < concurrent; i++)
			if (sess[i].fd != -1 && t - sess[i].started > patience)
				session_end(&sess[i], sess[i].connected ?
				    "timeout" : "connect-timeout", 0);
	} while (active > 0 || !stopping);
}

/* Has it been told to stop, and served as many as it was told? */
static bool
load_may_stop(void)
{
	ssize_t n;
	char c;

	while ((n = read(STDIN_FILENO, &c, 1)) == 1)
		if (c >= '0' && c <= '9')
			least = least * 10 + (uint64_t)(c - '0');
	if (n == 0 && told == 0)
		told = now_ms();
	return told != 0 && (ok >= least || now_ms() - told > patience);
}

/* Fills free slots as far as the total and the rate allow; returns how many
 * sessions are open. */
static unsigned
load_start(struct session *sess, uint64_t elapsed)
{
	unsigned i, active = 0;

	for (i = 0; i < concurrent; i++) {
		if (total != 0 && next_id >= total)
			stopping = true;
		if (sess[i].fd == -1 && !stopping &&
		    (rate == 0 || next_id < rate * elapsed / 1000))
			session_start(&sess[i]);
		if (sess[i].fd != -1)
			active++;
	}
	return active;
}

static bool
session_start(struct session *s)
{
	struct epoll_event ev;
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1;

	*s = (struct session){ .fd = -1, .id = next_id++ };
	s->want = min_bytes + mix(seed ^ s->id) % (max_bytes - min_bytes + 1);
	s->half = s->id & 1;
	s->started = now_ms();
	s->fd = socket(target.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (s->fd == -1) {
		session_end(s, "socket", errno);
		return false;
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (spread != 0) {
		from.sin_addr.s_addr = htonl(0x7f000101 +
		    (uint32_t)(s->id % spread));
		setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		    sizeof(one));
		if (bind(s->fd, (struct sockaddr *)&from, sizeof(from)) == -1)
			err(1, "bind");
	}
	if (connect(s->fd, &target.sa, target.len) == -1 &&
	    errno != EINPROGRESS) {
		session_end(s, "connect", errno);
		return false;
	}
	ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	ev.data.ptr = s;
	epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev);
	return true;
}

static void
session_event(struct session *s, uint32_t what)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (s->fd == -1)
		return;
	if (!s->connected) {
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			session_end(s, "connect", error);
			return;
		}
		if (!(what & EPOLLOUT))
			return;
		s->connected = true;
	}
	if (session_send(s) == 0)
		session_receive(s);
}

static int
session_send(struct session *s)
{
	unsigned char buf[CHUNK];
	size_t len;
	ssize_t n;

	while (s->sent < s->want) {
		len = 1 + mix(seed + s->id * 31 + s->sent) % CHUNK;
		if (len > s->want - s->sent)
			len = s->want - s->sent;
		payload(s->id, s->sent, buf, len);
		if ((n = send(s->fd, buf, len, 0)) == -1) {
			if (errno == EAGAIN)
				return 0;
			session_end(s, "send", errno);
			return -1;
		}
		s->sent += (size_t)n;
	}
	if (s->half && !s->shut) {
		s->shut = true;
		if (shutdown(s->fd, SHUT_WR) == -1) {
			session_end(s, "shutdown", errno);
			return -1;
		}
	}
	return 0;
}

static void
session_receive(struct session *s)
{
	unsigned char buf[CHUNK], good[CHUNK];
	ssize_t n;

	for (;;) {
		if ((n = recv(s->fd, buf, sizeof(buf), 0)) == -1) {
			if (errno != EAGAIN)
				session_end(s, "receive", errno);
			return;
		}
		if (n == 0) {
			session_end(s, s->got == s->want ? NULL : "short", 0);
			return;
		}
		payload(s->id, s->got, good, (size_t)n);
		if (s->got + (size_t)n > s->want ||
		    memcmp(buf, good, (size_t)n) != 0) {
			session_end(s, "differs", 0);
			return;
		}
		s->got += (size_t)n;
		if (s->got == s->want && !s->half) {
			session_end(s, NULL, 0);
			return;
		}
	}
}

static void
session_end(struct session *s, const char *why, int error)
{
	char what[48];
	unsigned i;

	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	if (now_ms() - s->started > slowest)
		slowest = now_ms() - s->started;
	bytes += s->got;
	if (why == NULL) {
		ok++;
		return;
	}
	failed++;
	snprintf(what, sizeof(what), "%s%s%s", why, error ? " " : "",
	    error ? strerrorname_np(error) : "");
	for (i = 0; i < FAULTS - 1; i++)
		if (faults[i].n == 0 || strcmp(faults[i].what, what) == 0)
			break;
	memcpy(faults[i].what, what, sizeof(what));
	faults[i].n++;
}

static void
load_report(uint64_t ms)
{
	unsigned i;

	printf("{\"seed\": %llu, \"ok\": %llu, \"failed\": %llu, "
	    "\"bytes\": %llu, \"ms\": %llu, \"slowest_ms\": %llu, "
	    "\"faults\": {", (unsigned long long)seed,
	    (unsigned long long)ok, (unsigned long long)failed,
	    (unsigned long long)bytes, (unsigned long long)ms,
	    (unsigned long long)slowest);
	for (i = 0; i < FAULTS && faults[i].n != 0; i++)
		printf("%s\"%s\": %llu", i ? ", " : "", faults[i].what,
		    (unsigned long long)faults[i].n);
	printf("}}\n");
}

/* The bytes off.. of session id: any part can be made without the rest. */
static void
payload(uint64_t id, size_t off, unsigned char *p, size_t len)
{
	uint64_t word = 0;
	size_t i;

	for (i = 0; i < len; i++, off++) {
		if (i == 0 || (off & 7) == 0)
			word = mix(seed + mix(id) + (off >> 3));
		p[i] = (unsigned char)(word >> (off & 7) * 8);
	}
}

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
address_parse(struct address *a, const char *host, const char *port)
{
	memset(a, 0, sizeof(*a));
	if (strcmp(host, "unix") == 0) {
		a->un.sun_family = AF_UNIX;
		snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%s", port);
		a->len = sizeof(a->un);
	} else if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons((uint16_t)atoi(port));
		a->len = sizeof(a->in);
	} else if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)atoi(port));
		a->len = sizeof(a->in6);
	} else
		errx(2, "%s is no address", host);
}

static bool
input_ended(void)
{
	char c;

	return read(STDIN_FILENO, &c, 1) == 0;
}

static void
usage(void)
{
	fprintf(stderr, "usage: peer echo host port [host port ...]\n"
	    "       peer load [-b spread] [-c concurrent] [-m min] [-M max] "
	    "[-n total]\n"
	    "           [-r rate] [-s seed] [-w milliseconds] host port\n");
	exit(2);
}
