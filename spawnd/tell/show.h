/*
 * show.h - the views of spawnctl show, as text and as JSON.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdio.h>

#include "compat.h"

/* Is there a view of that name? */
bool		 show_known(const char *name);
/* Writes a view that there is. */
void		 show_write(FILE *f, const char *name, bool json);

#endif
