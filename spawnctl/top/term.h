/*
 * term.h - the terminal as a whole: term_curses.c, or term_none.c, which has
 * none. Of signals that end the program, it is set back before.
 */
#ifndef TERM_H
#define TERM_H

#include "top/canvas.h"

/* Keys that are no characters. */
enum {
	TERM_NONE = -1,
	TERM_UP = 0x110000, TERM_DOWN, TERM_LEFT, TERM_RIGHT, TERM_PAGE_UP,
	TERM_PAGE_DOWN, TERM_HOME, TERM_END, TERM_BACK, TERM_BACKSPACE,
	TERM_ENTER, TERM_ESCAPE, TERM_TAB, TERM_OTHER
};

/* Takes it, and reads all that there is to know of it. Returns 0, or -1 with
 * *errp. */
int	 term_open(bool colours, const char **errp);
void	 term_close(void);
/* Its size now. */
void	 term_size(unsigned *rows, unsigned *cols);
/* Shows that. */
void	 term_show(const struct canvas *);
/* A key that was pressed, or TERM_NONE. */
int	 term_key(void);
/* Did a signal come that ends the program? Is the terminal to be drawn anew? To
 * be asked whenever a wait has ended; a stop (SIGTSTP) happens in here. */
bool	 term_signals(bool *again);

#endif
