/*
 * dump.h - what the sessions of a dump section carry, as text for people.
 */
#ifndef DUMP_H
#define DUMP_H

#include "conf/conf.h"
#include "feed.h"

struct dump;

/* Lines go nowhere until there is a file; the configuration is to live as long.
 * Without memory the process ends. */
struct dump	*dump_new(const struct conf_dump *);
/* Lines go there from now on; fd is ours then. */
void		 dump_file(struct dump *, int fd);
/* Writes what there is, as much as is taken at once. */
void		 dump_flush(struct dump *);
void		 dump_free(struct dump **);

/* A session, as the lines have it. */
struct dumped {
	struct dump	*to;
	char		 name[48];
	uint64_t	 passed[2];	/* bytes from client, remote */
	uint64_t	 shown[2];	/* of these */
};

void		 dump_open(struct dumped *, const struct feed_open *,
		    struct dump *, const struct conf *, long pid, uint64_t us);
/* n bytes have passed, the first len of which are here. */
void		 dump_data(struct dumped *, int remote,
		    const unsigned char *, size_t len, uint64_t n,
		    uint64_t us);
/* The same, of which nothing is known. */
void		 dump_lost(struct dumped *, int remote, uint64_t n,
		    uint64_t us);
/* Whatever else has happened. */
void		 dump_say(struct dumped *, const char *what, uint64_t us);

#endif
