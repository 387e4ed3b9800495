/*
 * pump.h - moves the bytes of one direction.
 */
#ifndef PUMP_H
#define PUMP_H

#include "session.h"

/* All there was for now; more than one turn should do; a socket failed; filters
 * end the session (chain_run()). */
enum moved { MOVED_ALL, MOVED_MORE, MOVED_BROKEN, MOVED_CUT };

/*
 * From an end to the far one, until the one has nothing or the other takes
 * nothing and there is no room to store more. The end of the one is passed on
 * behind its last byte. *broken, with errno, is the end whose socket failed.
 */
enum moved	 pump(struct end *from, struct end **broken);

#endif
