/*
 * logdest.h - a receiver of syslog messages (RFC 5424) by its address:
 * "udp://192.0.2.7:514", "tcp://[2001:db8::7]:601" or "unix:///run/log".
 */
#ifndef LOGDEST_H
#define LOGDEST_H

#include "addr.h"

struct log_dest {
	int		type;	/* SOCK_DGRAM, SOCK_STREAM; of a unix socket
				   either, SOCK_DGRAM being tried first */
	struct addr	addr;
};

/* Names are not looked up: the log is to be there when nothing else is. Returns
 * 0, or -1 with *errp (static): what is wrong with it, as what follows the text
 * in a sentence. */
int	 log_dest_parse(const char *, struct log_dest *, const char **errp);

#endif
