/*
 * ask.h - what the hosts of a remote stand for now: names, numbers, or one
 * service, asked for by c-ares, which never blocks. Who asks drives its channel
 * (ares_process_fd(3)).
 */
#ifndef DNS_ASK_H
#define DNS_ASK_H

#include <ares.h>

#include "addr.h"

#define ASK_MOST	4096	/* addresses of an answer that are taken */

/* An address, and what a service says of it. */
struct asked {
	struct addr	 addr;
	uint16_t	 weight;	/* 1 to 256; 0: nothing is said */
	bool		 backup;	/* others have a lesser priority */
};

struct answer {
	const char	*why;		/* NULL: all is known; static, or of
					   the ask */
	struct asked	*addrs;		/* as they came, each once */
	unsigned	 n;
	uint32_t	 ttl;		/* seconds that it holds */
};

struct ask;

/* Asks for the hosts of a list as address of the configuration has it, at that
 * port; done is called once, maybe before this returns, and has the answer for
 * as long as it runs. NULL, with done not called, without memory. */
struct ask	*ask_start(ares_channel, const char *list, uint16_t port,
		    void (*done)(void *arg, const struct answer *),
		    void *arg);
/* done is not called any more; NULL does nothing. */
void		 ask_stop(struct ask *);

#endif
