/*
 * look.h - a look at spawnd: the views, and all sessions, one after another,
 * while others are waited for as well. One look at a time.
 */
#ifndef LOOK_H
#define LOOK_H

#include "rec.h"
#include "rows.h"

enum look_view {
	LOOK_SUMMARY, LOOK_LISTENERS, LOOK_REMOTES, LOOK_WORKERS,
	LOOK_GENERATIONS, LOOK_ERRORS, LOOK_TIMES, LOOK_HISTORY, LOOK_VIEWS
};

/* What a step has come to. */
enum {
	LOOK_SEEN = 1,			/* a look is complete */
	LOOK_FAILED = 2,		/* it is not: look_why() */
	LOOK_ACTED = 4			/* so is what was to be done: */
					/* look_answer() */
};

/* Who is told of each session of a look, before it is complete: NULL before the
 * first one. The same holds for a second look. */
void	 look_sessions(void (*take)(const struct rec *));
/* Begins one, if none is under way. Each answer may take limit ms (0: any). */
void	 look_begin(uint64_t limit);
/* Sends a request that does something, at the next opportunity. */
void	 look_act(const char *request);
/* What is to be waited for, to be read, or -1: nothing is under way; and until
 * when (ms, link_now()), UINT64_MAX for ever. */
int	 look_fd(uint64_t *until);
/* Goes on: when that can be read, or the time is over. Returns some of the
 * above. */
int	 look_step(bool readable);
/* For how long nothing has come that was asked for, ms. */
uint64_t look_silent(void);
/* Ends what is under way. */
void	 look_end(void);

/* As the last answer had it, without rows if there was none; and when that was,
 * by link_now(). */
const struct rows *look_rows(enum look_view);
uint64_t look_when(enum look_view);
/* Sentences. */
const char *look_why(void);
const char *look_answer(void);

#endif
