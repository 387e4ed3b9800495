/*
 * why.h - the words for who has ended a session, and why.
 */
#ifndef WHY_H
#define WHY_H

#include "sess.h"

/* Of enum sess_who and enum sess_why, as a session has them. */
const char	*why_who(unsigned);
const char	*why_name(unsigned);

#endif
