#include "compat.h"

#include <arpa/inet.h>

#include "guess.h"
#include "siphash.h"

#define WAYS	4	/* places that a source may have */

/* When it would have been wrong often enough for all that it was: that is never
 * more than the burst ahead of now. */
struct source {
	uint64_t	key;		/* 0: nobody */
	uint64_t	due;		/* ms */
};

static uint64_t	 key_of(const char *);
static struct source *place_of(uint64_t);

static struct source	 sources[GUESS_SOURCES];
static struct siphash_key secret;
static bool		 begun;

bool
guess_may(const char *text, uint64_t now)
{
	const uint64_t key = key_of(text);
	const struct source *s = place_of(key);

	return s->key != key ||
	    s->due <= now + (GUESS_BURST - 1) * GUESS_EVERY;
}

void
guess_wrong(const char *text, uint64_t now)
{
	const uint64_t key = key_of(text);
	struct source *s = place_of(key);

	if (s->key != key)
		*s = (struct source){ .key = key };
	s->due = MAX(s->due, now) + GUESS_EVERY;
}

static uint64_t
key_of(const char *text)
{
	struct in6_addr ip;

	if (!begun) {
		siphash_key(&secret);
		begun = true;
	}
	return (inet_pton(AF_INET6, text, &ip) == 1 ?
	    siphash(&secret, &ip, sizeof(ip) / 2) :
	    siphash(&secret, text, strlen(text))) | 1;
}

/* Its own, or the one of those that may be its that is done first. */
static struct source *
place_of(uint64_t key)
{
	struct source *first = &sources[key / WAYS % (GUESS_SOURCES / WAYS) *
	    WAYS], *best = first, *s;

	for (s = first; s < first + WAYS; s++) {
		if (s->key == key)
			return s;
		if (s->due < best->due)
			best = s;
	}
	return best;
}
