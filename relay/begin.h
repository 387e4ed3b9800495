/*
 * begin.h - the start of a worker, as far as it does not matter whether it is
 * the process or lives in that of the master.
 */
#ifndef BEGIN_H
#define BEGIN_H

/* By what self has from who starts it: takes the configuration and the memory
 * that it shares, whose descriptors are closed, and makes all but TLS of it.
 * Returns 0, or -1 with *errp (static); there is no second try. */
int	 begin_load(const char **errp);
/* When TLS is there too: serves from now on; see channel_start(). */
int	 begin_serve(void (*done)(void));

#endif
