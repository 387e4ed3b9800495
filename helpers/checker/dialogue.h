/*
 * dialogue.h - what a probe says to a server, and whether the answer is right:
 * bytes, wherever they come from.
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include <regex.h>

#include "conf/conf.h"

#define DIALOGUE_MAX	4096	/* bytes of an answer that are looked at */

/* What is said and expected, the same for many probes. */
struct script {
	uint8_t		*send;		/* or NULL */
	size_t		 len;
	bool		 expects;
	regex_t		 expect;
};

enum answer { ANSWER_MORE, ANSWER_GOOD, ANSWER_BAD };

/* Returns 0, or -1 with errno: EINVAL, the check cannot be as it is. */
int		 script_make(struct script *, const struct conf_probe *);
void		 script_free(struct script *);
/* Looks at all that has come so far: len bytes, with room for one behind them.
 * BAD: there can be no more, as end says or as they are too many. */
enum answer	 script_look(const struct script *, char *answer, size_t len,
		    bool end);

#endif
