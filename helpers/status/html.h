/*
 * html.h - a page as bytes.
 */
#ifndef HTML_H
#define HTML_H

#include "compat.h"

struct evbuffer;

/* Markup of ours, as it is. */
void	 html_put(struct evbuffer *, const char *);
/* The same; what is printed into it are numbers and words of ours. */
void	 html_printf(struct evbuffer *, const char *, ...) printf_like(2, 3);
/* Text that is anybody's: nothing of it is markup, in an attribute neither. */
void	 html_text(struct evbuffer *, const char *);
/* A number that is read by people, and by programs as it is. */
void	 html_data(struct evbuffer *, const char *value, const char *shown);

#endif
