/*
 * names.h - what a configuration wants to have looked up by the checker.
 * names.c asks for services, by c-ares; names_none.c refuses all of it.
 */
#ifndef READER_NAMES_H
#define READER_NAMES_H

#include "conf/parse.h"

/* Before anything is read. */
void		 names_start(void);
void		 names_look(struct conf_check *, const struct cfg_t *root);

#endif
