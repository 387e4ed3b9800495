/*
 * addrs.h - the file of -A: what is bound.
 */
#ifndef ADDRS_H
#define ADDRS_H

#include "compat.h"

/*
 * Writes "name address" lines of what is bound. A file is replaced as a whole;
 * what is no regular file is written to. Logs what fails.
 */
void		 addrs_write(const char *path);

/* The first of them, for a line of the log: "web 127.0.0.1:80, db /run/x and 3
 * more". Returns buf. */
char		*addrs_str(char *buf, size_t size);

#endif
