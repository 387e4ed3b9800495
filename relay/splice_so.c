/*
 * splice_so.c - zero copy by SO_SPLICE: FreeBSD 14.2 and later, OpenBSD; see
 * setsockopt(2) there.
 *
 * The kernel moves what arrives at a source socket to a drain socket until
 * the source has come to its end, either of them fails, or somebody says
 * stop. While it does, the source is never readable; that it becomes readable
 * is how one hears of the end. What is then in its buffer, the end of the
 * file included, is for an ordinary read(2).
 */
#include "compat.h"

#include "splice.h"

struct splicer {
	uint64_t	told;	/* of what was moved */
	bool		fresh;	/* nobody has asked yet */
	bool		over;	/* stopped: the count is final */
};

static int	 error_of(int);
static bool	 connected(int);
static void	 stop(struct splicer *, int);

bool
splice_works(void)
{
	static bool asked, works;
	int64_t n;
	socklen_t len = sizeof(n);
	int fd;

	if (asked)
		return works;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 && errno == EAFNOSUPPORT)
		fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	asked = true;
	works = getsockopt(fd, SOL_SOCKET, SO_SPLICE, &n, &len) == 0;
	close(fd);
	return works;
}

bool
splice_by_itself(void)
{
	return true;
}

/* It takes no descriptors. */
void
splice_limit(unsigned most)
{
	(void)most;
}

struct splicer *
splice_get(int from, int to)
{
	struct splice how;
	struct splicer *p;
	int saved;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	memset(&how, 0, sizeof(how));	/* no most, and no idle time */
	how.sp_fd = to;
	if (setsockopt(from, SOL_SOCKET, SO_SPLICE, &how,
	    sizeof(how)) == -1) {
		saved = errno;
		free(p);
		errno = saved;
		return NULL;
	}
	p->fresh = true;
	return p;
}

static void
stop(struct splicer *p, int from)
{
	struct splice how;

	memset(&how, 0, sizeof(how));
	how.sp_fd = -1;
	/* An error says that it had stopped by itself. */
	if (!p->over && from != -1)
		setsockopt(from, SOL_SOCKET, SO_SPLICE, &how, sizeof(how));
	p->over = true;
}

uint64_t
splice_put(struct splicer **pp, int from)
{
	struct splicer *p = *pp;
	uint64_t n;

	if (p == NULL)
		return 0;
	*pp = NULL;
	stop(p, from);
	n = splice_moved(p, from);
	free(p);
	return n;
}

size_t
splice_len(const struct splicer *p)
{
	(void)p;
	return 0;
}

uint64_t
splice_moved(struct splicer *p, int from)
{
	int64_t all = 0;
	uint64_t n;
	socklen_t len = sizeof(all);

	/* The source keeps its count until it is spliced anew. */
	if (getsockopt(from, SOL_SOCKET, SO_SPLICE, &all, &len) == -1 ||
	    len != sizeof(all) || all < 0 || (uint64_t)all <= p->told)
		return 0;
	n = (uint64_t)all - p->told;
	p->told = (uint64_t)all;
	return n;
}

static int
error_of(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		return 0;
	return err;
}

/* Not since it was reset, or its time was over. */
static bool
connected(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getpeername(fd, (struct sockaddr *)&ss, &len) == 0;
}

/*
 * Called when the source has become readable: splicing has ended, most likely.
 * No system tells whether, so it is ended; after an event of the time before
 * it has to begin again. An error of the drain is found at the source, too,
 * and is taken away there, lest a read takes it for one of the source.
 */
ssize_t
splice_in(struct splicer *p, int from, int to, size_t max)
{
	uint64_t n;
	int err;

	(void)max;
	if (p->fresh) {
		p->fresh = false;
		errno = EAGAIN;
		return -1;
	}
	stop(p, from);
	if ((n = splice_moved(p, from)) != 0)
		return (ssize_t)n;
	err = error_of(from);
	if (err == 0)
		errno = ECANCELED;
	else if (connected(from) && (err == EPIPE || !connected(to)))
		errno = EPIPE;
	else
		errno = err == EPIPE ? ECONNRESET : err;
	return -1;
}

ssize_t
splice_out(struct splicer *p, int to)
{
	(void)p;
	(void)to;
	errno = EINVAL;
	return -1;
}
