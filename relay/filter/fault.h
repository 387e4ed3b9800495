/*
 * fault.h - sessions that a fault does not let begin.
 */
#ifndef FAULT_H
#define FAULT_H

#include "sess.h"

struct filter_section;

/* Is the session one that a fault refuses ("down")? */
bool		 fault_refuses(const struct sess *);
/* Whether one of the filters could: for paths. */
bool		 fault_may_refuse(struct filter_section * const *, unsigned n);

#endif
