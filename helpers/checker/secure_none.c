#include "compat.h"

#include "secure.h"

void
secure_start(void)
{
}

struct secure *
secure_new(const struct conf *conf, int fd, const char **errp)
{
	(void)conf;
	(void)fd;
	*errp = "this spawnd was built without OpenSSL";
	return NULL;
}

void
secure_free(struct secure **s)
{
	*s = NULL;
}

const char *
secure_name(const struct secure *s, const struct conf_remote *r)
{
	(void)s;
	(void)r;
	return NULL;
}

struct ssl_st *
secure_connect(struct secure *s, const struct conf_remote *r, int fd)
{
	(void)s;
	(void)r;
	(void)fd;
	return NULL;
}

int
secure_shake(struct ssl_st *ssl, const char **why)
{
	(void)ssl;
	*why = "this spawnd was built without OpenSSL";
	return -1;
}

ssize_t
secure_read(struct ssl_st *ssl, void *buf, size_t len)
{
	(void)ssl;
	(void)buf;
	(void)len;
	errno = ENOSYS;
	return -1;
}

ssize_t
secure_write(struct ssl_st *ssl, const void *buf, size_t len)
{
	(void)ssl;
	(void)buf;
	(void)len;
	errno = ENOSYS;
	return -1;
}

void
secure_end(struct ssl_st **ssl)
{
	*ssl = NULL;
}
