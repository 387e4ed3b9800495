/*
 * ipc.h - packets of proto.h over a SOCK_SEQPACKET pair.
 */
#ifndef IPC_H
#define IPC_H

#include "proto.h"

struct ipc_msg {
	enum proto_type	 type;
	unsigned	 count;			/* items, at least 1 */
	union {
		struct proto_conn	conn[PROTO_BATCH];
		struct proto_drain	drain;
		struct proto_ready	ready;
		struct proto_leave	leave;
		struct proto_wake	wake;
		struct proto_queue	queue;
		struct proto_lease	lease;
		struct proto_log	log;
		struct proto_writer	writer[PROTO_BATCH];
		struct proto_ended	ended;
		struct proto_file	file;
		struct proto_open	open;
		struct proto_keys	keys;
		struct proto_auth	auth[PROTO_BATCH];
		struct proto_named	named;
		struct proto_verdict	verdict;
		struct proto_set	set;
		struct proto_set_done	set_done;
		struct proto_check	check;
		struct proto_uncheck	uncheck;
		struct proto_list	list;
		struct proto_trace	trace;
		struct proto_event	event;
		struct proto_record	record;
		struct proto_dump	dump;
		struct proto_level	level;
		struct proto_visit	visit;
		struct proto_look	look;
		struct proto_seen	seen;
	};
	int		 fds[PROTO_BATCH];	/* those of each item, or -1 */
};

/* A pair for one channel, both ends non-blocking and close-on-exec. Returns
 * 0, or -1 with errno. */
int		 ipc_pair(int sv[2]);

/*
 * Sends count items of a type with their descriptors (fds: as many an item as
 * the type carries, or NULL). The descriptors stay the caller's.
 * Returns 0, or -1 with errno: EAGAIN the channel is full, EPIPE or
 * ECONNRESET the other side is gone, EPROTO the channel is of no use any more
 * (packet.h), ETOOMANYREFS, ENOBUFS, ENOMEM.
 */
int		 ipc_send(int fd, enum proto_type, const void *items,
		    unsigned count, const int *fds);

/*
 * Receives one packet sent in direction dir. Returns 1 with *msg filled (its
 * descriptors are then the caller's, close-on-exec; one that did not fit into
 * this process's table is -1), 0 at the end of file, or -1 with errno: EAGAIN
 * nothing there, EMSGSIZE descriptors did not fit and the system has dropped
 * the packet (FreeBSD), EPROTO a packet that is not in the contract (what
 * came with it has been closed).
 */
int		 ipc_recv(int fd, enum proto_dir, struct ipc_msg *);

/*
 * Against descriptors that nobody has asked for: the close of the last one of
 * a file waits for as long as its owner likes (SO_LINGER), and the kernel does
 * it in the process that receives it, also if that has no room for it.
 */

#define IPC_FDS_MOST	253	/* in one message (Linux) */

/* From now on none can be sent to this socket, if the system can do that. */
void		 ipc_no_fds(int fd);
/* Closes one that came, without waiting for what it has not sent. */
void		 ipc_close(int fd);
/* The same for all that came with a message. */
void		 ipc_close_all(struct msghdr *);

const char	*ipc_name(enum proto_type);

#endif
