/*
 * options.h - the command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "compat.h"

struct options {
	const char	*conf_path;	/* absolute; NULL: quick mode */
	int		 conf_fd;	/* what conf_path names, if that is a
					   descriptor; else -1 */
	char		*quick;		/* text of -L and -R, or NULL */
	const char	*addrs_path;	/* -A */
	const char	*pidfile;	/* -p */
	int		 level;		/* -d, -v; -1: the configuration's */
	bool		 url;		/* conf_path is one */
	bool		 relative;	/* a file was named from where we were
					   started */
	bool		 background, check, print, inetd;
};

/* Parses argv; exits by itself for -V and usage errors. */
void		 options_parse(struct options *, int argc, char **argv);
/* What the configuration is called: its path, or "command line". */
const char	*options_source(const struct options *);

#endif
