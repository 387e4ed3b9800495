/*
 * users.h - a file of users: lines name:hash, the hash as crypt(5) has it;
 * empty ones, and those that begin with "#", are for people.
 */
#ifndef USERS_H
#define USERS_H

#include "compat.h"

#define USERS_FILE	(16 << 20)	/* bytes, most */
#define USERS_NAME	255		/* of a name */
#define USERS_HASH	383		/* of a hash */

struct user {
	const char	*name, *hash;
	unsigned	 line;
	uint64_t	 mark;		/* for who checks passwords */
	bool		 marked;
};

struct users {
	struct user	*all;		/* in the order of their names */
	size_t		 n, room;
	const char	*first;		/* hash of the file */
	char		*text;		/* what all point into, */
	size_t		 len;		/* of so many bytes */
};

/* Reads a file. Returns 0; or -1 with *errp (static), of which nothing is a
 * hash, and the number of the line that it is about, 0: the file. Then there
 * is nothing to be freed. */
int		 users_read(struct users *, const char *path, unsigned *line,
		    const char **errp);
/* NULL: it has no such user. */
struct user	*users_find(const struct users *, const char *name);
/* Wipes what was read. */
void		 users_free(struct users *);

#endif
