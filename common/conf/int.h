/*
 * conf_int.h - between the files of the configuration; nobody else's.
 *
 *   conf_spec.c   which sections and options there are, ranges, defaults
 *   conf_text.c   files into one flat text, and the list of mistakes
 *   conf_lex.c    words, comments, variables
 *   conf_scan.c   what stands where: names, nesting, include()
 *   conf.c        libconfuse: the flat text into sections and values
 *   conf_check.c  values into struct conf: the tables, the sections
 *   conf_where.c  addresses, users, paths: what has to be looked up
 *   conf_print.c  struct conf into text
 *   conf_units.c  times, sizes, near names
 */
#ifndef CONF_INT_H
#define CONF_INT_H

#include "conf/conf.h"

#include <stdarg.h>

#define CONF_FILE_MAX	(16 << 20)	/* bytes of all files together */
#define CONF_VALUE_MAX	4096		/* bytes of one value, most */
#define CONF_OPTS	24		/* options of one section, most */
#define CONF_HINTS	100		/* mistakes that near names are
					   looked for */

/*
 * conf_spec.c
 */

enum conf_type {
	CONF_NUMBER,		/* unsigned */
	CONF_DURATION,		/* uint64_t, milliseconds */
	CONF_SIZE,		/* uint64_t, bytes */
	CONF_WORD,		/* int, one of words */
	CONF_BOOL,		/* bool */
	CONF_TEXT,		/* read by hand */
	CONF_LIST,		/* texts, read by hand */
	CONF_SECTION
};

struct conf_word {
	const char	*name;
	int		 value;
};

/* Only CONF_NUMBER to CONF_BOOL have an offset and a default. */
struct conf_opt {
	const char			*name;
	enum conf_type			 type;
	bool				 zero;	/* 0 is in range as well */
	size_t				 offset; /* in what its section fills */
	uint64_t			 min, max;
	const char			*def;
	const struct conf_word		*words;
	const struct conf_section	*section;
};

struct conf_section {
	const char		*name;
	bool			 titled;	/* has a title; may repeat */
	const struct conf_opt	*opts;		/* up to name == NULL */
};

extern const struct conf_section conf_spec_root, conf_spec_spawnd,
    conf_spec_listen, conf_spec_servers, conf_spec_users, conf_spec_log,
    conf_spec_relay, conf_spec_remote;
extern const struct conf_word conf_spec_overloads[], conf_spec_balances[],
    conf_spec_ios[],
    conf_spec_facilities[], conf_spec_levels[];

const struct conf_opt	*conf_spec_find(const struct conf_section *,
			    const char *name);
/* "?" if there is no such value. */
const char		*conf_spec_word(const struct conf_word *, int value);

/*
 * conf_text.c
 *
 * The flat text is what the files say without comments, includes in place,
 * one source line a line at most. Line n of it stands at lines[n - 1] in the
 * files. Mistakes are noted by flat line, 0 for none, and so sort by
 * themselves.
 */

struct conf_origin {
	unsigned	 file;		/* index into files */
	int		 line;
	bool		 unset;		/* has a variable without a value */
};

struct conf_mistake {
	unsigned	 line;
	unsigned	 seq;		/* keeps the order of one line's */
	char		*text;
};

struct conf_text {
	char			*buf;
	size_t			 len, size;
	struct conf_origin	*lines;
	unsigned		 nlines, maxlines;
	char			**files;
	unsigned		 nfiles;
	size_t			 nread;		/* bytes of all files so far */
	struct conf_mistake	*mistakes;
	unsigned		 nmistakes, maxmistakes;
	bool			 cut;		/* something is missing: what
						   is not there is no mistake */
	bool			 nomem;
	bool			 more;		/* mistakes than are kept */
};

void		 conf_text_free(struct conf_text *);
/* Appends to the flat text; newlines in it belong to the line it starts on. */
void		 conf_text_put(struct conf_text *, const char *, size_t);
/* What is put from here on stands at that line of that file; returns the
 * number of the flat line. */
unsigned	 conf_text_sync(struct conf_text *, unsigned file, int line);
/* The number of a new file of that name. */
unsigned	 conf_text_add_file(struct conf_text *, const char *name);
/* The whole file, with a NUL behind it, for the caller to free; NULL with
 * *errp (static) set to what is wrong with it. */
char		*conf_text_read(struct conf_text *, int fd, size_t *len,
		    const char **errp);
/* A descriptor that is no directory and does not block to open; -1, errno. */
int		 conf_text_open(const char *path);

void		 conf_text_mistake(struct conf_text *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
void		 conf_text_vmistake(struct conf_text *, unsigned line,
		    const char *fmt, va_list) printf_like(3, 0);
/* "line 3", or "other.conf:3" if it stands in another file than from. */
const char	*conf_text_where(const struct conf_text *, unsigned line,
		    unsigned from, char *buf, size_t size);
/* Reports all mistakes in order; returns how many. */
unsigned	 conf_text_report(struct conf_text *, conf_report *, void *arg);

/*
 * conf_scan.c: fills the flat text. libconfuse counts a line with a comment
 * twice, swallows unclosed comments, forgets where sections begin, merges
 * those of one title, takes the last of several values, stops at an unknown
 * name, and keeps a failed include's state for the next parse. So comments
 * and includes are resolved here, names are checked here, and each section
 * gets a title "line.number:title" that no other has.
 */
void		 conf_scan_file(struct conf_text *, const char *path);
void		 conf_scan_string(struct conf_text *, const char *name,
		    const char *string);

/*
 * conf.c: sections and values as libconfuse read them.
 */

struct cfg_t;

struct conf_value {
	unsigned	 line;		/* flat */
	char		 text[];
};

/* NULL if there is no such section or value; sec may be NULL. */
const struct cfg_t	*conf_child(const struct cfg_t *sec, const char *name,
			    unsigned i);
unsigned		 conf_children(const struct cfg_t *sec,
			    const char *name);
const struct conf_value	*conf_value(const struct cfg_t *sec, const char *name,
			    unsigned i);
/* Title and flat line of a section. NULL: it has no title, or one that was
 * said to be wrong. */
const char		*conf_title(const struct cfg_t *sec);
unsigned		 conf_line(const struct cfg_t *sec);

/*
 * conf_check.c
 */

struct conf_check {
	struct conf		*conf;
	struct conf_text	*text;
};

/* All that can be said about root; incomplete if there are mistakes. NULL
 * without memory. */
struct conf	*conf_check(const struct cfg_t *root, struct conf_text *);
/* A mistake, unless the line has a variable without a value. */
void		 conf_check_fail(struct conf_check *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
/* Something is not there; no mistake where it may have been cut off. */
void		 conf_check_missing(struct conf_check *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
/* A copy of the text at v; NULL if v is NULL or the text cannot be used. */
char		*conf_check_text(struct conf_check *, const char *name,
		    const struct conf_value *v);
/* calloc(3) of n + 1; a mistake if there is no memory. */
void		*conf_check_alloc(struct conf_check *, size_t n, size_t size);

/*
 * conf_where.c
 */

/* Resolves "address, address ..." and port; a mistake or *naddr addresses. */
void		 conf_where_listen(struct conf_check *, const struct cfg_t *,
		    struct conf_listen *);
void		 conf_where_remote(struct conf_check *, const struct cfg_t *,
		    struct conf_remote *);
void		 conf_where_local(struct conf_check *, const struct cfg_t *,
		    struct conf_relay *);
/* "user[:group]" */
void		 conf_where_user(struct conf_check *, const struct cfg_t *);
void		 conf_where_paths(struct conf_check *, const struct cfg_t *);
/* The same address or path in two places. lines[i]: of conf->listens[i]. */
void		 conf_where_twice(struct conf_check *, const unsigned *lines,
		    unsigned control_line);

/*
 * conf_units.c
 */

/* Decimal digits and nothing else in front of *end; -1 if there are none or
 * too many. */
int		 conf_units_number(const char *, uint64_t *, const char **end);

/* The candidate nearest to a word, by edits and swaps of neighbours. */
struct conf_near {
	const char	*word, *best;
	unsigned	 distance;
	char		 hint[96];
};

void		 conf_near_init(struct conf_near *, const char *word);
void		 conf_near_try(struct conf_near *, const char *candidate);
/* "; did you mean \"backlog\"?", or "" if nothing is near. */
const char	*conf_near_hint(struct conf_near *);

#endif
