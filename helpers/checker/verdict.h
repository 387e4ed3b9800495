/*
 * verdict.h - whether one that is checked is up, by what its probes find.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "conf/conf.h"

struct verdict {
	bool		 known;		/* it has been checked before */
	bool		 up;
	unsigned	 row;		/* results in a row against that */
};

/* Takes a result in; true if up has changed. The first one ever decides alone,
 * later it takes as many in a row as the check says. */
bool		 verdict_add(struct verdict *, const struct conf_probe *,
		    bool good);

#endif
