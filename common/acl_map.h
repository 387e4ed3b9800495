/*
 * acl_map.h - access rules made ready to be asked: each address in one
 * search, however many rules there are.
 */
#ifndef ACL_MAP_H
#define ACL_MAP_H

#include "acl.h"

struct acl_map;

/*
 * The same answers as the rules read one after the other: the first that
 * matches decides. No rule matches: refused if the list has a permit rule,
 * accepted otherwise. Needs the rules only while it is made, but for as long as
 * it lives if some hold at some times only: then it reads the time zone, and is
 * made again when one begins or ends to hold. Holds at most 32 bytes a rule and
 * family. Returns NULL with errno if memory is short.
 */
struct acl_map	*acl_map_new(const struct acl *);
/* Sets the pointer to NULL; that may have been NULL. */
void		 acl_map_free(struct acl_map **);
/* A client of a unix socket is accepted always. */
bool		 acl_map_permits(struct acl_map *, const struct source *);
/* The same at that minute of the week (window.h). */
bool		 acl_map_permits_at(struct acl_map *, const struct source *,
		    unsigned minute);
/* Of a list of networks, at least one: whether it has the source. */
bool		 acl_map_has(const struct acl_map *, const struct source *);

#endif
