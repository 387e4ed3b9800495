/*
 * views.h - asks the master for what it shows, for all visitors at once, and no
 * more often than each second.
 */
#ifndef VIEWS_H
#define VIEWS_H

#include "ev.h"
#include "proto.h"
#include "sight.h"

/* As rows, and as spawnctl --json has them. */
enum views_form { VIEWS_ROWS, VIEWS_JSON, VIEWS_FORMS };

struct views {
	struct sight	 rows;
	char		*json[SIGHT_VIEWS];	/* NULL: not known */
	unsigned	 turn[VIEWS_FORMS];	/* counts what is known anew */
	bool		 stopping;		/* spawnd ends */
};

/* done: what was wanted in that form is known, or (false) the master does not
 * answer. */
void		 views_begin(int channel,
		    void (*done)(enum views_form, bool known));
/* Is what is known fresh? If not, it is asked for. */
bool		 views_want(enum views_form);
/* The master's answer; the descriptor is taken over. */
void		 views_take(const struct proto_seen *, int fd);
const struct views *views_known(void);

#endif
