/*
 * link.h - the connection to the control socket. What fails here ends the
 * program with status 1 and a sentence.
 */
#ifndef LINK_H
#define LINK_H

#include "compat.h"

struct link {
	const char	*path;		/* of the socket */
	uint64_t	 limit;		/* ms, 0: for ever */
	bool		 lasts;		/* it may take longer, as long as
					   spawnd answers others within limit */
	int		 fd;		/* came with the answer, or -1 */
};

/* Sends the request, a line, and returns all of the answer with a NUL behind
 * it; the caller frees it, and closes the descriptor that has come. */
char	*link_ask(struct link *, const char *request);
/* The monotonic clock, in ms. */
uint64_t link_now(void);
/* False if nothing can be read until limit ms (0: for ever) after start. */
bool	 link_wait(int fd, uint64_t start, uint64_t limit);
/* Says that nothing has come in time. */
void	 link_silent(const struct link *) no_return;

#endif
