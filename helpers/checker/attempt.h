/*
 * attempt.h - one probe of one address: connects, speaks, listens, in a limited
 * time.
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include "dialogue.h"
#include "ev.h"
#include "secure.h"

#define ATTEMPT_WHY	160	/* bytes of a reason, with the NUL */

/* What is probed, and how; the same for all attempts. */
struct aim {
	struct addr		 to;
	const struct conf_probe	*conf;
	const struct conf_remote *remote; /* its header and its TLS */
	const struct addr	*local;	/* the source address, of the same
					   family, or NULL */
	struct secure		*secure;
	const struct script	*script;
};

/* NONE: it says nothing of the remote, as this machine lacked something. */
enum result { RESULT_GOOD, RESULT_BAD, RESULT_NONE };

struct attempt {
	struct ev_io		 io;
	struct ev_timer		 limit;
	struct ev_task		 over;		/* tells of the end */
	void			(*done)(struct attempt *, enum result,
				    const char *why);
	struct aim		 aim;
	struct ssl_st		*ssl;
	int			 step;
	size_t			 sent, got;
	char			*answer;	/* of a dialogue, or NULL */
	enum result		 result;
	char			 why[ATTEMPT_WHY];
};

/* done is called once for each start, never by that itself, and not after
 * attempt_stop(). */
void		 attempt_init(struct attempt *, void (*done)(struct attempt *,
		    enum result, const char *why));
/* What aim points to must stay until done is called. */
void		 attempt_start(struct attempt *, const struct aim *);
void		 attempt_stop(struct attempt *);

#endif
