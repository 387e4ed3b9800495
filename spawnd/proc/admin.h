/*
 * admin.h - what the operator has set of remotes by spawnctl: their state and
 * weight, until the next reload.
 */
#ifndef ADMIN_H
#define ADMIN_H

#include <stdio.h>

#include "conf/conf.h"

struct setting {
	TAILQ_ENTRY(setting)	 entry;
	char			 relay[CONF_NAME];
	char			 remote[CONF_NAME];
	uint32_t		 admin;		/* BOARD_ADMIN() (board.h) */
};

/* What is set of a remote, as BOARD_ADMIN() has it; 0: nothing. */
uint32_t	 admin_of(const char *relay, const char *remote);
/* Sets it; 0: it is as configured again. Who is to know it is not told.
 * Returns 0, or -1 with errno. */
int		 admin_set(const char *relay, const char *remote,
		    uint32_t admin);
/* One of those that are set; NULL: there is none. */
const struct setting *admin_first(void);
/* "drain", "enabled, weight 5"; returns buf. */
#define ADMIN_STRLEN	32
char		*admin_str(uint32_t admin, char buf[ADMIN_STRLEN]);

/* For an upgrade: writes a line for each; takes one up. False for a line that
 * is not understood. */
void		 admin_save(FILE *);
bool		 admin_take(const char *line);

#endif
