/*
 * pane.h - a table of which a part is shown: sorted, filtered, with a row that
 * is chosen, which stays so wherever it goes.
 */
#ifndef PANE_H
#define PANE_H

#include "out.h"
#include "top/canvas.h"

#define PANE_KEY	256
#define PANE_ROWS	1000	/* most that are kept of what is endless */

struct pane {
	const char	*name;		/* what its rows are */
	const struct out_col *cols;	/* of its table */
	size_t		 ncols;
	size_t		 nkey;		/* its first cells tell rows apart */
	size_t		 sort;		/* by this column; ncols: as it comes */
	bool		 turned;	/* the other way round */
	bool		 problems;	/* sentences: "! what is wrong", or
					   what to look at */

	struct out_table t;		/* filled by fill.c; cells are ours */
	uint64_t	 all;		/* rows that there are */
	size_t		*order, n;	/* those shown */
	size_t		 first;		/* of these, on the screen */
	size_t		 at;		/* the one that is chosen */
	char		 key[PANE_KEY];	/* its name; empty: none */
};

/* Without rows, to be filled. */
void	 pane_clear(struct pane *);
void	 pane_free(struct pane *);
/* After it has been filled, or changed: puts those rows in order that have the
 * text somewhere. */
void	 pane_arrange(struct pane *, const char *filter);
/* Chooses another one, so many further on. */
void	 pane_move(struct pane *, long by);
/* Another column to sort by, so many further on; around. */
void	 pane_sort_by(struct pane *, long by);
/* Draws names and rows into that many lines. */
void	 pane_draw(struct pane *, struct canvas *, unsigned row, unsigned rows,
	    bool focus);
/* A cell of the row that is chosen, by the name of its column; NULL if there is
 * none. */
const char *pane_chosen(const struct pane *, const char *col);

#endif
