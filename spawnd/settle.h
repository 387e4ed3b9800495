/*
 * settle.h - the end of a turn: acts on what was marked (mark.h), in one fixed
 * order. This is the top of the master: it calls the modules, which only mark.
 */
#ifndef SETTLE_H
#define SETTLE_H

/* From now on turns are settled. */
void		 settle_begin(void);

#endif
