/*
 * rules.h - whether a client may have itself connected to where it has asked to
 * go: the rules of a relay section with targets, and what is never a target.
 */
#ifndef DEST_RULES_H
#define DEST_RULES_H

#include "conf/conf.h"
#include "dest/dest.h"

struct dest_rules;

/* Those of a section. NULL with errno. */
struct dest_rules *dest_rules_new(const struct conf_targets *);
/* Whether a name may be looked up: false if it is denied whatever addresses it
 * has. */
bool		 dest_rules_may_look(const struct dest_rules *,
		    const struct dest *);
/* Whether an address that was asked for, or that the name has, is permitted:
 * the first rule that matches decides. All that the address carries
 * (special.h) has to be permitted as well. */
bool		 dest_rules_permit(const struct dest_rules *,
		    const struct dest *, const struct source *);

/*
 * Reads which addresses this machine has, as far as listeners of the
 * configuration may be reached by them; while the process still may. Returns 0,
 * or -1 with errno.
 */
int		 dest_own_start(const struct conf *);
/* A session has come in at that listener, by that descriptor: which port it has
 * is known only now if the kernel has chosen it. */
void		 dest_own_learn(const struct conf_listen *, int fd);
/* Whether a connection to that address and port would come to one of them. */
bool		 dest_is_own(const struct source *);
/* The same of one that is there: its two addresses are equal if the machine has
 * got the address since. */
bool		 dest_is_own_now(const struct source *to,
		    const struct source *from);

#endif
