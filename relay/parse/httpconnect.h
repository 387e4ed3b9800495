/*
 * httpconnect.h - the head of a request of HTTP/1 as bytes: CONNECT (RFC 9110,
 * 9.3.6; its syntax RFC 9112, 2 to 5) with the user and password of Basic (RFC
 * 7617); and the answers to it.
 */
#ifndef HTTPCONNECT_H
#define HTTPCONNECT_H

#include "parse/request.h"

#define HTTP_MAX	8192	/* bytes of a head, most */
#define HTTP_REPLY	768	/* the same of an answer */

/* What is said to the client. */
enum http_status {
	HTTP_OK = 200, HTTP_BAD = 400, HTTP_FORBIDDEN = 403, HTTP_METHOD = 405,
	HTTP_LOGIN = 407, HTTP_LARGE = 431, HTTP_GATEWAY = 502,
	HTTP_UNAVAILABLE = 503, HTTP_TIMEOUT = 504, HTTP_VERSION = 505
};

/* May the bytes begin a request? Letters do. */
bool	 http_begins(uint8_t);
/*
 * Reads the head that the bytes begin with. Returns its length, with *status
 * HTTP_OK or what is wrong; 0 if more bytes are needed, with *need set to how
 * many there have to be at least, which never is more than the head has; -1
 * with *status if it never will be a head. Lines may end by LF alone. User and
 * password are empty unless both are there.
 */
int	 http_request(const uint8_t *, size_t len, struct request *,
	    enum http_status *, size_t *need);
/* Writes the answer, for people if it is a refusal, in the version of the
 * request that the bytes begin with. Returns the length. */
size_t	 http_reply(char buf[HTTP_REPLY], enum http_status, bool version_1_0);
/* Does the request say that it is of HTTP/1.0? */
bool	 http_is_1_0(const uint8_t *, size_t len);

#endif
