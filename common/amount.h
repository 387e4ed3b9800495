/*
 * amount.h - numbers as people read them: in a terminal and on a page.
 */
#ifndef AMOUNT_H
#define AMOUNT_H

#include "compat.h"

#define AMOUNT_LEN	32	/* room for one as text, with its end */

/* From 1000 on with a unit, of which each is a thousand of the last: "950",
 * "1.3k", "412M". Returns buf. */
const char *amount_scaled(uint64_t, char buf[AMOUNT_LEN]);
/* Seconds, in the two largest units that there are: "7s", "1m05s", "12d04h".
 * Returns buf. */
const char *amount_time(uint64_t seconds, char buf[AMOUNT_LEN]);
/* Digits in groups: "1,284". Returns buf. */
const char *amount_count(uint64_t, char buf[AMOUNT_LEN]);
/* Of seconds what is less than one, too: "0.3 ms", "12 ms", "1.2 s", "5m00s".
 * Returns buf. */
const char *amount_span(double seconds, char buf[AMOUNT_LEN]);

#endif
