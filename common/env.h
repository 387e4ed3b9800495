/*
 * env.h - variables of the environment that tell our programs what to do.
 */
#ifndef ENV_H
#define ENV_H

/* False if this program has rights of its file (set-user-id, capabilities):
 * then who started it has not the say in what it does with them. */
bool		 env_trusted(void);
/* As getenv(3), for names of ours; NULL in a program as described above. */
const char	*env_get(const char *name);
/* Leaves only what a worker may know of the environment of who started us:
 * where libraries are, language and time zone, and what is ours. */
void		 env_shorten(void);

#endif
