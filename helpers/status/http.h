/*
 * http.h - requests and answers of HTTP, as bytes: RFC 9112, of which it takes
 * GET and HEAD, and one request a connection.
 */
#ifndef HTTP_H
#define HTTP_H

#include "compat.h"

#define HTTP_HEAD_MAX	8192	/* bytes of a request, its head */
#define HTTP_PATH_MAX	64

struct evbuffer;

struct http_request {
	bool	 head;			/* its body is not wanted */
	char	 path[HTTP_PATH_MAX];	/* without what is behind "?" */
};

/* Reads a request of n bytes. Returns 0 with *r filled, -1 if there is more to
 * come, or the status of the answer that says what is wrong. */
int	 http_read(struct http_request *, const char *, size_t n);
/* Puts the head of an answer before body: status is one of those that this
 * program gives, type the type of the body, more NULL or further lines, each
 * with its end. Returns 0, or -1 with no memory. */
int	 http_answer(struct evbuffer *body, int status, const char *type,
	    const char *more);

#endif
