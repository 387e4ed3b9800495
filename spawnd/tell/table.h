/*
 * table.h - what a view of spawnctl show says: the same cells print as lines
 * with tabs, of which spawnctl makes columns, or as JSON.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdio.h>

#include "compat.h"

/* What is no text is a number, or null for "-", or true and false for "yes" and
 * "no". */
struct column {
	const char	*name;
	bool		 text;		/* a string in JSON */
};

struct table {
	const struct column	*cols;
	size_t			 ncols;
	char			**cells;
	size_t			 ncells, room;
	bool			 failed;	/* out of memory */
};

/* The next cell of the row, or the first one of the next row. */
void	 table_cell(struct table *, const char *, ...) printf_like(2, 3);
void	 table_number(struct table *, uint64_t);
/* Writes all and frees it; one: it is a single row, an object. */
void	 table_print(FILE *, struct table *, bool json, bool one);

#endif
