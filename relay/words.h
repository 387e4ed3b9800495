/*
 * words.h - what is known of a session, as words of spawnd-auth(7), for whoever
 * is asked about it or sees its bytes.
 */
#ifndef WORDS_H
#define WORDS_H

#include "parse/authline.h"
#include "sess.h"

/* Adds them. */
void	 words_of(const struct sess *, struct authline *);

#endif
