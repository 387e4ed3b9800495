/*
 * probe.h - what is in the way of a start, or of sessions, on this machine and
 * for who asks, though the configuration is good.
 */
#ifndef PROBE_H
#define PROBE_H

#include "conf/conf.h"

/*
 * start: as far as a start would find it. What cannot work is reported as a
 * mistake of that file, and what may be different later, or for the user who
 * starts it, as a warning. Makes nothing and changes nothing.
 */
void	 probe(const struct conf *, bool start, const char *file,
	    conf_report *);

#endif
