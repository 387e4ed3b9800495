/*
 * socks.h - the messages of SOCKS as bytes: version 4 with 4a (the protocol is
 * David Koblas's and Ying-Da Lee's, SOCKS4.protocol and its extension), and 5
 * (RFC 1928, with the user and password of RFC 1929).
 *
 * Those that read a message look at the bytes that it begins with and return
 * its length; 0 if more bytes are needed, with *need set to how many there have
 * to be at least, which never is more than the message has; -1 if it is wrong.
 */
#ifndef SOCKS_H
#define SOCKS_H

#include "parse/request.h"

#define SOCKS4		4	/* the first bytes */
#define SOCKS5		5
#define SOCKS_MAX	528	/* bytes of any message, most */
#define SOCKS_REPLY	22	/* the same of an answer */

enum socks_command { SOCKS_CONNECT = 1, SOCKS_BIND, SOCKS_UDP };

/* Which ways to say who it is a client offers, of those that we know. */
enum { SOCKS_NONE = 1 << 0, SOCKS_PASSWORD = 1 << 1 };

/* Why it is not to be done: the client is to be told. */
enum socks_wrong { SOCKS_RIGHT, SOCKS_WRONG_COMMAND, SOCKS_WRONG_TYPE };

/* The one message of version 4; the user is what it says of itself. */
int	 socks4_request(const uint8_t *, size_t len, struct request *,
	    enum socks_wrong *, size_t *need);
/* The first one of version 5. */
int	 socks5_methods(const uint8_t *, size_t len, unsigned *offers,
	    size_t *need);
/* The second one, if a password was asked for; sets user and password. */
int	 socks5_login(const uint8_t *, size_t len, struct request *,
	    size_t *need);
/* The last one. */
int	 socks5_request(const uint8_t *, size_t len, struct request *,
	    enum socks_wrong *, size_t *need);

/* Answers to the requests; the bound address may be NULL, or of no IP. Return
 * the length. */
size_t	 socks4_reply(uint8_t buf[SOCKS_REPLY], uint8_t code,
	    const struct addr *bound);
size_t	 socks5_reply(uint8_t buf[SOCKS_REPLY], uint8_t code,
	    const struct addr *bound);

#endif
