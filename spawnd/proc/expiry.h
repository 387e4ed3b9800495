/*
 * expiry.h - certificates, and lists of revoked ones, that are about to expire:
 * the reader warns of them when it reads them, the master once a day from then
 * on.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include "compat.h"

#include <time.h>

struct conf;

/* Another configuration is served by: it is looked at daily, if it has any. */
void		 expiry_watch(void);
/* Warns of what has expired, or is about to, at that time (seconds since
 * 1970). Returns how many there are. */
unsigned	 expiry_look(const struct conf *, time_t now);

#endif
