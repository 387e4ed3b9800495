/*
 * ktls.h - the kernel encrypts what is written to a socket: ktls_linux.c,
 * elsewhere ktls_none.c. OpenSSL hands over the keys, and from then on writes
 * but records that are not data, as plain text with their type.
 *
 * Source: Documentation/networking/tls.rst of Linux, BIO_ctrl(3) as
 * bss_sock.c of OpenSSL answers it.
 */
#ifndef LAYER_KTLS_H
#define LAYER_KTLS_H

#include "compat.h"

#include <sys/uio.h>

#include "ev.h"

#define KTLS_KEPT	16	/* records, at most */

/* What OpenSSL asks a BIO; its headers name but the second. */
enum { KTLS_CTRL_BEGIN = 72, KTLS_CTRL_SENDS = 73, KTLS_CTRL_TYPE = 74,
	KTLS_CTRL_NO_TYPE = 75 };

struct tls;

struct ktls {
	struct tls	*tls;
	struct ev_timer	 look;		/* has the kernel sent all? */
	bool		 empty;		/* at the last one */
	uint8_t		 type;		/* of what OpenSSL writes next */
	uint8_t		 nkept;
	struct {
		uint8_t	 type;
		uint16_t len;
	} kept[KTLS_KEPT];		/* that the socket has not taken: what
					   they are, their bytes are in the
					   queue of the layer */
};

/* Gives the kernel the keys that OpenSSL's question has. NULL with errno: it
 * takes none such, and OpenSSL goes on by itself; else to be freed with
 * free(3). */
struct ktls	*ktls_begin(int fd, const void *info);
/* As send(2), a record of that type. */
ssize_t		 ktls_send(int fd, uint8_t type, const void *, size_t);
/* Such a one is kept, at the end of the queue. Returns 0, or -1: too many. */
int		 ktls_keep(struct ktls *, uint8_t type, size_t);
/* As writev(2): the first that is kept, or a part; the places are those of the
 * queue, and are changed. */
ssize_t		 ktls_send_kept(struct ktls *, int fd, struct iovec *, int);

#endif
