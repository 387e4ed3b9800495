/*
 * down.h - stage DOWN: sessions that a fault refuses, before anybody else
 * learns of them.
 */
#ifndef DOWN_H
#define DOWN_H

#include "path.h"
#include "sess.h"

bool	  down_wanted(const struct path *);
enum step down_enter(struct sess *);

#endif
