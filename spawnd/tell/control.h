/*
 * control.h - the control socket: requests and answers.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdio.h>

#include "compat.h"

/* Opens the control socket; -1 with *errp. */
int		 control_open(const char *path, const char **errp);
void		 control_close(void);

/* For an upgrade: writes the lines of the socket and of its clients, the one
 * who asked for the upgrade among them; takes up one. False for a line that
 * is not understood. */
void		 control_save(FILE *);
bool		 control_take(const char *line);

#endif
