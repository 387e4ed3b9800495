/*
 * conv.h - what becomes of the configuration of another program: sections of
 * ours, and a list of what was left out. Values are checked by the rows of
 * spawnd.conf(5), so that an option is there as soon as it exists.
 */
#ifndef CONV_H
#define CONV_H

#include "conf/int.h"

/* A section of ours. */
struct part {
	TAILQ_ENTRY(part)		 entry;
	TAILQ_HEAD(parts, part)		 parts;
	TAILQ_HEAD(values, value)	 values;
	const struct conf_section	*spec;
	const char			*title;	/* NULL: it has none */
	unsigned			 line;	/* that who makes it notes */
};

struct conv {
	struct conf	*memory;	/* of all that is made */
	const char	*file;		/* what it is called */
	const char	**lines;	/* of it; the first one at 1 */
	unsigned	 nlines;
	struct part	 root;
	const char	**left;		/* why a line was left out, or NULL */
	unsigned	 nleft;
};

/* Returns 0, or -1 without memory; text must stay. */
int		 conv_init(struct conv *, const char *file, const char *text);
void		 conv_free(struct conv *);

/* Memory that lives as long; ends the program if there is none. */
void		*conv_alloc(struct conv *, size_t);
char		*conv_text(struct conv *, const char *fmt, ...)
		    printf_like(2, 3);

/* A section of that kind more in another one, or the one that is there if it
 * can be there once only. The title is made one that a section may have, and
 * no other of the kind has. */
struct part	*conv_part(struct conv *, struct part *in, const char *kind,
		    const char *title);
/* The section spawnd. */
struct part	*conv_spawnd(struct conv *);
/* A title as conv_part() makes it. */
const char	*conv_title(struct conv *, const struct part *in,
		    const struct conf_section *, const char *title);
/* One that is of nothing, and goes nowhere. */
struct part	*conv_apart(struct conv *, const struct conf_section *);
/* It is not wanted after all. */
void		 conv_drop(struct part *in, struct part *);
/* Sets an option as a text that spawnd.conf(5) understands, again if need be.
 * One that does not exist, or cannot have that value, is left out: false. */
bool		 conv_set(struct conv *, struct part *, unsigned line,
		    const char *option, const char *value);
/* The same of one more value of a list. */
bool		 conv_add(struct conv *, struct part *, unsigned line,
		    const char *option, const char *value);
/* The same in front of those that are there. */
bool		 conv_put_first(struct conv *, struct part *, unsigned line,
		    const char *option, const char *value);
bool		 conv_has(const struct part *, const char *option);

/* A level of syslog(3) as ours; NULL: it is none. */
const char	*conv_level(const char *word);

/* That line was left out, or something in it, and why. */
void		 conv_left(struct conv *, unsigned line, const char *fmt, ...)
		    printf_like(3, 4);

/* The configuration, with the list as comments at its head. */
void		 conv_print(const struct conv *, FILE *);
/* The list, as file:line: sentence. */
void		 conv_tell(const struct conv *, FILE *);

/* The dialects; each reads all lines. */
void		 rinetd_convert(struct conv *);
void		 tcprelay_convert(struct conv *);
void		 haproxy_convert(struct conv *);
/* Whether the word begins a section there. */
bool		 haproxy_begins(const char *word);

#endif
