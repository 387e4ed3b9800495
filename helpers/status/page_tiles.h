/*
 * page_tiles.h - the figures that the page has in large.
 */
#ifndef PAGE_TILES_H
#define PAGE_TILES_H

#include "compat.h"

struct evbuffer;
struct rows;

/* Of the views summary and history; each NULL if nobody knows. */
void	 page_tiles(struct evbuffer *, const struct rows *,
	    const struct rows *);

#endif
