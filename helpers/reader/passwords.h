/*
 * passwords.h - what only a look at the files of users can find out.
 */
#ifndef PASSWORDS_H
#define PASSWORDS_H

#include "conf/parse.h"

/* A conf_look(): mistakes and warnings of the files that listeners name. */
void	 passwords_look(struct conf_check *, const struct cfg_t *root);

#endif
