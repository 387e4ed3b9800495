/*
 * self.h - what the process is: one worker of a generation.
 */
#ifndef SELF_H
#define SELF_H

#include "board.h"
#include "buckets.h"
#include "conf/conf.h"
#include "proto.h"
#include "targets.h"

struct remotes;
struct trace_calls;

struct self {
	/* By who starts it: */
	pid_t		 pid;
	unsigned	 slot;
	unsigned	 generation;
	int		 fd[PROTO_FD_END]; /* under their numbers in proto.h */
	bool		 inside;	/* the process is the master's, too */
	/* By begin.c: */
	struct conf	*conf;
	struct board	 board;
	struct targets	 targets;	/* mem is NULL: there are none */
	struct buckets	 buckets;	/* the same */
	struct remotes	*remotes;	/* one a relay section */
	bool		 ktls;		/* the kernel can encrypt, and is to */
	/* And as it goes on: */
	uint64_t	 serial;	/* of the last session */
	uint64_t	 nsessions;	/* open now */
	const struct trace_calls *trace; /* trace.h; NULL: nobody does */
	bool		 draining;	/* no more sessions come */
	bool		 retire;	/* a relay has had its sessions */
};
extern struct self self;

#endif
