/*
 * wire.h - TLS for the clients of load.c: wire_tls.c, or wire_none.c where
 * there is no OpenSSL. Any failure but that of "not now" ends the program.
 */
#ifndef WIRE_H
#define WIRE_H

#include <sys/types.h>

#include <stdint.h>

struct wire;

/* Before all else: minor is 2 or 3, of the only version 1.minor offered. */
void		 wire_setup(int minor);

/* All that are made later resume the newest session there was. */
void		 wire_resume(void);

/* How many did. */
unsigned long long wire_resumed(void);

/* A client on a socket that may still be connecting; wire_end() says goodbye
 * and frees it, and leaves the socket open. */
struct wire	*wire_new(int fd);
void		 wire_end(struct wire *);

/*
 * As send() and recv() on a socket that does not block; the handshake is a part
 * of the first. After EAGAIN, wire_wants() are the events of epoll to wait for,
 * and what is written next begins with the same bytes. What has been received
 * is never held back when len is 16 KiB or more.
 */
ssize_t		 wire_write(struct wire *, const void *, size_t len);
ssize_t		 wire_read(struct wire *, void *, size_t len);
uint32_t	 wire_wants(struct wire *);

#endif
