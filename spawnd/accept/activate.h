/*
 * activate.h - sockets that whoever has started us passes.
 */
#ifndef ACTIVATE_H
#define ACTIVATE_H

#include "addr.h"

/* Takes note of what sd_listen_fds(3) says; closes all others above 2. */
void		 activate_collect(void);
/* One more, with a name of len characters; inetd: it is for the section,
 * whatever its name. */
void		 activate_add(int fd, const char *name, size_t len,
		    bool inetd);
/* Checks them. Ends the program if one of them is no listening stream
 * socket. */
void		 activate_open(void);
/* Gives the caller a socket for a listen section, or an address; -1 if there
 * is none, or no more. */
int		 activate_by_name(const char *section);
int		 activate_by_address(const struct addr *);
/* Closes those that nobody has asked for, with a warning. */
void		 activate_close_rest(void);
/* What a socket is bound to; abstract names begin with '@'. */
void		 activate_address(int fd, struct addr *);

#endif
