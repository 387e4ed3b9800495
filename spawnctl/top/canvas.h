/*
 * canvas.h - a screen as characters and what they look like, wherever it is
 * shown. What others have chosen is made harmless here: a control character,
 * and what is not one column wide, becomes a question mark.
 */
#ifndef CANVAS_H
#define CANVAS_H

#include "compat.h"

enum ink {
	INK_PLAIN, INK_BOLD, INK_DIM, INK_WELL, INK_LOOK, INK_WRONG,
	INK_TITLE,		/* of a pane */
	INK_SORTED,		/* the title that it is sorted by */
	INK_CHOSEN,		/* the row that is */
	INK_COUNT
};

struct canvas_cell {
	char		 ch[5];		/* UTF-8, with its end */
	uint8_t		 ink;		/* enum ink */
};

struct canvas {
	unsigned		 rows, cols;
	bool			 utf8;	/* what shows it knows UTF-8, and
					   setlocale(3) has been told */
	struct canvas_cell	*cells;	/* row after row */
};

/* Blank, in that size; ends the program without memory. */
void	 canvas_begin(struct canvas *, unsigned rows, unsigned cols);
void	 canvas_free(struct canvas *);
/* Writes text from there on, in width columns at most; where it has more the
 * middle is left out. What would be outside is not written. Returns how many
 * columns it has taken. */
unsigned canvas_put(struct canvas *, unsigned row, unsigned col,
	    unsigned width, enum ink, const char *text);
/* Changes what these columns look like. */
void	 canvas_ink(struct canvas *, unsigned row, unsigned col,
	    unsigned width, enum ink);
/* How many columns a text takes that is shown. */
unsigned canvas_wide(const char *text);
/* All lines, without the blanks at their ends, with colours by escape sequences
 * if there may be any. */
void	 canvas_print(const struct canvas *, FILE *, bool colours);

#endif
