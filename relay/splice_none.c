#include "compat.h"

#include "splice.h"

bool
splice_works(void)
{
	return false;
}

bool
splice_by_itself(void)
{
	return false;
}

void
splice_limit(unsigned most)
{
	(void)most;
}

struct splicer *
splice_get(int from, int to)
{
	(void)from;
	(void)to;
	errno = ENOSYS;
	return NULL;
}

uint64_t
splice_put(struct splicer **pp, int from)
{
	(void)from;
	*pp = NULL;
	return 0;
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
	(void)p;
	(void)from;
	return 0;
}

ssize_t
splice_in(struct splicer *p, int from, int to, size_t max)
{
	(void)max;
	(void)p;
	(void)from;
	(void)to;
	errno = EINVAL;
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
