/*
 * scan.h - between scan.c and include.c, which call each other: an include
 * may stand wherever an option may, and has options.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include "conf/lex.h"

/* A section being read. */
struct frame {
	const struct conf_section	*spec;	/* NULL: unknown, skipped */
	struct token			 name, title;
	unsigned			 depth;
	unsigned			 seen[CONF_OPTS]; /* flat lines */
};

struct scan {
	struct lex		 lex;
	struct conf_text	*t;		/* lex.text */
	unsigned		 includes;	/* files in files now */
	unsigned		 nsections;
	unsigned		 open;		/* sections put, not closed */
	size_t			 good;		/* where the text was whole */
	unsigned		 good_open;
	unsigned		 secret;	/* line of the latest one */
};

/* To the closing brace, or to the end of the file if there is none to come.
 * -1 after a mistake that ends the reading. */
int	 scan_body(struct scan *, struct frame *, bool braced);
/* A mistake; always -1. */
int	 scan_fail(struct scan *, unsigned line, const char *, ...)
	    printf_like(3, 4);
/* Something else than the token should be there; -1 if it ends the reading,
 * else the rest of its line is skipped. */
int	 scan_want(struct scan *, const char *what, const struct token *);

/* The rest of name, "include", and "(". */
int	 scan_include(struct scan *, struct frame *, const struct token *name);
/* Whether a line, before anything of ours, is one of another program's file,
 * which is a mistake then; the text of src ends with a NUL. */
bool	 scan_foreign(struct conf_text *, const struct input *);
/* Which file it is, to know it again. */
void	 scan_stat(struct input *, int fd);

#endif
