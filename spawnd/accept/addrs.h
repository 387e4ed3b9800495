/*
 * addrs.h - the file of -A: what is bound.
 */
#ifndef ADDRS_H
#define ADDRS_H

/*
 * Writes "name address" lines of what is bound. A file is replaced as a whole;
 * what is no regular file is written to. Logs what fails.
 */
void		 addrs_write(const char *path);

#endif
