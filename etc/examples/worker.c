/*
 * worker.c - an echo server that spawnd(8) runs in place of relay(8), with a
 * thread for each session; see spawnd-worker(7).
 *
 *	cc -pthread -o /usr/local/libexec/echo worker.c
 *
 *	spawnd {
 *		listen echo { port = 7 }
 *		spawn { exec = "/usr/local/libexec/echo"  arguments = {"1000"} }
 *	}
 *
 * The argument is after how many sessions it asks to be replaced; 0 is never.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spawnd/worker.h>

static struct spawnd_slot *slot;
static const struct spawnd_board *board;
struct session { int fd; uint32_t seat; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the slot */

/* Each of these messages has one item, of two numbers at most. */
static void
tell(uint16_t type, uint32_t first, uint32_t second, size_t numbers)
{
	struct { struct spawnd_header hdr; uint32_t item[2]; } m =
	    { { type, 1 }, { first, second } };
	struct pollfd room = { SPAWND_FD_CHANNEL, POLLOUT, 0 };

	while (send(SPAWND_FD_CHANNEL, &m, sizeof(m.hdr) + 4 * numbers,
	    MSG_NOSIGNAL | MSG_EOR) == -1 && errno == EAGAIN)
		poll(&room, 1, -1);
}

static void
note(const char *text)
{
	send(SPAWND_FD_LOG, text, strlen(text), MSG_NOSIGNAL | MSG_EOR);
}

/* It is counted whether it was served or not: spawnd gives as many others. */
static void
ended(uint32_t seat, uint64_t in)
{
	pthread_mutex_lock(&lock);
	spawnd_count(&slot->bytes_in, in);
	spawnd_count(&slot->bytes_out, in);
	spawnd_ended(board, slot, seat);
	if (spawnd_wants_room(board))
		tell(SPAWND_WAKE, 0, 0, 1);
	if (slot->draining && slot->closed == slot->taken)
		exit(0);
	pthread_mutex_unlock(&lock);
}

static void *
serve(void *arg)
{
	const struct session s = *(struct session *)arg;
	char buf[4096];
	uint64_t all = 0;
	ssize_t n;

	free(arg);
	fcntl(s.fd, F_SETFL, 0);	/* it comes non-blocking */
	while ((n = recv(s.fd, buf, sizeof(buf), 0)) > 0 &&
	    send(s.fd, buf, (size_t)n, MSG_NOSIGNAL) == n)
		all += (uint64_t)n;
	close(s.fd);
	ended(s.seat, all);
	return NULL;
}

static void
begin(int fd, uint32_t seat)
{
	struct session *s = malloc(sizeof(*s));
	pthread_t thread;

	if (s != NULL)
		*s = (struct session){ fd, seat };
	if (s != NULL && fd != -1 &&
	    pthread_create(&thread, NULL, serve, s) == 0) {
		pthread_detach(thread);
		return;
	}
	free(s);
	note("<4>warning: no thread or descriptor for a session");
	if (fd != -1)
		close(fd);
	ended(seat, 0);
}

/* Ends with the last session; now: with all. */
static void
drain(int now)
{
	pthread_mutex_lock(&lock);
	slot->draining = 1;
	if (now || slot->closed == slot->taken)
		exit(0);
	pthread_mutex_unlock(&lock);
}

/* One packet; what is of no known type does not matter. 0: there will be no
 * more, as the master is gone. */
static int
take(void)
{
	struct spawnd_header hdr;
	union { struct spawnd_conn conn[SPAWND_BATCH];
	    struct spawnd_drain drain; } item;
	struct iovec iov[2] = { { &hdr, sizeof(hdr) }, { &item, sizeof(item) } };
	char control[CMSG_SPACE(sizeof(int) * SPAWND_BATCH)];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2,
	    .msg_control = control, .msg_controllen = sizeof(control) };
	int fds[SPAWND_BATCH], i;
	struct cmsghdr *c;
	ssize_t n = recvmsg(SPAWND_FD_CHANNEL, &msg, MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return n == -1 && (errno == EAGAIN || errno == EINTR);
	memset(fds, -1, sizeof(fds));
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (hdr.type == SPAWND_CONN) {
		pthread_mutex_lock(&lock);
		spawnd_count(&slot->taken, hdr.count);
		pthread_mutex_unlock(&lock);
		for (i = 0; i < hdr.count; i++)
			begin(fds[i], item.conn[i].seat);
		return 1;
	}
	if (hdr.type == SPAWND_LOG)
		dup2(fds[0], SPAWND_FD_LOG);
	for (i = 0; i < SPAWND_BATCH && fds[i] != -1; i++)
		close(fds[i]);
	if (hdr.type == SPAWND_DRAIN)
		drain(item.drain.cut != SPAWND_CUT_NOTHING);
	return 1;
}

int
main(int argc, char **argv)
{
	struct pollfd channel = { SPAWND_FD_CHANNEL, POLLIN, 0 };
	struct stat st;
	uint64_t most = argc == 5 ? strtoull(argv[1], NULL, 10) : 0;

	if (argc < 4 || atoi(argv[argc - 1]) != SPAWND_WORKER_VERSION) {
		fprintf(stderr, "%s is a worker of spawnd(8), version %d\n",
		    argv[0], SPAWND_WORKER_VERSION);
		return 2;
	}
	if (fstat(SPAWND_FD_SLOT, &st) == -1)
		return 1;
	slot = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, SPAWND_FD_SLOT, 0);
	board = mmap(NULL, sizeof(*board), PROT_READ, MAP_SHARED,
	    SPAWND_FD_BOARD, 0);
	if (slot == MAP_FAILED || board == MAP_FAILED)
		return 1;
	tell(SPAWND_READY, SPAWND_WORKER_VERSION, (uint32_t)getpid(), 2);
	for (;;) {
		poll(&channel, 1, -1);
		if (!take()) {
			channel.fd = -1;
			drain(0);
		}
		if (most != 0 && slot->taken >= most) {
			tell(SPAWND_LEAVE, SPAWND_LEAVE_RETIRED, 0, 1);
			most = 0;
		}
	}
}
