#include "compat.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/tls.h>

#include "layer/ktls.h"

#ifndef SOL_TLS
#define SOL_TLS		282
#endif

static socklen_t	 info_len(const struct tls_crypto_info *);
static ssize_t		 send_record(int, uint8_t, struct iovec *, size_t);

struct ktls *
ktls_begin(int fd, const void *info)
{
	const socklen_t len = info_len(info);
	struct ktls *k;
	int saved;

	if (len == 0) {
		errno = ENOTSUP;
		return NULL;
	}
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return NULL;
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0 &&
	    setsockopt(fd, SOL_TLS, TLS_TX, info, len) == 0)
		return k;
	saved = errno;
	free(k);
	errno = saved;
	return NULL;
}

/* 0: no cipher that is asked for here. */
static socklen_t
info_len(const struct tls_crypto_info *info)
{
	switch (info->cipher_type) {
	case TLS_CIPHER_AES_GCM_128:
		return sizeof(struct tls12_crypto_info_aes_gcm_128);
	case TLS_CIPHER_AES_GCM_256:
		return sizeof(struct tls12_crypto_info_aes_gcm_256);
#ifdef TLS_CIPHER_CHACHA20_POLY1305
	case TLS_CIPHER_CHACHA20_POLY1305:
		return sizeof(struct tls12_crypto_info_chacha20_poly1305);
#endif
	default:
		return 0;
	}
}

ssize_t
ktls_send(int fd, uint8_t type, const void *buf, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };

	return send_record(fd, type, &iov, 1);
}

static ssize_t
send_record(int fd, uint8_t type, struct iovec *iov, size_t n)
{
	union {
		struct cmsghdr	 align;
		char		 buf[CMSG_SPACE(1)];
	} control;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_TLS;
	c->cmsg_type = TLS_SET_RECORD_TYPE;
	c->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(c) = type;
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

int
ktls_keep(struct ktls *k, uint8_t type, size_t len)
{
	if (k->nkept == KTLS_KEPT || len > UINT16_MAX)
		return -1;
	k->kept[k->nkept].type = type;
	k->kept[k->nkept++].len = (uint16_t)len;
	return 0;
}

ssize_t
ktls_send_kept(struct ktls *k, int fd, struct iovec *iov, int n)
{
	size_t left = k->kept[0].len;
	ssize_t sent;
	int i;

	for (i = 0; i < n && left > 0; i++) {
		iov[i].iov_len = MIN(iov[i].iov_len, left);
		left -= iov[i].iov_len;
	}
	if ((sent = send_record(fd, k->kept[0].type, iov, (size_t)i)) == -1)
		return -1;
	k->kept[0].len -= (uint16_t)sent;
	if (k->kept[0].len == 0)
		memmove(k->kept, k->kept + 1,
		    --k->nkept * sizeof(k->kept[0]));
	return sent;
}
