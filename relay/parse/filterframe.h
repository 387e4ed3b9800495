/*
 * filterframe.h - what is said between a worker and a filter program: frames of
 * spawnd-filter(7), as bytes.
 */
#ifndef FILTERFRAME_H
#define FILTERFRAME_H

#include "compat.h"

#define FILTERFRAME_HEAD	16	/* bytes before its contents */
#define FILTERFRAME_MAX		65540	/* of its contents, most */

/* To a program, and from one. */
enum filterframe_type { FRAME_OPEN = 1, FRAME_DATA, FRAME_FIN, FRAME_RESET,
	FRAME_CLOSE, FRAME_CREDIT, FRAME_PASS = 16, FRAME_REPLACE,
	FRAME_ENDED, FRAME_SKIP, FRAME_SHUT, FRAME_ABORT };

/* One that has come from a program. */
struct filterframe {
	enum filterframe_type	 type;
	unsigned		 way;	/* 0 up, 1 down */
	uint64_t		 session;
	uint32_t		 count;	/* bytes that it is about */
	const uint8_t		*bytes;	/* in their place, of REPLACE */
	size_t			 nbytes;
};

/* The first frame of what has come. Returns how many bytes it has, 0: more are
 * needed, or -1 with *errp (static): that is none. */
ssize_t	 filterframe_parse(const uint8_t *, size_t, struct filterframe *,
	    const char **errp);
/* The head of one that goes there. */
void	 filterframe_head(uint8_t[FILTERFRAME_HEAD], enum filterframe_type,
	    unsigned way, uint64_t session, size_t contents);
/* A number as it stands in contents. */
void	 filterframe_number(uint8_t[4], uint32_t);

#endif
