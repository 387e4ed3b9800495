/*
 * options.h - the command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "conf/conf.h"

struct options {
	const char	*conf_path;	/* absolute; NULL: quick mode */
	char		*quick;		/* text of -L and -R, or NULL */
	const char	*addrs_path;	/* -A */
	const char	*pidfile;	/* -p */
	int		 level;		/* -d, -v; -1: the configuration's */
	bool		 background, check, print, inetd;
};

/* Parses argv; exits by itself for -V and usage errors. */
void		 options_parse(struct options *, int argc, char **argv);
/* The configuration that the options name. NULL after reports. */
struct conf	*options_load(const struct options *, conf_report *, void *);

#endif
