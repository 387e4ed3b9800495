/*
 * request.h - what a client asks for by SOCKS or by CONNECT of HTTP; the
 * parsers of both fill it.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "dest/dest.h"

#define REQUEST_WORD	256	/* bytes of a user or password, with the NUL */

struct request {
	struct dest	to;
	/* Words of the client's, any bytes but NUL; "": none. */
	char		user[REQUEST_WORD], password[REQUEST_WORD];
};

/* Takes a word, without NUL in it and short enough; else it is "", and -1 is
 * returned. */
int	 request_word(char word[REQUEST_WORD], const void *, size_t);

#endif
