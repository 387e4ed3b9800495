/*
 * feed.h - what a worker tells the recorder: items in a ring of memory that
 * both have mapped.
 *
 * Each field has one writer but for asleep, and the ring is the worker's: who
 * has taken it over can write anything anywhere in it, at any time. So the
 * reader keeps its own place, copies before it looks, and believes nothing; the
 * worst that he can do is to be recorded wrongly. The writer never waits.
 */
#ifndef FEED_H
#define FEED_H

#include "addr.h"

#include <stdatomic.h>

#define FEED_ROOM	(4 * 1024 * 1024)	/* bytes of items: a power of
						   2, whole pages */
#define FEED_RESERVE	(FEED_ROOM / 64)	/* of it, not for data */
#define FEED_MOST	65000			/* bytes of data of an item */

struct feed_ring {
	/* writer: the worker */
	_Atomic uint64_t	 head;		/* bytes of items so far */
	char			 apart[56];
	/* writer: the recorder */
	_Atomic uint64_t	 tail;		/* of these, taken so far */
	_Atomic uint32_t	 readers;	/* recorders so far: one that
						   is new knows no session */
	/* set by the recorder, which is to be woken, and by the worker, which
	 * has done so */
	_Atomic uint32_t	 asleep;
	char			 rest[4096 - 80];
	unsigned char		 bytes[FEED_ROOM];
};

enum feed_kind {
	FEED_OPEN = 1,	/* struct feed_open: a session, for one section */
	FEED_DATA,	/* n bytes have passed, of which kept follow */
	FEED_LOST,	/* the same, but nothing of it is here */
	FEED_FIN,	/* no more comes in that direction */
	FEED_RESET,	/* it has failed, or was cut */
	FEED_CLOSE,	/* the session ends: why follows, as text */
	FEED_KINDS
};

/* What stands before what belongs to it, together a multiple of 8 bytes. */
struct feed_item {
	uint32_t	size;		/* bytes of both */
	uint8_t		kind;		/* enum feed_kind */
	uint8_t		remote;		/* 1: from the remote to the client */
	uint16_t	pad;		/* 0 */
	uint32_t	tap;		/* which session of which section: a
					   number that the worker chooses, free
					   again behind CLOSE */
	uint32_t	kept;		/* bytes that follow */
	uint64_t	n;		/* bytes that passed; of DATA at most
					   FEED_MOST */
	uint64_t	us;		/* when, since 1970 */
};

enum feed_section { FEED_RECORD, FEED_DUMP };

/* Said once more to a recorder that is new. */
struct feed_open {
	uint32_t	kind;		/* enum feed_section */
	uint32_t	section;	/* index into those of its kind */
	uint32_t	listener;	/* index into conf.listens */
	uint32_t	hidden;		/* 1: its contents are not to be kept */
	uint64_t	session;	/* number at its worker */
	uint64_t	passed[2];	/* bytes from client, remote so far */
	/* Addresses: the client's, and that which it has connected to; of the
	 * connection to the remote, ours and its. */
	struct source	client, here, local, there;
};

/* --- the worker --- */

struct feed_writer {
	struct feed_ring *ring;		/* NULL: there is none */
	int		 wake;		/* a socket to the recorder */
	uint64_t	 head;		/* what is written, told or not */
};

/* How much data may follow an item now; 0: not even the item fits. */
size_t		 feed_room(const struct feed_writer *);
/* Begins an item that has so many bytes behind it, which are then added, in any
 * pieces, and told to the recorder. False: it does not fit, nothing has
 * happened. Items without data may have the reserve. */
bool		 feed_begin(struct feed_writer *, struct feed_item *);
void		 feed_add(struct feed_writer *, const void *, size_t);
void		 feed_tell(struct feed_writer *);
/* Bytes that were taken so far: whether it goes on. */
uint64_t	 feed_progress(const struct feed_writer *);
/* How many recorders there were. */
uint32_t	 feed_readers(const struct feed_writer *);

/* --- the recorder --- */

struct feed_reader {
	struct feed_ring *ring;
	uint64_t	 tail;
};

/* Goes on where the last one has stopped. */
void		 feed_attach(struct feed_reader *);
/* The next item as it is now, whole and with a size and a kind that can be: 1;
 * 0 there is none; -1 what is there is none. */
int		 feed_next(struct feed_reader *, struct feed_item *);
/* Copies len bytes of what follows it, from off on; both are within kept. */
void		 feed_copy(const struct feed_reader *, size_t off, void *,
		    size_t len);
/* It is done with. */
void		 feed_taken(struct feed_reader *, const struct feed_item *);
/* Asks to be woken; false: there is something already. */
bool		 feed_sleep(struct feed_reader *);

/* --- all three --- */

/* Maps what is behind fd, which stays open. NULL with errno. */
struct feed_ring *feed_map(int fd);
void		 feed_unmap(struct feed_ring **);
/* Memory for one, of zeros, that nobody can make shorter: the descriptor, or -1
 * with errno. */
int		 feed_create(void);

#endif
