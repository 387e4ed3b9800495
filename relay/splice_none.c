#include "compat.h"

#include "splice.h"

bool
splice_works(void)
{
	return false;
}

void
splice_limit(unsigned pipes)
{
	(void)pipes;
}

struct splice_pipe *
splice_get(void)
{
	return NULL;
}

void
splice_put(struct splice_pipe **pp)
{
	*pp = NULL;
}

size_t
splice_len(const struct splice_pipe *p)
{
	(void)p;
	return 0;
}

ssize_t
splice_in(struct splice_pipe *p, int fd)
{
	(void)p;
	(void)fd;
	errno = ENOSYS;
	return -1;
}

ssize_t
splice_out(struct splice_pipe *p, int fd)
{
	(void)p;
	(void)fd;
	errno = ENOSYS;
	return -1;
}
