#include "compat.h"

#include "layer/ktls.h"

struct ktls *
ktls_begin(int fd, const void *info)
{
	(void)fd;
	(void)info;
	errno = ENOSYS;
	return NULL;
}

ssize_t
ktls_send(int fd, uint8_t type, const void *buf, size_t len)
{
	(void)fd;
	(void)type;
	(void)buf;
	(void)len;
	errno = ENOSYS;
	return -1;
}

int
ktls_keep(struct ktls *k, uint8_t type, size_t len)
{
	(void)k;
	(void)type;
	(void)len;
	return -1;
}

ssize_t
ktls_send_kept(struct ktls *k, int fd, struct iovec *iov, int n)
{
	(void)k;
	(void)iov;
	(void)n;
	return ktls_send(fd, 0, NULL, 0);
}
