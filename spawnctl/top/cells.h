/*
 * cells.h - cells of a pane, by what a view has.
 */
#ifndef CELLS_H
#define CELLS_H

#include "out.h"
#include "rows.h"

/* As it is there, "-" if it is not. */
void	 cell_same(struct out_table *, const struct rows *, size_t row,
	    const char *name);
/* What has been added a second to the figure of that name, of what kind and
 * which name, by a view that was had at that time (ms); "-" if there is no
 * saying. */
void	 cell_rate(struct out_table *, const struct rows *, size_t row,
	    const char *name, const char *what, uint64_t at);
/* What the figure is, 0 if there is none. */
uint64_t cell_number(const struct rows *, size_t row, const char *name);
/* The text, "" if there is none. */
const char *cell_text(const struct rows *, size_t row, const char *name);

#endif
