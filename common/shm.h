/*
 * shm.h - memory with a descriptor, for the configuration and the board.
 */
#ifndef SHM_H
#define SHM_H

#include "compat.h"

/* An anonymous file of size bytes of zeros that has no name in any file
 * system, close-on-exec, and of which other users can have nothing but what a
 * descriptor gives them. Returns the descriptor, or -1 with errno. */
int	 shm_create(const char *name, size_t size);
/*
 * Another descriptor of the same, through which it cannot be written to,
 * neither by write(2) nor by a mapping, mprotect(2) or not. Where the system
 * has no /proc it is a mere duplicate. The descriptor, close-on-exec, or -1
 * with errno.
 */
int	 shm_read_only(int fd);
/* What is mapped there is in no core, where the system can do that. */
void	 shm_no_core(void *, size_t);
/* All that is in the file, with a NUL behind it; the caller frees it. NULL with
 * errno. */
char	*shm_text(int fd);
/* Nobody may write to or resize it any more, where the system can do that;
 * elsewhere nothing happens. Returns 0, or -1 with errno. */
int	 shm_seal(int fd);
/* The same, but it may be written to. */
int	 shm_seal_size(int fd);

#endif
