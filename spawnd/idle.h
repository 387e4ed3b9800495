/*
 * idle.h - -i: inetd(8) waits for our end.
 */
#ifndef IDLE_H
#define IDLE_H

/* From now on the master ends when it has been idle for shrink-after. */
void		 idle_begin(void);

#endif
