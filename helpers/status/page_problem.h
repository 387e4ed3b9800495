/*
 * page_problem.h - what is wrong, of all that the views tell.
 */
#ifndef PAGE_PROBLEM_H
#define PAGE_PROBLEM_H

#include "compat.h"

struct evbuffer;
struct rows;
struct sight;

/* Writes an item of a list for each. Returns how many there are, of which the
 * list may have only the first ones. */
size_t	 page_problems(struct evbuffer *, const struct sight *);

bool	 page_remote_bad(const struct rows *, size_t row);
bool	 page_tls_bad(const struct rows *, size_t row);

#endif
