/*
 * page_cell.h - cells of tables that a view has not as they are.
 */
#ifndef PAGE_CELL_H
#define PAGE_CELL_H

#include "compat.h"

struct evbuffer;
struct rows;

/* Of a row of the view remotes: which part of the open sessions of its relay
 * section it has, as a bar, and a mark where its weight would have it. */
void	 page_share(struct evbuffer *, const struct rows *, size_t row);
/* Of a row of the view times: nothing was. */
bool	 page_unmeasured(const struct rows *, size_t row);
/* Of a row of the view times: whose listener or remote was measured. */
void	 page_whose(struct evbuffer *, const struct rows *, size_t row);
/* Of a row of the view errors: the time; the day is left out where there is no
 * room. */
void	 page_when(struct evbuffer *, const struct rows *, size_t row);

#endif
