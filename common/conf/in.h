/*
 * in.h - bytes of an encoded value, from the front; what every reading of it
 * has in common. Nothing is read behind the end.
 */
#ifndef CONF_IN_H
#define CONF_IN_H

#include "conf/int.h"

struct in {
	struct conf	*conf;		/* being filled; owns the bytes */
	const char	*p, *end;
	struct kind	*kinds;		/* decode.c */
	unsigned	 nkinds;
	unsigned	 nsections;	/* so far */
};

/* The value of a row that is no section: all that is left. -1: in_error(). */
int		 in_value(struct in *, const struct conf_opt *, void *base);

/* NULL if there are fewer. */
const char	*in_bytes(struct in *, size_t len);
int		 in_number(struct in *, uint32_t *);
/* A text behind its length. */
const char	*in_text(struct in *);
/* Notes the sentence; always -1. */
int		 in_fail(const char *, ...) printf_like(1, 2);
int		 in_short(void);
/* The sentence of the latest failure, static storage. */
const char	*in_error(void);

#endif
