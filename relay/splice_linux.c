#include "compat.h"

#include <fcntl.h>

#include "splice.h"

#define PIPE_SIZE	(256 * 1024)	/* what an unprivileged user may have
					   many of; see pipe(7) */
#define SPARE_MAX	16		/* idle pipes kept */

struct splicer {
	SLIST_ENTRY(splicer) entry;
	int			 in, out;	/* write and read end */
	size_t			 size;
	size_t			 len;
};

static SLIST_HEAD(, splicer)	 spare = SLIST_HEAD_INITIALIZER(spare);
static unsigned			 nspare;
static unsigned			 npipes, most;	/* all there are, may be */

bool
splice_works(void)
{
	return true;
}

bool
splice_by_itself(void)
{
	return false;
}

void
splice_limit(unsigned pipes)
{
	most = pipes;
}

struct splicer *
splice_get(int from, int to)
{
	struct splicer *p;
	int fd[2], size, saved;

	(void)from;
	(void)to;
	if ((p = SLIST_FIRST(&spare)) != NULL) {
		SLIST_REMOVE_HEAD(&spare, entry);
		nspare--;
		return p;
	}
	if (npipes >= most) {
		errno = EMFILE;
		return NULL;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) == -1) {
		saved = errno;
		free(p);
		errno = saved;
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

uint64_t
splice_put(struct splicer **pp, int from)
{
	struct splicer *p = *pp;

	(void)from;
	if (p == NULL)
		return 0;
	*pp = NULL;
	if (p->len == 0 && nspare < SPARE_MAX) {
		SLIST_INSERT_HEAD(&spare, p, entry);
		nspare++;
		return 0;
	}
	npipes--;
	close(p->in);
	close(p->out);
	free(p);
	return 0;
}

size_t
splice_len(const struct splicer *p)
{
	return p == NULL ? 0 : p->len;
}

uint64_t
splice_moved(struct splicer *p, int from)
{
	(void)p;
	(void)from;
	return 0;
}

ssize_t
splice_in(struct splicer *p, int from, int to, size_t max)
{
	ssize_t n = splice(from, NULL, p->in, NULL, MIN(p->size, max),
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	(void)to;
	if (n > 0)
		p->len += (size_t)n;
	return n;
}

ssize_t
splice_out(struct splicer *p, int to)
{
	ssize_t n = splice(p->out, NULL, to, NULL, p->len,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0)
		p->len -= (size_t)n;
	return n;
}
