/*
 * ondown.h - sessions at a place that checks have found down, where the relay
 * section says on-down = close.
 */
#ifndef ONDOWN_H
#define ONDOWN_H

/* From now on such sessions are ended; no-op if no section says so. */
void	 ondown_start(void);

#endif
