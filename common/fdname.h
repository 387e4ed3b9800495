/*
 * fdname.h - names that mean a descriptor of the process that opens them.
 */
#ifndef FDNAME_H
#define FDNAME_H

/* The descriptor of this process that path stands for: /dev/stdout, /dev/fd/N,
 * /proc/self/fd/N, or a link to one of them; it need not be open. -1 if path
 * is the name of anything else. */
int	fdname_of(const char *path);

#endif
