/*
 * sockopt.h - the options of a listening socket. What it has, the connections
 * that it accepts inherit: none costs a call a session. And the address that a
 * connecting one comes from.
 */
#ifndef SOCKOPT_H
#define SOCKOPT_H

#include "conf/conf.h"

/* What these say of socket, bind and so on stays for the life of a socket. */
bool		 sockopt_same_socket(const struct conf_socket *,
		    const struct conf_socket *);
/*
 * A stream socket, not yet bound, that does not block and is not inherited, as
 * that says for bind(2). Returns it, or -1 with errno and *whatp (static):
 * which option it is about, NULL for none.
 */
int		 sockopt_socket(int family, const struct conf_socket *,
		    const char **whatp);
/*
 * Sets of the other options what differs: from is what the socket has now,
 * NULL what a new one has. Returns 0, or -1 with errno and *whatp (static) of
 * the last that could not be set.
 */
int		 sockopt_change(int fd, int family,
		    const struct conf_socket *from,
		    const struct conf_socket *to, const char **whatp);
/* What all of ours have: no delay, and urgent data in its place. */
int		 sockopt_common(int fd, const struct conf_socket *);
/* Gives a socket that will connect its own address, of any port; that is chosen
 * at connect(2) only, where the system can (ip(7)). As bind(2). */
int		 sockopt_bind(int fd, const struct addr *);
/* The value of an option that is a number. Returns 0, or -1 with errno: EPROTO,
 * the system has told a part of it only, and *value means nothing. */
int		 sockopt_get(int fd, int level, int name, int *value);
/* The error that a socket has, and has no longer then: SO_ERROR, or why that is
 * not to be had. 0: none. */
int		 sockopt_error(int fd);
/* What such an errno says of that option, or of none: static storage. */
const char	*sockopt_why(const struct conf_socket *, const char *what,
		    int err);
/* The first option that is given and this system has none of; NULL. */
const char	*sockopt_lacks(const struct conf_socket *);

/*
 * sockopt_linux.c, sockopt_bsd.c
 */

enum { SOCKOPT_FREEBIND, SOCKOPT_FREEBIND6, SOCKOPT_TOS, SOCKOPT_TCLASS,
	SOCKOPT_IDLE, SOCKOPT_INTERVAL, SOCKOPT_COUNT, SOCKOPT_USER_TIMEOUT,
	SOCKOPT_FASTOPEN, SOCKOPT_DEFER, SOCKOPT_LATE_PORT, SOCKOPTS };

/* Name 0: there is none. */
struct sockopt {
	int	 level, name;
};

extern const struct sockopt sockopt_names[SOCKOPTS];
extern const bool sockopt_has_interface;
extern const bool sockopt_has_abstract;	/* unix sockets without a file */

/* As of setsockopt(2). */
int		 sockopt_interface(int fd, const char *name);
/* Why clients cannot send data with their first packet whatever a socket says,
 * a sentence (static); NULL: they can, or it is not known. */
const char	*sockopt_no_fastopen(void);

#endif
