/*
 * line.h - a line that is put together: what finds no room is left out.
 */
#ifndef LINE_H
#define LINE_H

#include <stdio.h>

#include "compat.h"

struct line {
	char	*text;		/* not ended by NUL */
	size_t	 len, size;	/* bytes */
};

void	 line_bytes(struct line *, const void *, size_t);
void	 line_text(struct line *, const char *);
void	 line_byte(struct line *, char);
void	 line_number(struct line *, uint64_t);
/* Microseconds as seconds with three digits behind the point. */
void	 line_seconds(struct line *, uint64_t us);
/* The text in quotes, as JSON has it; what is no UTF-8 becomes U+FFFD. */
void	 line_json(struct line *, const char *);
/* The same, written there. */
void	 line_json_write(FILE *, const char *);

#endif
