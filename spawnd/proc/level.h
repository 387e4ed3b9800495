/*
 * level.h - the level of all processes' lines, as the operator has set it,
 * until the next reload.
 */
#ifndef LEVEL_H
#define LEVEL_H

struct worker;

/* From now on, here and in all processes that log: LOG_ERR .. LOG_DEBUG. */
void	 level_set(int level);
/* It has become ready: it is to know what was set. */
void	 level_ready(struct worker *);
/* As configured again, in what starts from now on, and in the logger. */
void	 level_forget(void);

#endif
