/*
 * wish.h - what a client has said by SOCKS or CONNECT, and what it waits for,
 * as data: between stages ask and answer.
 */
#ifndef WISH_H
#define WISH_H

#include "compat.h"

/* The message that is to come next, and with it which protocol it is. */
enum ask_next { ASK_FIRST, ASK_SOCKS4, ASK_METHODS, ASK_LOGIN, ASK_SOCKS5,
	ASK_HTTP };

/* Why the client gets no connection: answer.c has the codes. */
enum refusal { REFUSAL_NONE, REFUSAL_GENERAL, REFUSAL_DENIED, REFUSAL_NET,
	REFUSAL_HOST, REFUSAL_REFUSED, REFUSAL_TIMEOUT, REFUSAL_COMMAND,
	REFUSAL_TYPE, REFUSAL_LOGIN, REFUSAL_LARGE, REFUSAL_VERSION,
	REFUSAL_WRONG, REFUSAL_LACKS };

struct dest;

struct wish {
	uint8_t		 next;		/* enum ask_next */
	uint8_t		 refusal;	/* REFUSAL_NONE: as the session ends */
	bool		 http_1_0;
	bool		 owed;		/* it waits for an answer, */
	bool		 refused;	/* which is no */
	uint64_t	 until;		/* ms, of one that has been refused */
	size_t		 need;		/* bytes of the message, at least */
	struct dest	*dest;		/* until its user is known; or NULL */
	char		*user;		/* as it came; NULL: nobody */
};

#endif
