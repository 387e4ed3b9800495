/*
 * answers.h - what there is to be had, by its path.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include "views.h"

struct evbuffer;

/* Is there something at that path? Then *form is what has to be known. */
bool	 answers_has(const char *path, enum views_form *form);
/* Writes the answer, with its head. Returns 0, or -1 with no memory. */
int	 answers_write(struct evbuffer *, const char *path);
/* The same if nobody knows anything: status says why. */
int	 answers_refuse(struct evbuffer *, int status);

#endif
