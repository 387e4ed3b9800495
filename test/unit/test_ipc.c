/*
 * test_ipc.c - the packets between master and worker: what is in the
 * contract comes through whole, all else is EPROTO and leaves nothing open.
 */
#include "evtest.h"

#include <netinet/in.h>
#include <time.h>

#include "ipc.h"

#define TOO_MANY	20	/* descriptors; more than PROTO_BATCH */

static int	 sv[2];		/* 0 is the master's end, 1 the worker's */
static int	 fds_before;
static struct ipc_msg msg;

static int
setup(void **state)
{
	(void)state;
	fds_before = count_fds();
	memset(&msg, 0xa5, sizeof(msg));
	return ipc_pair(sv);
}

/* Whatever was sent or refused, no descriptor may be left. */
static int
teardown(void **state)
{
	(void)state;
	close(sv[0]);
	close(sv[1]);
	return count_fds() == fds_before ? 0 : -1;
}

/* A packet as nobody but a test would send it, with a descriptor so often. */
static void
send_with(int fd, unsigned type, unsigned count, size_t len, int nfds, int it)
{
	struct proto_hdr hdr = { (uint16_t)type, (uint16_t)count };
	static char body[2 * PROTO_MAX];
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int) * TOO_MANY)];
	} ctl;
	struct iovec iov[2] = { { &hdr, MIN(len, sizeof(hdr)) },
	    { body, len > sizeof(hdr) ? len - sizeof(hdr) : 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct cmsghdr *c;
	int i;

	if (nfds != 0) {
		memset(&ctl, 0, sizeof(ctl));
		m.msg_control = ctl.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
		for (i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &it,
			    sizeof(it));
	}
	assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), len);
	close(it);
}

static void
send_raw(int fd, unsigned type, unsigned count, size_t len, int nfds)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_not_equal(null, -1);
	send_with(fd, type, count, len, nfds, null);
}

static size_t
packet(size_t item, unsigned count)
{
	return sizeof(struct proto_hdr) + item * count;
}

static void
refused(int fd, enum proto_dir dir)
{
	int before = count_fds();

	errno = 0;
	assert_int_equal(ipc_recv(fd, dir, &msg), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(count_fds(), before);
}

static void
test_pair(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_true(fcntl(sv[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(sv[i], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(ipc_recv(sv[i], i == 0 ? PROTO_UP :
		    PROTO_DOWN, &msg), -1);
		assert_int_equal(errno, EAGAIN);
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(ipc_name(MSG_CONN), "CONN");
	assert_string_equal(ipc_name(MSG_WAKE), "WAKE");
	assert_string_equal(ipc_name((enum proto_type)0), "?");
	assert_string_equal(ipc_name((enum proto_type)99), "?");
}

static void
test_every_type(void **state)
{
	const struct proto_drain drain = { 7 };
	const struct proto_ready ready = { PROTO_VERSION, 4711 };
	const struct proto_leave leave = { LEAVE_SIGNAL };
	const struct proto_wake wake = { 3 };

	(void)state;
	assert_int_equal(ipc_send(sv[0], MSG_DRAIN, &drain, 1, NULL), 0);
	assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg), 1);
	assert_int_equal(msg.type, MSG_DRAIN);
	assert_int_equal(msg.count, 1);
	assert_memory_equal(&msg.drain, &drain, sizeof(drain));
	assert_int_equal(ipc_send(sv[1], MSG_READY, &ready, 1, NULL), 0);
	assert_int_equal(ipc_send(sv[1], MSG_LEAVE, &leave, 1, NULL), 0);
	assert_int_equal(ipc_send(sv[1], MSG_WAKE, &wake, 1, NULL), 0);
	/* One packet a call, in order. */
	assert_int_equal(ipc_recv(sv[0], PROTO_UP, &msg), 1);
	assert_int_equal(msg.type, MSG_READY);
	assert_int_equal(msg.ready.pid, 4711);
	assert_int_equal(ipc_recv(sv[0], PROTO_UP, &msg), 1);
	assert_int_equal(msg.type, MSG_LEAVE);
	assert_int_equal(msg.leave.why, LEAVE_SIGNAL);
	assert_int_equal(ipc_recv(sv[0], PROTO_UP, &msg), 1);
	assert_int_equal(msg.type, MSG_WAKE);
	assert_int_equal(msg.fds[0], -1);
}

/* n pipes' write ends as sessions; the read ends tell who is who. */
static void
test_batch(void **state)
{
	struct proto_conn out[PROTO_BATCH];
	int p[PROTO_BATCH][2], w[PROTO_BATCH];
	unsigned i, n;
	char c;

	(void)state;
	memset(out, 0, sizeof(out));
	for (n = 1; n <= PROTO_BATCH; n++) {
		for (i = 0; i < n; i++) {
			assert_int_equal(pipe(p[i]), 0);
			w[i] = p[i][1];
			out[i].listener = 100 + i;
			out[i].accepted_us = n;
		}
		assert_int_equal(ipc_send(sv[0], MSG_CONN, out, n, w), 0);
		for (i = 0; i < n; i++)
			close(p[i][1]);
		assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg), 1);
		assert_int_equal(msg.type, MSG_CONN);
		assert_int_equal(msg.count, n);
		assert_memory_equal(msg.conn, out, n * sizeof(out[0]));
		for (i = 0; i < n; i++) {
			assert_true(fcntl(msg.fds[i], F_GETFD) & FD_CLOEXEC);
			c = (char)i;
			assert_int_equal(write(msg.fds[i], &c, 1), 1);
			c = -1;
			assert_int_equal(read(p[i][0], &c, 1), 1);
			assert_int_equal(c, i);
			close(msg.fds[i]);
			close(p[i][0]);
		}
	}
}

static void
test_wrong_direction(void **state)
{
	(void)state;
	send_raw(sv[1], MSG_READY, 1, packet(sizeof(struct proto_ready), 1),
	    0);
	refused(sv[0], PROTO_DOWN);
	send_raw(sv[0], MSG_CONN, 1, packet(sizeof(struct proto_conn), 1), 1);
	refused(sv[1], PROTO_UP);
	send_raw(sv[0], MSG_DRAIN, 1, packet(sizeof(struct proto_drain), 1),
	    0);
	refused(sv[1], PROTO_UP);
}

static void
test_unknown_type(void **state)
{
	static const unsigned bad[] = { 0, 9, 99, 0xffff };
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(bad); i++) {
		send_raw(sv[0], bad[i], 1,
		    packet(sizeof(struct proto_drain), 1), (int)i);
		refused(sv[1], PROTO_DOWN);
	}
}

static void
test_wrong_count(void **state)
{
	static const unsigned bad[] = { 0, PROTO_BATCH + 1, 0xffff };
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(bad); i++) {
		send_raw(sv[0], MSG_CONN, bad[i],
		    packet(sizeof(struct proto_conn), 1), 1);
		refused(sv[1], PROTO_DOWN);
	}
	send_raw(sv[0], MSG_CONN, 0, packet(0, 0), 0);
	refused(sv[1], PROTO_DOWN);
	send_raw(sv[0], MSG_CONN, PROTO_BATCH + 1,
	    packet(sizeof(struct proto_conn), PROTO_BATCH + 1), PROTO_BATCH);
	refused(sv[1], PROTO_DOWN);
	/* Only what carries descriptors comes in batches. */
	send_raw(sv[0], MSG_DRAIN, 2, packet(sizeof(struct proto_drain), 2),
	    0);
	refused(sv[1], PROTO_DOWN);
}

static void
test_wrong_size(void **state)
{
	const size_t size = sizeof(struct proto_conn);

	(void)state;
	send_raw(sv[0], MSG_CONN, 1, packet(size, 1) - 1, 1);
	refused(sv[1], PROTO_DOWN);
	send_raw(sv[0], MSG_CONN, 1, packet(size, 1) + 1, 1);
	refused(sv[1], PROTO_DOWN);
	send_raw(sv[0], MSG_CONN, 2, packet(size, 1), 2);
	refused(sv[1], PROTO_DOWN);
	send_raw(sv[0], MSG_CONN, 1, packet(size, 2), 1);
	refused(sv[1], PROTO_DOWN);
	send_raw(sv[0], MSG_CONN, PROTO_BATCH, PROTO_MAX + 1, PROTO_BATCH);
	refused(sv[1], PROTO_DOWN);
	send_raw(sv[0], MSG_CONN, PROTO_BATCH, PROTO_MAX + 400, PROTO_BATCH);
	refused(sv[1], PROTO_DOWN);
}

static void
test_short_header(void **state)
{
	size_t len;

	(void)state;
	for (len = 1; len <= sizeof(struct proto_hdr); len++) {
		send_raw(sv[0], MSG_DRAIN, 1, len, len == 2 ? 3 : 0);
		refused(sv[1], PROTO_DOWN);
	}
	/* No byte, but descriptors: not the end of the file. */
	send_raw(sv[0], MSG_CONN, 1, 0, 2);
	refused(sv[1], PROTO_DOWN);
}

static void
test_wrong_descriptors(void **state)
{
	const size_t conn = sizeof(struct proto_conn);
	static const struct {
		unsigned	count;
		int		nfds;
	} bad[] = { { 1, 0 }, { 1, 2 }, { 2, 1 }, { 16, 15 }, { 15, 16 },
	    { 1, 16 }, { 1, 17 }, { 3, TOO_MANY } };
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(bad); i++) {
		send_raw(sv[0], MSG_CONN, bad[i].count,
		    packet(conn, bad[i].count), bad[i].nfds);
		refused(sv[1], PROTO_DOWN);
	}
	send_raw(sv[0], MSG_DRAIN, 1, packet(sizeof(struct proto_drain), 1),
	    1);
	refused(sv[1], PROTO_DOWN);
	send_raw(sv[1], MSG_READY, 1, packet(sizeof(struct proto_ready), 1),
	    TOO_MANY);
	refused(sv[0], PROTO_UP);
}

/* A bad packet costs nothing but itself. */
static void
test_goes_on(void **state)
{
	const struct proto_drain drain = { 1 };

	(void)state;
	send_raw(sv[0], 77, 1, 8, 2);
	assert_int_equal(ipc_send(sv[0], MSG_DRAIN, &drain, 1, NULL), 0);
	refused(sv[1], PROTO_DOWN);
	assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg), 1);
	assert_int_equal(msg.type, MSG_DRAIN);
}

static void
test_full(void **state)
{
	struct proto_conn conn[PROTO_BATCH];
	int null = open("/dev/null", O_RDONLY), fds[PROTO_BATCH];
	unsigned sent = 0, got = 0, i;

	(void)state;
	memset(conn, 0, sizeof(conn));
	for (i = 0; i < PROTO_BATCH; i++)
		fds[i] = null;
	while (ipc_send(sv[0], MSG_CONN, conn, PROTO_BATCH, fds) == 0)
		sent++;
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 0);
	/* The descriptors stayed the sender's. */
	assert_int_not_equal(fcntl(null, F_GETFD), -1);
	close(null);
	while (ipc_recv(sv[1], PROTO_DOWN, &msg) == 1) {
		got++;
		for (i = 0; i < msg.count; i++)
			close(msg.fds[i]);
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(got, sent);
}

static void
test_end(void **state)
{
	const struct proto_drain drain = { 1 };
	const struct proto_wake wake = { 0 };

	(void)state;
	assert_int_equal(ipc_send(sv[0], MSG_DRAIN, &drain, 1, NULL), 0);
	close(sv[0]);
	/* What was sent before the end still comes. */
	assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg), 1);
	assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg), 0);
	assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg), 0);
	assert_int_equal(ipc_send(sv[1], MSG_WAKE, &wake, 1, NULL), -1);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	sv[0] = -1;
}

/* Closed with something unread: the other side's end all the same. */
static void
test_end_unread(void **state)
{
	const struct proto_wake wake = { 0 };

	(void)state;
	assert_int_equal(ipc_send(sv[1], MSG_WAKE, &wake, 1, NULL), 0);
	close(sv[0]);
	assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg), 0);
	sv[0] = -1;
}

/* The lowest number that is free. */
static int
first_free(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* The receiver's table has room for less than what comes. */
static void
receive_tight(unsigned count, int room)
{
	struct proto_conn conn[PROTO_BATCH];
	struct rlimit old, tight;
	int fds[PROTO_BATCH], null = open("/dev/null", O_RDONLY);
	int r, before, places = 0;
	unsigned i;

	memset(conn, 0, sizeof(conn));
	for (i = 0; i < PROTO_BATCH; i++) {
		fds[i] = null;
		conn[i].listener = i;
	}
	assert_int_equal(ipc_send(sv[0], MSG_CONN, conn, count, fds), 0);
	close(null);
	before = count_fds();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)(first_free() + room);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	r = ipc_recv(sv[1], PROTO_DOWN, &msg);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r, 1);
	assert_int_equal(msg.count, count);
	assert_memory_equal(msg.conn, conn, count * sizeof(conn[0]));
	for (i = 0; i < count; i++)
		places += msg.fds[i] != -1;
	assert_int_equal(places, room);
	assert_int_equal(count_fds(), before + room);
	for (i = 0; i < count; i++)
		if (msg.fds[i] != -1)
			close(msg.fds[i]);
}

static void
test_table_full(void **state)
{
	(void)state;
	receive_tight(1, 0);
	receive_tight(PROTO_BATCH, 0);
	receive_tight(PROTO_BATCH, 3);
	receive_tight(5, 4);
}

/* The last one of a socket whose close waits for a minute. */
static int
send_lingering(int to)
{
	const struct linger minute = { 1, 60 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0), deaf;
	static const char data[65536];

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (void *)&in, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (void *)&in, &len), 0);
	assert_int_equal(connect(fd, (void *)&in, len), 0);
	deaf = accept(listener, NULL, NULL);
	assert_int_not_equal(deaf, -1);
	close(listener);
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) != -1)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &minute,
	    sizeof(minute)), 0);
	send_with(to, MSG_READY, 1, 1, 1, fd);
	return deaf;
}

/* Or who sends it stops the one who receives it. */
static void
test_lingering_descriptor(void **state)
{
	const time_t begun = time(NULL);
	int deaf;

	(void)state;
	deaf = send_lingering(sv[1]);
	assert_int_equal(ipc_recv(sv[0], PROTO_UP, &msg), -1);
	assert_int_equal(errno, EPROTO);
	assert_true(time(NULL) - begun < 30);
	close(deaf);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pair),
		T(test_names),
		T(test_every_type),
		T(test_batch),
		T(test_wrong_direction),
		T(test_unknown_type),
		T(test_wrong_count),
		T(test_wrong_size),
		T(test_short_header),
		T(test_wrong_descriptors),
		T(test_goes_on),
		T(test_full),
		T(test_end),
		T(test_end_unread),
		T(test_table_full),
		T(test_lingering_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
