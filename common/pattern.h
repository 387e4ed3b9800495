/*
 * pattern.h - regular expressions (pcre2pattern(3)) on a direction: what comes
 * in pieces is matched as if it had come at once, wherever the pieces end.
 *
 * A match has to be certain within `window` bytes of where its search began:
 * what would need more is none. An empty string is no match.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include "compat.h"

#define PATTERN_BEHIND	4096	/* bytes that one may look behind, most */
#define PATTERN_TEXT	65536	/* of what stands in the place of a match */

struct pattern;

/* A piece. */
struct pattern_view {
	const char	*text;
	size_t		 len;
	size_t		 from;	/* all before this is decided, and there as far
				   as pattern_behind() wants it */
	bool		 last;	/* the direction ends with it */
};

/* MATCH: [start, end). WAIT: what begins at start may become one when more has
 * come; there is none before. NONE: start is the end of the piece. LIMIT: the
 * search took too much, what is before start counts as no match. MORE: much was
 * done, another turn may go on from start. */
enum pattern_found { PATTERN_MATCH, PATTERN_WAIT, PATTERN_NONE, PATTERN_LIMIT,
	PATTERN_MORE };

/* Compiles one; with: what stands in the place of matches, as of
 * pcre2_substitute(3), or NULL. Returns NULL with *errp (static), a sentence
 * that goes on after the name of the option that is wrong: *in_with says which
 * of the two. */
struct pattern	*pattern_new(const char *text, const char *with,
		    size_t window, bool *in_with, const char **errp);
void		 pattern_free(struct pattern **);
/* Before the first search: makes it as fast as the machine allows. Nothing
 * later takes memory that can be executed. */
void		 pattern_ready(struct pattern *);
/* How many bytes before the first undecided one it may want to see. */
size_t		 pattern_behind(const struct pattern *);
/* The first match from view->from on. */
enum pattern_found pattern_find(struct pattern *, const struct pattern_view *,
		    size_t *start, size_t *end);
/* What stands in the place of the match that pattern_find() has just found.
 * Returns its length, or -1: it is longer than PATTERN_TEXT. */
ssize_t		 pattern_with(struct pattern *, char[PATTERN_TEXT]);

#endif
