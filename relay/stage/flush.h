/*
 * flush.h - stage FLUSH: one end has failed, the other still gets what it had
 * sent, and then a reset.
 */
#ifndef FLUSH_H
#define FLUSH_H

#include "sess.h"

enum step flush_enter(struct sess *);
enum step flush_event(struct sess *, struct end *);
enum step flush_timeout(struct sess *);

#endif
