#include "compat.h"

#include "accept/listener.h"
#include "accept/lookup.h"
#include "hash.h"
#include "master.h"

#define BUCKETS		16381	/* for 10,000 listeners and more */

LIST_HEAD(bucket, lookup_key);

static uint32_t	 hash_asked(const struct addr *, const char *);
static uint32_t	 hash_addr(enum lookup, const struct addr *);
static uint32_t	 hash_port(enum lookup, const struct addr *);
static uint32_t	 hash_name(const char *);
static uint32_t	 hash_file(const struct unixsock *);
static void	 put(struct listener *, enum lookup, uint32_t);
static struct listener *match(const struct lookup_key *, enum lookup,
		    uint32_t);
static struct listener *first(enum lookup, uint32_t);

static struct bucket	 buckets[BUCKETS];

static uint32_t
hash_asked(const struct addr *a, const char *name)
{
	uint32_t h = hash_addr(LOOKUP_ASKED, a);

	if (a->sa.sa_family != AF_UNIX && addr_get_port(a) == 0)
		h = hash_text(h, name);
	return h;
}

static uint32_t
hash_addr(enum lookup by, const struct addr *a)
{
	uint32_t h = hash_port(by, a);

	switch (a->sa.sa_family) {
	case AF_INET:
		return hash_bytes(h, &a->in.sin_addr, sizeof(a->in.sin_addr));
	case AF_INET6:
		return hash_bytes(h, &a->in6.sin6_addr,
		    sizeof(a->in6.sin6_addr));
	case AF_UNIX:
		return hash_text(h, a->un.sun_path);
	default:
		return h;
	}
}

static uint32_t
hash_port(enum lookup by, const struct addr *a)
{
	const uint32_t key[] = { by, a->sa.sa_family, addr_get_port(a) };

	return hash_bytes(HASH_BEGIN, key, sizeof(key));
}

static uint32_t
hash_name(const char *name)
{
	const uint32_t by = LOOKUP_NAME;

	return hash_bytes(hash_bytes(HASH_BEGIN, &by, sizeof(by)), name,
	    master.opt.inetd ? 0 : strlen(name));
}

static uint32_t
hash_file(const struct unixsock *file)
{
	const uint32_t by = LOOKUP_FILE;
	uint32_t h = hash_bytes(HASH_BEGIN, &by, sizeof(by));

	h = hash_bytes(h, &file->dev, sizeof(file->dev));
	return hash_bytes(h, &file->ino, sizeof(file->ino));
}

void
lookup_add(struct listener *l)
{
	lookup_del(l);
	put(l, LOOKUP_ASKED, hash_asked(&l->asked, l->name));
	if (l->addr.sa.sa_family != AF_UNIX) {
		put(l, LOOKUP_BOUND, hash_addr(LOOKUP_BOUND, &l->addr));
		put(l, LOOKUP_PORT, hash_port(LOOKUP_PORT, &l->addr));
	}
	if (l->from == LISTENER_BY_NAME)
		put(l, LOOKUP_NAME, hash_name(l->name));
	if (l->file.ino != 0)
		put(l, LOOKUP_FILE, hash_file(&l->file));
}

static void
put(struct listener *l, enum lookup by, uint32_t hash)
{
	struct lookup_key *key = &l->keys[by];

	key->of = l;
	key->hash = hash;
	LIST_INSERT_HEAD(&buckets[hash % BUCKETS], key, entry);
}

void
lookup_del(struct listener *l)
{
	struct lookup_key *key;

	for (key = l->keys; key < l->keys + LOOKUPS; key++)
		if (key->of != NULL) {
			LIST_REMOVE(key, entry);
			key->of = NULL;
		}
}

/* The first one of that hash, from there on. */
static struct listener *
match(const struct lookup_key *key, enum lookup by, uint32_t hash)
{
	while (key != NULL && (key->hash != hash || key != &key->of->keys[by]))
		key = LIST_NEXT(key, entry);
	return key == NULL ? NULL : key->of;
}

static struct listener *
first(enum lookup by, uint32_t hash)
{
	return match(LIST_FIRST(&buckets[hash % BUCKETS]), by, hash);
}

struct listener *
lookup_asked(const struct addr *a, const char *name)
{
	return first(LOOKUP_ASKED, hash_asked(a, name));
}

struct listener *
lookup_bound(const struct addr *a)
{
	return first(LOOKUP_BOUND, hash_addr(LOOKUP_BOUND, a));
}

struct listener *
lookup_port(const struct addr *a)
{
	return first(LOOKUP_PORT, hash_port(LOOKUP_PORT, a));
}

struct listener *
lookup_name(const char *name)
{
	return first(LOOKUP_NAME, hash_name(name));
}

struct listener *
lookup_file(const struct unixsock *file)
{
	return first(LOOKUP_FILE, hash_file(file));
}

struct listener *
lookup_next(const struct listener *l, enum lookup by)
{
	const struct lookup_key *key = &l->keys[by];

	return match(LIST_NEXT(key, entry), by, key->hash);
}
