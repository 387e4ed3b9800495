/*
 * self.h - what the whole process is: one worker of a generation.
 */
#ifndef SELF_H
#define SELF_H

#include "board.h"
#include "conf/conf.h"
#include "targets.h"

struct remotes;

/* main.c fills it. */
struct self {
	struct conf	*conf;
	struct board	 board;
	struct targets	 targets;	/* mem is NULL: there are none */
	pid_t		 pid;
	unsigned	 slot;
	unsigned	 generation;
	struct remotes	*remotes;	/* one a relay section */
	uint64_t	 nsessions;	/* open now */
	bool		 draining;	/* no more sessions come */
	bool		 retire;	/* a relay has had its sessions */
};
extern struct self self;

#endif
