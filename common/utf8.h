/*
 * utf8.h - text from outside that others are to read: in a log, on a terminal,
 * in JSON.
 */
#ifndef UTF8_H
#define UTF8_H

#include "compat.h"

/* How many bytes the UTF-8 character at s has, 1 to 4, of at most n > 0; 0 if
 * the bytes there are none. */
size_t	 utf8_len(const char *s, size_t n);
/* Makes one harmless line of n bytes: what is no UTF-8, and each byte of a
 * control character, becomes a question mark. */
void	 utf8_clean(char *s, size_t n);

#endif
