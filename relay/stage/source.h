/*
 * source.h - stage source: may whom a header names have one more session? The
 * master has asked that of all others before they came here.
 */
#ifndef STAGE_SOURCE_H
#define STAGE_SOURCE_H

#include "sess.h"

bool		 source_wanted(const struct path *);
enum step	 source_enter(struct sess *);
enum step	 source_event(struct sess *, struct end *);

#endif
