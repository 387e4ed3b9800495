/*
 * flow.h - what is known of a session at a record section, as a connection of
 * TCP: its two ends, where its sequence numbers are, what has been said.
 */
#ifndef FLOW_H
#define FLOW_H

#include "feed.h"
#include "files.h"

/* Where the data of an item is copied from. */
struct flow_data {
	const struct feed_reader *reader;
	size_t		 len;		/* of what follows the item */
};

struct flow_side {
	struct source	 ends[2];	/* of client, remote: as in files */
	uint32_t	 begin[2];	/* sequence numbers */
};

struct flow {
	struct files	*files;
	unsigned	 sides;		/* 1, or 2: the remote's as well */
	struct flow_side side[2];
	uint64_t	 passed[2];	/* bytes from client, remote */
	bool		 ended[2];	/* FIN was sent */
	bool		 reset;
	unsigned	 file;		/* of its last packet */
	char		 who[PCAPNG_COMMENT / 2]; /* for comments */
};

/* A session begins, or goes on; its sections are those of the configuration.
 * The process with pid is its worker. */
void	 flow_open(struct flow *, const struct feed_open *, struct files *,
	    const struct conf *, long pid, uint64_t us);
/* n bytes more have passed, at most FEED_MOST, of which the data is here. */
void	 flow_data(struct flow *, int remote, uint32_t n,
	    const struct flow_data *, uint64_t us);
void	 flow_lost(struct flow *, int remote, uint64_t n, uint64_t us);
void	 flow_fin(struct flow *, int remote, uint64_t us);
void	 flow_reset(struct flow *, int remote, uint64_t us);
/* It has ended: why, for people. */
void	 flow_close(struct flow *, const char *why, uint64_t us);

#endif
