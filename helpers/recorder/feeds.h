/*
 * feeds.h - what the workers tell (common/feed.h): read, checked, and passed on
 * to the section that each session is for.
 */
#ifndef FEEDS_H
#define FEEDS_H

#include "conf/conf.h"

/* The sections of a configuration; folders has that of each record section, or
 * -1. Both are to live as long. */
void	 feeds_start(const struct conf *, const int *folders);
/* One more worker; both descriptors are ours then. */
void	 feeds_add(int ring, int wake, long pid);
/* What that dump section has to say goes there. */
void	 feeds_dump(unsigned section, int fd);
/* No more come: ends the event loop when those there are have ended, and all
 * they have told is read. */
void	 feeds_finish(void);
/* Writes what there is, and closes all. */
void	 feeds_end(void);

#endif
