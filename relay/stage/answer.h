/*
 * answer.h - stage ANSWER: who has asked is told that it is connected, or why
 * it is not. The runner enters it for a session that ends while an answer is
 * owed; then the client is read until it has gone, as what is closed with
 * something unread takes the answer with it.
 */
#ifndef STAGE_ANSWER_H
#define STAGE_ANSWER_H

#include "path.h"
#include "sess.h"

bool	  answer_wanted(const struct path *);
enum step answer_enter(struct sess *);
enum step answer_event(struct sess *, struct end *);
enum step answer_timeout(struct sess *);

/* The session is to end: does the client wait for an answer? Then it is going
 * to be no. */
bool	  answer_is_owed(struct sess *);

#endif
