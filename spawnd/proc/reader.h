/*
 * reader.h - the configuration is read by a program of its own, as that takes
 * its time and asks the name services.
 */
#ifndef READER_H
#define READER_H

#include "compat.h"

struct conf;

/* What came of it. The callback takes over conf, fd and secrets. */
struct reading {
	const char	*error;	/* it could not be read at all; else NULL */
	char		*text;	/* the mistakes, a line each, if conf is NULL;
				   else the configuration's text if asked for */
	char		*warnings; /* a line each; NULL with error */
	struct conf	*conf;
	int		 fd;	/* conf as workers read it, sealed; or -1 */
	int		 secrets; /* its certificates and keys, sealed; or -1 */
};

/*
 * Starts to read what the options name; one at a time. print: its text is
 * wanted. probe: what would be in the way of a start is wanted, as a mistake or
 * a warning. The reader is killed after limit milliseconds, 0 is no limit. cb
 * comes once, later. Returns 0, or -1 with *errp.
 */
int		 reader_start(bool print, bool probe, uint64_t limit,
		    void (*cb)(struct reading *), const char **errp);
/* Closes what a callback does not want. */
void		 reading_close(struct reading *);
/* What is under way is given up; cb does not come. */
void		 reader_cancel(void);

#endif
