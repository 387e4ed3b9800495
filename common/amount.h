/*
 * amount.h - numbers as people read them: in a terminal and on a page.
 */
#ifndef AMOUNT_H
#define AMOUNT_H

#include "compat.h"

#define AMOUNT_LEN	24	/* room for one as text, with its end */

/* Behind the second digit at most a unit, of a thousand each: "0", "950",
 * "1.3k", "412M". Returns buf. */
const char *amount_scaled(uint64_t, char buf[AMOUNT_LEN]);
/* Seconds, in the two largest units that there are: "7s", "1m05s", "12d04h".
 * Returns buf. */
const char *amount_time(uint64_t seconds, char buf[AMOUNT_LEN]);

#endif
