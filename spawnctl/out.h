/*
 * out.h - what people read: on a terminal tables fit its width, numbers have
 * units, and words have colours. Elsewhere all is there, as it is.
 */
#ifndef OUT_H
#define OUT_H

#include <stdio.h>

#include "amount.h"
#include "compat.h"
#include "rows.h"

#define OUT_NUMBER	AMOUNT_LEN	/* for a number as text */
#define OUT_COLUMNS	ROWS_COLUMNS	/* most of a table */
#define OUT_GAP		2	/* columns between two of them */

/* What a column has, which is how it is printed. */
enum out_unit { OUT_TEXT, OUT_PLAIN, OUT_BYTES, OUT_RATE, OUT_SECONDS };

/* What is well, what asks to be looked at, what is wrong, what is not there. */
enum out_tone { OUT_NO_TONE, OUT_WELL, OUT_LOOK, OUT_WRONG, OUT_OFF };

struct out_col {
	const char	*name;
	enum out_unit	 unit;
	bool		 sum;		/* the total says something */
	unsigned	 keep;		/* those with less go first if the
					   terminal is narrow */
};

struct out_table {
	const struct out_col	*cols;
	size_t			 ncols;
	char			**cells;	/* row after row; "-": none */
	size_t			 ncells, room;
};

/* Which columns there is room for, and how wide they are. */
struct out_layout {
	bool		 shown[OUT_COLUMNS];
	int		 width[OUT_COLUMNS];
	size_t		 last;		/* that is shown */
	unsigned	 hidden;
};

/* Looks at the standard output. bytes: numbers of bytes stay as they are. */
void	 out_start(bool bytes);
/* Is it a terminal, and are there people? */
bool	 out_terminal(void);
/* May there be colours? */
bool	 out_colours(void);
/* How many columns the terminal has, or should have. */
unsigned out_columns_wide(void);
/* People read it, wherever it goes to. */
void	 out_drawn(void);
/* Makes one harmless line of n bytes; spawnd, a worker or who plays one may
 * have sent anything. */
void	 out_clean(char *, size_t n);
/* What is known of a column with that name. */
struct out_col out_column(const char *name);

/* A cell more, of text that is copied and made harmless. */
void	 out_cell(struct out_table *, const char *text);
void	 out_cell_number(struct out_table *, uint64_t);
/* Prints a row a line below the names, and a total where there is one. */
void	 out_columns(const struct out_table *);
/* Prints the only row, a line a cell. */
void	 out_pairs(const struct out_table *);
void	 out_free(struct out_table *);
/* A number as text: for a terminal with its unit. Returns buf. */
const char *out_number(enum out_unit, uint64_t, char buf[OUT_NUMBER]);

/* For who puts a table together by himself. What is least wanted goes, until
 * there is room in so many columns (0: for all); each has at most so many
 * characters (0: as many as it needs). The caller frees it. */
struct out_layout *out_fit(const struct out_table *, unsigned width,
	    unsigned most);
/* A cell as it is printed: itself, or buf. */
const char *out_value(const struct out_col *, const char *cell,
	    char buf[OUT_NUMBER]);
enum out_tone out_tone(const struct out_col *, const char *value);
/* In characters, of what is clean. */
size_t	 out_len(const char *);

#endif
