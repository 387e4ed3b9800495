/*
 * visits.h - who has connected: one request each, answered in its time.
 */
#ifndef VISITS_H
#define VISITS_H

#include "views.h"

#define VISITS_MAX	256	/* at once; then the one that has said nothing
				   for the longest time goes */

#define VISITS_HOLD	(64U * 1024 * 1024)	/* bytes of answers that are
				   under way; then the oldest is cut */

/* A connection, which is taken over. */
void	 visits_add(int fd);
/* What visitors wait for is known, or not to be had. */
void	 visits_answer(enum views_form, bool known);

#endif
