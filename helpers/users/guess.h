/*
 * guess.h - how often a source may be wrong about a password: 10 times, and
 * then once a second, whoever it says it is. An IPv6 network of 64 bits is one
 * source.
 */
#ifndef GUESS_H
#define GUESS_H

#include "compat.h"

#define GUESS_BURST	10
#define GUESS_EVERY	1000	/* ms */
#define GUESS_SOURCES	4096	/* known at a time; the oldest are forgotten */

/* source is the text of an address; now are ms. */
bool	 guess_may(const char *source, uint64_t now);
void	 guess_wrong(const char *source, uint64_t now);

#endif
