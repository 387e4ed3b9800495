/*
 * link.h - the connection to the control socket.
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
	/* Below here it is for link.c, but to be waited for and printed. */
	int		 sock;		/* or -1 */
	char		*answer;
	size_t		 len;
	char		 why[512];	/* what has failed, a sentence */
};

/* Sends the request, a line, and returns all of the answer with a NUL behind
 * it; the caller frees it, and closes the descriptor that has come. What fails
 * ends the program with status 1 and a sentence. */
char	*link_ask(struct link *, const char *request);

/* The same in parts, for who waits for something else as well. waits: also for
 * spawnd to take the connection. Returns 0, or -1 with why. */
int	 link_begin(struct link *, const char *request, bool waits);
/* When sock can be read. Returns 1 if the answer is complete, 0 if more is
 * to come, -1 with why, and nothing is left then. */
int	 link_step(struct link *);
/* At any time after link_begin() has returned 0: closes sock, and returns what
 * has come as link_ask() does, or NULL. */
char	*link_end(struct link *);

/* The monotonic clock, in ms. */
uint64_t link_now(void);
/* False if nothing can be read until limit ms (0: for ever) after start. */
bool	 link_wait(int fd, uint64_t start, uint64_t limit);
/* Says that nothing has come in time, and ends the program. */
void	 link_silent(const struct link *) no_return;

#endif
