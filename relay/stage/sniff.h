/*
 * sniff.h - stage SNIFF: which name and protocols a client of TLS asks for, in
 * a session whose TLS is not ours. Takes nothing.
 */
#ifndef SNIFF_H
#define SNIFF_H

#include "path.h"
#include "sess.h"

bool	  sniff_wanted(const struct path *);
enum step sniff_enter(struct sess *);
enum step sniff_event(struct sess *, struct end *);
enum step sniff_timeout(struct sess *);

#endif
