/*
 * activate.h - sockets that whoever has started us passes.
 */
#ifndef ACTIVATE_H
#define ACTIVATE_H

#include "addr.h"

/* Takes note of what sd_listen_fds(3) says; closes all others above 2. */
void		 activate_collect(void);
/* Checks them, and with -i takes descriptor 0. Ends the program if one of
 * them is no listening stream socket. */
void		 activate_open(void);
/* Gives the caller a socket for a listen section, or an address; -1 if there
 * is none, or no more. */
int		 activate_by_name(const char *section);
int		 activate_by_address(const struct addr *);
/* Closes those that nobody has asked for, with a warning. */
void		 activate_close_rest(void);
/* What a socket is bound to; abstract names begin with '@'. */
void		 activate_address(int fd, struct addr *);
/* -i: from now on errors go to the log, and not to syslog directly. */
void		 activate_log_begins(void);
/* -i: ends the master when it has been idle for shrink-after. */
void		 activate_watch_idle(void);

#endif
