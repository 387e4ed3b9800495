/*
 * set.h - options of a filter that are changed while it is used, as text, by
 * the same rows as those of a file.
 */
#ifndef CONF_SET_H
#define CONF_SET_H

#include "conf/conf.h"

/* The section, as the value has it. */
void		*conf_set_section(struct conf *, const struct conf_filter *);
/* A copy of it, for the caller to free; NULL without memory. */
void		*conf_set_copy(const struct conf *,
		    const struct conf_filter *);
/* Sets an option that is a number, a word or yes and no. Returns 0, or -1 with
 * *errp (static storage). */
int		 conf_set(const struct conf_filter *, void *section,
		    const char *option, const char *text, const char **errp);
/* What is wrong about it as a whole, as what follows its kind and name in a
 * sentence (static storage), or NULL. */
const char	*conf_set_wrong(const struct conf_filter *,
		    const void *section);

#endif
