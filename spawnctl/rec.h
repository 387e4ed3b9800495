/*
 * rec.h - a line of what workers write (common/proto.h). It may be anything.
 */
#ifndef REC_H
#define REC_H

#include "compat.h"

#define REC_FIELDS	40	/* most of a line */

struct rec {
	char		 kind;
	size_t		 n;
	struct {
		const char	*name, *value;
	}		 fields[REC_FIELDS];
};

/* Takes a line apart, in place, and makes it harmless. Returns 0, or -1: it is
 * none of these. */
int		 rec_parse(char *line, struct rec *);
/* The value of that name, or NULL. */
const char	*rec_get(const struct rec *, const char *name);
/* The same as a number; 0 if it is none. */
uint64_t	 rec_number(const struct rec *, const char *name);
/* The line again, as rec_parse() takes it: the caller frees it. */
char		*rec_line(const struct rec *);

#endif
