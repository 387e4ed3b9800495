/*
 * rows.h - a view of spawnctl show as text, read: a line of names, then a line
 * a row, with tabs between.
 */
#ifndef ROWS_H
#define ROWS_H

#include "compat.h"

#define ROWS_COLUMNS	64	/* of a view, at most; more are left out */

struct rows {
	char	*text;			/* what the cells are in */
	char	**cells;		/* the names, then row after row */
	size_t	 ncols, nrows;
};

/* Takes over the text, which malloc(3) has made, also if it fails. Cells become
 * harmless UTF-8; what a row does not have is "-", what it has more is left
 * out. Returns 0, or -1 with errno; then there is nothing to free. */
int	 rows_read(struct rows *, char *text);
void	 rows_free(struct rows *);

/* NULL: there is no such row, or no column with that name. */
const char *rows_cell(const struct rows *, size_t row, const char *name);
/* False: it is no number from 0 on, or there is none. */
bool	 rows_number(const struct rows *, size_t row, const char *name,
	    uint64_t *);

#endif
