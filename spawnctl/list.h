/*
 * list.h - sessions, as the workers tell of them.
 */
#ifndef LIST_H
#define LIST_H

#include "rec.h"

#define LIST_LINE	512	/* of a request */

/* The words of a filter, as they stand on the command line, behind a request in
 * line: client NET, listener NAME and so on. own is asked first for each word,
 * and takes it with its value if it returns true; it may be NULL. */
void	 list_words(char line[LIST_LINE], int argc, char **argv,
	    bool (*own)(const char *word, const char *value));
/* What a list may have of its own: limit NUMBER, and sort, one of three words.
 * True if the word is one of these; its value, which stays the caller's, is
 * taken then. */
bool	 list_order(const char *word, const char *value, uint64_t *limit,
	    const char **sort, const char *const words[3]);
/* Asks, and hands on each session. Returns the status to exit with: 1 if some
 * could not be had, which has been said. *n, if not NULL, is how many the
 * workers have told of, or ended. */
int	 list_run(const char *request, void (*take)(const struct rec *),
	    uint64_t *n);

/* The same in parts, for who waits for something else as well; one at a time.
 * First what spawnd has answered to the request, which is taken apart; then,
 * whenever the descriptor that came with it can be read, what workers tell:
 * false, that was all. */
void	 list_begin(char *answer);
bool	 list_read(int fd, void (*take)(const struct rec *));
/* Says what could not be had. Returns the status to exit with. */
int	 list_missing(void);
/* How many sessions there were, or were ended, by those who have told. */
uint64_t list_done(void);

#endif
