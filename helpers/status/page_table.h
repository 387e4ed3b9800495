/*
 * page_table.h - a view as a table of the page.
 */
#ifndef PAGE_TABLE_H
#define PAGE_TABLE_H

#include "compat.h"

#define PAGE_ROWS	200	/* of a table, at most */

struct evbuffer;
struct rows;

enum page_kind { PAGE_TEXT, PAGE_NAME, PAGE_STATE, PAGE_PLAIN, PAGE_COUNT,
    PAGE_BYTES, PAGE_AGE, PAGE_SPAN };

/* A column that the view does not have is left out. */
struct page_col {
	const char	*name;		/* as the view has it */
	enum page_kind	 kind;
	bool		 wide;		/* only where there is room */
	bool		 breaks;	/* into lines, as a sentence */
	/* What stands there, in place of the cell; NULL: the cell. */
	void		(*draw)(struct evbuffer *, const struct rows *, size_t);
};

struct page_table {
	const char		*id;
	const char		*title;
	const char		*caption;
	const char		*none;		/* there are no rows */
	const struct page_col	*cols;
	size_t			 ncols;
	/* What is of no use to anybody. NULL: nothing is. */
	bool			(*skip)(const struct rows *, size_t);
	/* What stands first where there are too many. NULL: none does. */
	bool			(*first)(const struct rows *, size_t);
	/* So many from the last one back; 0: all in their order. */
	size_t			 last;
};

/* rows: NULL if nobody knows. */
void	 page_table(struct evbuffer *, const struct page_table *,
	    const struct rows *);

#endif
