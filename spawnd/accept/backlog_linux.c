/*
 * backlog_linux.c - how many connections wait at a listener: tcp(7) says it of
 * a listening socket where it tells of unacknowledged segments otherwise. To
 * accept(2) in vain costs about ten times as much as to ask, as it makes a
 * socket and a file first.
 */
#include "compat.h"

#include <sys/stat.h>

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "accept/backlog.h"

struct diag_request {
	struct nlmsghdr		 head;
	struct unix_diag_req	 unix_;
};

union diag_answer {
	struct nlmsghdr		 head;
	char			 bytes[1024];
};

static bool	 backlog_info(int, struct tcp_info *, size_t);
static int	 diag_ask(int, uint32_t);
static int	 diag_read(const union diag_answer *, size_t);
static int	 diag_attribute(const struct nlmsghdr *);

int
backlog_waiting(int fd)
{
	struct tcp_info info;

	if (!backlog_info(fd, &info, offsetof(struct tcp_info, tcpi_sacked)) ||
	    info.tcpi_state != TCP_LISTEN || info.tcpi_unacked > INT32_MAX)
		return BACKLOG_UNKNOWN;
	return (int)info.tcpi_unacked;
}

/*
 * A connection that nothing was sent to counts from its handshake on, or from
 * the first bytes if it was deferred until those, whatever has come since.
 */
uint32_t
backlog_waited(int fd)
{
	struct tcp_info info;

	if (!backlog_info(fd, &info,
	    offsetof(struct tcp_info, tcpi_last_ack_sent)))
		return 0;
	return info.tcpi_last_data_sent;
}

/* False if there is none, or less of it than to the offset end. */
static bool
backlog_info(int fd, struct tcp_info *info, size_t end)
{
	socklen_t len = sizeof(*info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0 &&
	    len >= end;
}

/* unix(7) has no such option; sock_diag(7) knows. */
int
backlog_count(int fd)
{
	const int n = backlog_waiting(fd);
	struct stat st;
	int diag, found;

	if (n != BACKLOG_UNKNOWN || fstat(fd, &st) == -1 ||
	    (diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_SOCK_DIAG)) == -1)
		return n;
	found = diag_ask(diag, (uint32_t)st.st_ino);
	close(diag);
	return found;
}

/* The answer is there when send(2) returns. */
static int
diag_ask(int diag, uint32_t inode)
{
	const struct diag_request request = {
		.head = { .nlmsg_len = sizeof(request),
		    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		    .nlmsg_flags = NLM_F_REQUEST },
		.unix_ = { .sdiag_family = AF_UNIX,
		    .udiag_states = UINT32_MAX, .udiag_ino = inode,
		    .udiag_show = UDIAG_SHOW_RQLEN,
		    .udiag_cookie = { UINT32_MAX, UINT32_MAX } }
	};
	union diag_answer answer;
	ssize_t n;

	if (send(diag, &request, sizeof(request), 0) == -1 ||
	    (n = recv(diag, &answer, sizeof(answer), 0)) == -1)
		return BACKLOG_UNKNOWN;
	return diag_read(&answer, (size_t)n);
}

static int
diag_read(const union diag_answer *answer, size_t len)
{
	if (!NLMSG_OK(&answer->head, len) ||
	    answer->head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    answer->head.nlmsg_len <
	    NLMSG_SPACE(sizeof(struct unix_diag_msg)))
		return BACKLOG_UNKNOWN;
	return diag_attribute(&answer->head);
}

static int
diag_attribute(const struct nlmsghdr *head)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(head);
	const struct rtattr *a = (const struct rtattr *)(msg + 1);
	size_t left = head->nlmsg_len - NLMSG_SPACE(sizeof(*msg));
	struct unix_diag_rqlen queue;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == UNIX_DIAG_RQLEN &&
		    RTA_PAYLOAD(a) >= sizeof(queue)) {
			memcpy(&queue, RTA_DATA(a), sizeof(queue));
			return (int)MIN(queue.udiag_rqueue, INT32_MAX);
		}
	return BACKLOG_UNKNOWN;
}

/* A filter of packets, which start with the header of TCP: no SYN. What it
 * accepts meanwhile inherits the filter, which harms no connection. */
void
backlog_shut(int fd)
{
	struct sock_filter no_syn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),		/* the flags */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)
	};
	const struct sock_fprog program = { nitems_of(no_syn), no_syn };

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
}
