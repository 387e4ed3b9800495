/*
 * start.h - what programs do first that the master starts, and that are for
 * nobody else.
 */
#ifndef START_H
#define START_H

#include "conf/conf.h"
#include "sandbox.h"

/* Is the descriptor a channel, as only the master passes one? */
bool		 start_has_channel(int fd);
/* A number among the arguments, called what where it is none: then the program
 * ends. */
unsigned	 start_number(const char *, const char *what);
/* The same if it is not the version of the protocol that this program has. */
void		 start_version(const char *);
/* As many descriptors as the hard limit allows: the master's own may have been
 * lowered for a while. */
void		 start_descriptors(void);
/* For one that is soon done: signals that mean something to the master only
 * may be sent to its whole process group, and none is held back. */
void		 start_signals(void);
/* The last step: the sandbox, if how is not off. The program ends if what is
 * required cannot be had. */
void		 start_confine(const struct sandbox *, enum conf_sandbox how);

#endif
