/*
 * sight.h - a session as it is shown, by what a worker has told of it.
 */
#ifndef SIGHT_H
#define SIGHT_H

#include "out.h"
#include "rec.h"

/* Bytes a second, both ways, since it has begun, unless the record says of what
 * time. */
uint64_t	 sight_rate(const struct rec *);
/* As an object of JSON, on a line. */
void		 sight_json(const struct rec *);
/* As a row of a table with these columns. */
const struct out_col *sight_cols(void);
size_t		 sight_ncols(void);
void		 sight_row(struct out_table *, const struct rec *);

#endif
