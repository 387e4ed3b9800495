/*
 * inherit.h - the descriptors that go on over an upgrade.
 */
#ifndef INHERIT_H
#define INHERIT_H

#include <stdio.h>

#include "compat.h"

/* While the state is saved: the new image is to find this descriptor under its
 * number. Returns it, or -1 if there are too many. */
int		 inherit_fd(int fd);
/* Were there too many? */
bool		 inherit_full(void);
/* A line for each, to be taken up by inherit_take(). */
void		 inherit_save(FILE *);
/* In the new image. False for a line that is not understood. */
bool		 inherit_take(const char *line);
/* From now on they stay open over exec(2). */
void		 inherit_pass(void);
/* They are close-on-exec again, and forgotten. */
void		 inherit_end(void);

#endif
