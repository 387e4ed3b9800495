/*
 * sources.h - what is known of sources: a table of bounded size that nobody can
 * fill to another's harm, and in which nobody can choose who falls together.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "addr.h"
#include "siphash.h"

/* A source, as its prefix says, seen from an owner such as a listener. */
struct source_key {
	uint8_t		ip[16];
	uint32_t	owner;
	uint32_t	family;
};

/* The head of an entry. One in use is there until it is idle; one that is idle
 * is there for as long as it is of use. */
struct known {
	LIST_ENTRY(known)	 entry;		/* in its bucket */
	struct source_key	 key;
	uint64_t		 until;		/* ns: of no use from then on */
	unsigned		 at;		/* among the idle */
};

struct sources {
	LIST_HEAD(known_list, known) *buckets;	/* NULL: no table */
	size_t			 nbuckets;
	struct siphash_key	 hash;
	struct known		**idle;		/* a heap: the first to be of no
						   use on top */
	unsigned		 nidle, max;
	unsigned		 n;		/* all */
};

/* An empty table in which max may be idle; those in use are as many as their
 * owners need. Returns 0, or -1 with errno. */
int		 sources_init(struct sources *, unsigned max);
/* Frees all that is in it. */
void		 sources_free(struct sources *);

/* bits of an IPv4 address, bits6 of an IPv6 address count. False: it has no
 * address. */
bool		 sources_key(struct source_key *, const struct source *,
		    unsigned owner, unsigned bits, unsigned bits6);
struct known	*sources_find(struct sources *, const struct source_key *);
/* A new entry, in use: size bytes of zeros with the head in front. NULL with
 * errno. */
struct known	*sources_add(struct sources *, const struct source_key *,
		    size_t size);
/* All, in no order: the one after, the first one after NULL; NULL: no more. */
struct known	*sources_next(const struct sources *, const struct known *);
/* It is in use, or goes on to be. */
void		 sources_use(struct sources *, struct known *);
/*
 * It is idle, and of use until then; freed if that is not later than now. If
 * more than max are idle the one that would be of no use first is freed: so
 * those go last that are known for the longest to have had too much.
 */
void		 sources_idle(struct sources *, struct known *, uint64_t until,
		    uint64_t now);

#endif
