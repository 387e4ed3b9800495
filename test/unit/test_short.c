/*
 * test_short.c - kernels that tell, or take, less than they were asked for:
 * what is not there is not used, and half a packet is none.
 */
#include "evtest.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "accept/backlog.h"
#include "ipc.h"
#include "log.h"
#include "packet.h"
#include "sockopt.h"
#include "tcpinfo.h"

ssize_t	 __real_send(int, const void *, size_t, int);
ssize_t	 __real_sendmsg(int, const struct msghdr *, int);
ssize_t	 __wrap_send(int, const void *, size_t, int);
ssize_t	 __wrap_sendmsg(int, const struct msghdr *, int);
int	 __wrap_getsockopt(int, int, int, void *, socklen_t *);

static socklen_t	 tells;		/* bytes of an option */
static size_t		 takes;		/* bytes of a packet */
static int		 fds_before, sv[2];

/* What stands behind them is what was there before. */
int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct tcp_info info;

	(void)fd;
	(void)level;
	(void)name;
	memset(&info, 0, sizeof(info));
	info.tcpi_state = TCP_LISTEN;
	info.tcpi_unacked = 3;
	info.tcpi_last_data_sent = 5;
	info.tcpi_rtt = 7;
	*len = MIN(*len, tells);
	memcpy(value, &info, *len);
	return 0;
}

/* Records end at MSG_EOR there, and at nothing else. */
ssize_t
__wrap_send(int fd, const void *buf, size_t len, int flags)
{
	assert_true(flags & MSG_EOR);
	return __real_send(fd, buf, MIN(len, takes), flags);
}

/* With the first part go the descriptors. */
ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct iovec part[2] = { msg->msg_iov[0], msg->msg_iov[1] };
	struct msghdr m = *msg;

	assert_true(flags & MSG_EOR);
	assert_true(m.msg_iovlen == 2);
	part[0].iov_len = MIN(part[0].iov_len, takes);
	part[1].iov_len = MIN(part[1].iov_len, takes - part[0].iov_len);
	m.msg_iov = part;
	return __real_sendmsg(fd, &m, flags);
}

static int
setup(void **state)
{
	(void)state;
	fds_before = count_fds();
	tells = sizeof(struct tcp_info);
	takes = SIZE_MAX;
	return ipc_pair(sv);
}

static int
teardown(void **state)
{
	(void)state;
	close(sv[0]);
	close(sv[1]);
	return count_fds() == fds_before ? 0 : -1;
}

static void
test_connections(void **state)
{
	const size_t waiting = offsetof(struct tcp_info, tcpi_sacked);
	const size_t waited = offsetof(struct tcp_info, tcpi_last_ack_sent);
	const size_t known = offsetof(struct tcp_info, tcpi_total_retrans) + 4;
	struct tcpinfo t;

	(void)state;
	for (tells = 0; tells <= sizeof(struct tcp_info); tells++) {
		assert_int_equal(backlog_waiting(-1), tells < waiting ?
		    BACKLOG_UNKNOWN : 3);
		assert_int_equal(backlog_waited(-1), tells < waited ? 0 : 5);
		t.rtt_us = 0;
		assert_int_equal(tcpinfo_get(-1, &t), tells < known ? -1 : 0);
		assert_int_equal(t.rtt_us, tells < known ? 0 : 7);
	}
}

static void
test_numbers(void **state)
{
	int value;

	(void)state;
	for (tells = 0; tells < sizeof(value); tells++) {
		errno = 0;
		assert_int_equal(sockopt_get(-1, SOL_SOCKET, SO_TYPE, &value),
		    -1);
		assert_int_equal(errno, EPROTO);
		assert_int_equal(sockopt_error(-1), EPROTO);
	}
	assert_int_equal(sockopt_get(-1, SOL_SOCKET, SO_TYPE, &value), 0);
	assert_int_equal((uint8_t)value, TCP_LISTEN);
}

/* Whatever part of a message comes: it is none, and none of its descriptors
 * stays. */
static void
test_messages(void **state)
{
	static const struct proto_conn conns[2];
	const size_t size = sizeof(struct proto_hdr) + sizeof(conns);
	int fds[2] = { STDIN_FILENO, STDERR_FILENO };
	static struct ipc_msg msg;

	(void)state;
	for (takes = 1; takes <= size; takes++) {
		errno = 0;
		assert_int_equal(ipc_send(sv[0], MSG_CONN, conns, 2, fds),
		    takes < size ? -1 : 0);
		assert_int_equal(errno, takes < size ? EPROTO : 0);
		assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg),
		    takes < size ? -1 : 1);
		assert_int_equal(errno, takes < size ? EPROTO : 0);
	}
	assert_int_equal(msg.count, 2);
	close(msg.fds[0]);
	close(msg.fds[1]);
}

static void
test_messages_without_descriptors(void **state)
{
	const struct proto_drain drain = { .cut = 0 };
	const size_t size = sizeof(struct proto_hdr) + sizeof(drain);
	static struct ipc_msg msg;

	(void)state;
	for (takes = 1; takes <= size; takes++) {
		errno = 0;
		assert_int_equal(ipc_send(sv[0], MSG_DRAIN, &drain, 1, NULL),
		    takes < size ? -1 : 0);
		assert_int_equal(errno, takes < size ? EPROTO : 0);
		assert_int_equal(ipc_recv(sv[1], PROTO_DOWN, &msg),
		    takes < size ? -1 : 1);
	}
}

/* A line that has gone in part is lost, and counted. */
static void
test_lines(void **state)
{
	char line[256];
	ssize_t n;

	(void)state;
	log_init(sv[0]);
	takes = 5;
	log_warnx("one");
	takes = SIZE_MAX;
	log_warnx("two");
	log_init(-1);
	assert_int_equal(log_dropped(), 1);
	assert_int_equal(recv(sv[1], line, sizeof(line), 0), 5);
	n = recv(sv[1], line, sizeof(line) - 1, 0);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, "1 log lines were dropped"));
	n = recv(sv[1], line, sizeof(line) - 1, 0);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, "two"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_connections, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_messages, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_messages_without_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
