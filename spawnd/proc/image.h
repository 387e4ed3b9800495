/*
 * image.h - the file of the image that runs now, even if another has its name:
 * the way back of an upgrade. image_linux.c, image_kept.c where it has to be
 * kept open, image_none.c where no descriptor can be executed.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "compat.h"

/* Once, while the name that it was started by is its own. */
void	 image_start(const char *self);
/* That file, closed on exec; the caller's. -1 with errno: there is no way. */
int	 image_open(void);
/* Becomes it. Returns only if it cannot, with errno. */
void	 image_run(int fd, char *const argv[]);

#endif
