#include <sys/epoll.h>

#include <err.h>
#include <stdlib.h>

#include "wire.h"

void
wire_setup(int minor)
{
	errx(2, "TLS 1.%d: built without OpenSSL", minor);
}

void
wire_resume(void)
{
}

unsigned long long
wire_resumed(void)
{
	return 0;
}

struct wire *
wire_new(int fd)
{
	(void)fd;
	abort();
}

void
wire_end(struct wire *w)
{
	(void)w;
}

ssize_t
wire_write(struct wire *w, const void *buf, size_t len)
{
	(void)w;
	(void)buf;
	(void)len;
	abort();
}

ssize_t
wire_read(struct wire *w, void *buf, size_t len)
{
	(void)w;
	(void)buf;
	(void)len;
	abort();
}

uint32_t
wire_wants(struct wire *w)
{
	(void)w;
	return EPOLLIN;
}
