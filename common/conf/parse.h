/*
 * parse.h - between those files of the configuration that read it as a file,
 * and who looks with them at what it names.
 *
 *   text.c     files into one flat text, and the list of mistakes
 *   trust.c    files that others can write
 *   lex.c      words, comments, variables
 *   scan.c     what stands where: names, nesting
 *   include.c  include()
 *   hint.c     what an unknown name may have been meant to be
 *   confuse.c  libconfuse: the flat text into sections and values
 *   option.c   values into a value, by the rows; what is true of every row
 *   where.c    rows that are addresses, ports and paths
 *   owner.c    rows that are users and groups
 *   local.c    rows that are addresses of this machine to connect from
 *   check.c    what one row has to do with another
 *   tls.c      the options of a tls section
 *   filters.c  which filters sessions have
 *   faults.c   the options of a fault
 *   route.c    which route is for whom
 *   listen.c   the options of sockets that listen
 *   probe.c    the check of a remote
 *   loop.c     a remote that is a listener
 */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include <stdarg.h>

#include "conf/int.h"
#include "conf/near.h"

#define CONF_HINTS	100	/* mistakes that near names are looked for */

/*
 * text.c
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
	bool		 partial;	/* the section here has one of a kind
					   that is not known; one without a
					   title, an option */
};

struct conf_mistake {
	unsigned	 line;
	unsigned	 seq;		/* keeps the order of one line's */
	enum conf_kind	 kind;
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
	bool			 wrong;		/* one of them is no warning */
	bool			 cut;		/* something is missing: what
						   is not there is no mistake */
	bool			 partial;	/* the root is */
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

/* A section that is missing in the one at that line, 0 for the root, may be
 * that which is not known: the latter is what is said. */
void		 conf_text_partial(struct conf_text *, unsigned line);
bool		 conf_text_is_partial(const struct conf_text *,
		    unsigned line);

void		 conf_text_mistake(struct conf_text *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
void		 conf_text_vmistake(struct conf_text *, unsigned line,
		    const char *fmt, va_list) printf_like(3, 0);
void		 conf_text_warning(struct conf_text *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
void		 conf_text_doubt(struct conf_text *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
/* "line 3", or "other.conf:3" if it stands in another file than from. */
const char	*conf_text_where(const struct conf_text *, unsigned line,
		    unsigned from, char *buf, size_t size);
/* Reports all in order; returns how many are mistakes. */
unsigned	 conf_text_report(struct conf_text *, conf_report *, void *arg);

/*
 * trust.c: warns, at that line, of an open file of that name that others can
 * write or put another one in the place of.
 */
void		 conf_trust(struct conf_text *, unsigned line, int fd,
		    const char *path);
/* The same of the folder only, for names that are not there yet. */
void		 conf_trust_folder(struct conf_text *, unsigned line,
		    const char *path);

/*
 * scan.c: fills the flat text. libconfuse counts a line with a comment
 * twice, swallows unclosed comments, forgets where sections begin, merges
 * those of one title after a search among all, takes the last of several
 * values, stops at an unknown name, and keeps a failed include's state for the
 * next parse. So comments and includes are resolved here, names are checked
 * here, and line and title of a section become options of it.
 */
void		 conf_scan_file(struct conf_text *, const char *path);
void		 conf_scan_string(struct conf_text *, const char *name,
		    const char *string);

/*
 * confuse.c: sections and values as libconfuse read them.
 */

/* What scan.c puts into every section; no option can have such a name. */
#define CONF_LINE	".line"
#define CONF_TITLE	".title"

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
/* That of an option; of the section if it is not given. */
unsigned		 conf_line_of(const struct cfg_t *sec,
			    const char *name);

/*
 * hint.c
 */

#define CONF_HINTLEN	160

/* What may have been meant by a word that is no option of that section: ";
 * did you mean ...?" or ""; returns buf or a literal. */
const char		*conf_hint(const struct conf_section *,
			    const char *word,
			    char buf[CONF_HINTLEN]);

/*
 * option.c
 */

struct conf_check {
	struct conf		*conf;
	struct conf_text	*text;
	void			*up;	/* what the section around fills */
	bool			 silent; /* no name server answers */
};

/* A row being read. */
struct conf_at {
	const struct conf_opt	*opt;
	const struct cfg_t	*sec;
	const struct conf_value	*v;		/* NULL: not given */
	unsigned		 line;		/* of it, or of the section */
	void			*base;		/* what the section fills */
	char			 name[64];	/* for reports */
};

/* All that can be said about root; incomplete if there are mistakes. NULL
 * without memory. */
struct conf	*conf_check(const struct cfg_t *root, struct conf_text *);
/* For whoever loads one: has that look at it too, when all else has been looked
 * at, mistakes or not. */
typedef void conf_look(struct conf_check *, const struct cfg_t *root);
void		 conf_look_with(conf_look *);
/* A mistake, unless the line has a variable without a value. */
void		 conf_check_fail(struct conf_check *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
/* Something is not there; no mistake where it may have been cut off. */
void		 conf_check_missing(struct conf_check *, unsigned line,
		    const char *fmt, ...) printf_like(3, 4);
/* Memory of the value; a mistake if there is none. */
void		*conf_check_alloc(struct conf_check *, size_t n, size_t size);
/* Stores a copy of the text and returns it; NULL after a mistake. */
const char	*conf_check_text(struct conf_check *, const struct conf_at *);

/*
 * where.c, owner.c: a row of the type, with a value.
 */
void		 conf_read_hosts(struct conf_check *, const struct conf_at *);
void		 conf_read_port(struct conf_check *, const struct conf_at *);
void		 conf_read_path(struct conf_check *, const struct conf_at *);
void		 conf_read_socket(struct conf_check *, const struct conf_at *);
void		 conf_read_user(struct conf_check *, const struct conf_at *);
void		 conf_read_uid(struct conf_check *, const struct conf_at *);
void		 conf_read_gid(struct conf_check *, const struct conf_at *);

/*
 * local.c
 */

/* Adds to the list what the text stands for. Returns 0, or -1 after a
 * mistake. */
int		 conf_read_local(struct conf_check *, const struct conf_at *,
		    const char *, struct conf_array *);
/* Remotes have addresses that can be reached from there, and no others. */
void		 conf_check_locals(struct conf_check *,
		    const struct cfg_t *root);

/*
 * check.c
 */

/* The same title twice among the sections of that row. */
void		 conf_check_titles(struct conf_check *, const struct conf_opt *,
		    const struct cfg_t *parent);
/* All others, when all is read. */
void		 conf_check_relations(struct conf_check *,
		    const struct cfg_t *root);

/*
 * target.c: relay sections with targets in place of remotes.
 */
void		 conf_check_targets(struct conf_check *,
		    const struct cfg_t *root);

/*
 * tls.c: what one option of a tls section has to do with another, and with who
 * uses it.
 */
void		 conf_check_tls(struct conf_check *, const struct cfg_t *root);

/*
 * patterns.c: the same of match sections.
 */
void		 conf_check_patterns(struct conf_check *,
		    const struct cfg_t *root);

/*
 * auth.c: the same of an auth section.
 */
void		 conf_check_auth(struct conf_check *, const struct cfg_t *root);

/*
 * faults.c: what one option of a fault has to do with another.
 */
void		 conf_check_faults(struct conf_check *,
		    const struct cfg_t *root);

/*
 * filters.c: names of filters, and what cannot be together with one.
 */
void		 conf_check_filters(struct conf_check *,
		    const struct cfg_t *root);

/*
 * ask.c: listeners whose clients say where they want to go.
 */
void		 conf_check_asks(struct conf_check *,
		    const struct cfg_t *spawnd);

/*
 * route.c: routes that nobody comes to, and sessions that none is for.
 */
void		 conf_check_routes(struct conf_check *,
		    const struct cfg_t *root);

/*
 * listen.c: the options of sockets that listen; leaves out addresses that
 * v6only does not want.
 */
void		 conf_check_listens(struct conf_check *,
		    const struct cfg_t *spawnd);
/* Of one, what serve has to do with the others. */
void		 conf_check_serve(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
/* Is there a status process in this build? */
extern const bool conf_can_status;

/*
 * exec.c: what cannot be together with another program than relay.
 */
void		 conf_check_exec(struct conf_check *,
		    const struct cfg_t *root);

/*
 * probe.c: what the check of a remote sends and expects, and whether that can
 * be.
 */
void		 conf_check_probes(struct conf_check *,
		    const struct cfg_t *root);

/*
 * limit.c: limits of listeners and of their sources, and what is kept for them.
 */
void		 conf_check_logs(struct conf_check *,
		    const struct cfg_t *spawnd);
void		 conf_check_limits(struct conf_check *,
		    const struct cfg_t *spawnd);

/*
 * single.c: what cannot be where all is one process, of which there is one.
 */
void		 conf_check_single(struct conf_check *,
		    const struct cfg_t *root);

/*
 * loop.c: sessions that would come back to the relay that they are of, for
 * ever.
 */
void		 conf_check_loops(struct conf_check *,
		    const struct cfg_t *root);

#endif
