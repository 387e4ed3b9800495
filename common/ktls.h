/*
 * ktls.h - TLS that the kernel could do: ktls_linux.c, elsewhere ktls_none.c.
 */
#ifndef KTLS_H
#define KTLS_H

#include "compat.h"

/* Does this kernel have it, as far as it is loaded? */
bool	 ktls_here(void);

#endif
