/*
 * page.h - all that is to be seen, as one page of HTML.
 */
#ifndef PAGE_H
#define PAGE_H

#include "compat.h"

struct evbuffer;
struct sight;

/* The page; nonce: what its style and its script have, so that the browser can
 * tell them from others. */
void	 page_write(struct evbuffer *, const struct sight *, const char *nonce);

#endif
