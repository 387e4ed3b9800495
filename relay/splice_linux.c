#include "compat.h"

#include <fcntl.h>

#include "splice.h"

#define PIPE_SIZE	(256 * 1024)	/* what an unprivileged user may have
					   many of; see pipe(7) */
#define POOL_MAX	16		/* idle pipes kept */

struct splice_pipe {
	SLIST_ENTRY(splice_pipe) entry;
	int			 in, out;	/* write and read end */
	size_t			 size;
	size_t			 len;
};

static SLIST_HEAD(, splice_pipe) pool = SLIST_HEAD_INITIALIZER(pool);
static unsigned			 npool;
static unsigned			 npipes, most;	/* all there are, may be */

bool
splice_works(void)
{
	return true;
}

void
splice_limit(unsigned pipes)
{
	most = pipes;
}

struct splice_pipe *
splice_get(void)
{
	struct splice_pipe *p;
	int fd[2], size;

	if ((p = SLIST_FIRST(&pool)) != NULL) {
		SLIST_REMOVE_HEAD(&pool, entry);
		npool--;
		return p;
	}
	if (npipes >= most || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) == -1) {
		free(p);
		return NULL;
	}
	npipes++;
	p->out = fd[0];
	p->in = fd[1];
	/* Refused beyond the user's quota: then it is a small one. */
	size = fcntl(p->in, F_SETPIPE_SZ, PIPE_SIZE);
	if (size == -1)
		size = fcntl(p->in, F_GETPIPE_SZ);
	p->size = size > 0 ? (size_t)size : 4096;
	return p;
}

void
splice_put(struct splice_pipe **pp)
{
	struct splice_pipe *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	if (p->len == 0 && npool < POOL_MAX) {
		SLIST_INSERT_HEAD(&pool, p, entry);
		npool++;
		return;
	}
	npipes--;
	close(p->in);
	close(p->out);
	free(p);
}

size_t
splice_len(const struct splice_pipe *p)
{
	return p == NULL ? 0 : p->len;
}

ssize_t
splice_in(struct splice_pipe *p, int fd)
{
	ssize_t n = splice(fd, NULL, p->in, NULL, p->size,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0)
		p->len += (size_t)n;
	return n;
}

ssize_t
splice_out(struct splice_pipe *p, int fd)
{
	ssize_t n = splice(p->out, NULL, fd, NULL, p->len,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0)
		p->len -= (size_t)n;
	return n;
}
