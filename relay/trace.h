/*
 * trace.h - what happens to a session, told to who traces it (tracing.h): of
 * nearly all nobody does.
 */
#ifndef TRACE_H
#define TRACE_H

#include "self.h"
#include "sess.h"

/* Of tracing.c; self.trace is NULL while nobody traces any. */
struct trace_calls {
	void	(*look)(struct sess *, const char *event);
	void	(*tell)(const struct sess *, const char *event,
		    const struct remote *at, const char *what);
};

/* A session has begun, or is another source's from now on. */
static inline void
trace_look(struct sess *s, const char *event)
{
	if (self.trace != NULL)
		self.trace->look(s, event);
}

static inline bool
trace_is(const struct sess *s)
{
	return s->extra != NULL && s->extra->traced && self.trace != NULL;
}

/* Something has happened: a word, and NULL or what there is to say of it. */
static inline void
trace(const struct sess *s, const char *event, const char *what)
{
	if (trace_is(s))
		self.trace->tell(s, event, NULL, what);
}

/* The same at a place. */
static inline void
trace_at(const struct sess *s, const char *event, const struct remote *at,
    const char *what)
{
	if (trace_is(s))
		self.trace->tell(s, event, at, what);
}

#endif
