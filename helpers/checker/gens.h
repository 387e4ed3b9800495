/*
 * gens.h - the generations: what is checked of each, and what is written into
 * its memory of places (targets.h).
 */
#ifndef GENS_H
#define GENS_H

#include "compat.h"

/* Once, before any other. */
void		 gens_begin(void);
/* A generation is there, as the message CHECK of proto.h says. Takes over the
 * descriptors; secrets is -1 if there are none. */
void		 gens_add(uint32_t number, int conf, int targets, int secrets);
void		 gens_drop(uint32_t number);

#endif
