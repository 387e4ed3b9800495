/*
 * gate.h - what a generation's configuration says of who comes in at a
 * listener, made ready to be asked: one gate a listen section.
 */
#ifndef GATE_H
#define GATE_H

#include "acl_map.h"
#include "conf/conf.h"

struct gate {
	struct acl_map	*access;	/* NULL: no rules of its own */
};

/* Those of a configuration, which lives longer. NULL with errno. */
struct gate	*gate_new(const struct conf *);
/* Sets the pointer to NULL; that may have been NULL. */
void		 gate_free(struct gate **, const struct conf *);
/* By the rules of its listener alone. */
bool		 gate_permits(const struct gate *, const struct source *);

#endif
