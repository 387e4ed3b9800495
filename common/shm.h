/*
 * shm.h - memory with a descriptor, for the configuration and the board.
 */
#ifndef SHM_H
#define SHM_H

#include "compat.h"

/* An anonymous file of size bytes of zeros that has no name in any file
 * system, close-on-exec. Returns the descriptor, or -1 with errno. */
int	 shm_create(const char *name, size_t size);
/* All that is in the file, with a NUL behind it; the caller frees it. NULL with
 * errno. */
char	*shm_text(int fd);
/* Nobody may write to or resize it any more, where the system can do that;
 * elsewhere nothing happens. Returns 0, or -1 with errno. */
int	 shm_seal(int fd);

#endif
