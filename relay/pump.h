/*
 * pump.h - stages RELAY and FLUSH: moves the bytes of both directions.
 */
#ifndef PUMP_H
#define PUMP_H

#include "session.h"
#include "stage.h"

enum step pump_enter(struct sess *);
enum step pump_event(struct sess *, struct end *);
enum step pump_timeout(struct sess *);
/* A kernel that goes on by itself moves what comes from the end, or did so
 * until now; an error found there may be that of the other socket. */
bool	  pump_left_to_kernel(const struct end *);
/* Ends zero copy of what comes from an end, and counts what it has moved; what
 * is in a pipe is lost. */
void	  pump_unsplice(struct end *);
enum step flush_enter(struct sess *);
enum step flush_event(struct sess *, struct end *);
enum step flush_timeout(struct sess *);

#endif
