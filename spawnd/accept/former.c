#include "compat.h"

#include <inttypes.h>

#include "accept/former.h"
#include "accept/listener.h"
#include "accept/lookup.h"
#include "hash.h"

#define KEPT		1000	/* the last ones of all */

struct former {
	TAILQ_ENTRY(former)	 entry;
	uint32_t		 hash;
	char			 name[CONF_NAME];
	struct addr		 addr;
	uint64_t		 accepted, denied, limited;
};

static uint32_t	 hash_of(const char *, const struct addr *);
static struct listener *other_of(const struct listener *);
static struct former *add(void);

static TAILQ_HEAD(, former)	 formers = TAILQ_HEAD_INITIALIZER(formers);
static unsigned			 nformers;

static uint32_t
hash_of(const char *name, const struct addr *a)
{
	char text[ADDR_STRLEN];

	return hash_text(hash_text(HASH_BEGIN, name), addr_str(a, text));
}

void
former_come(struct listener *l)
{
	const uint32_t hash = hash_of(l->name, &l->addr);
	struct former *f;

	TAILQ_FOREACH(f, &formers, entry)
		if (f->hash == hash && strcmp(f->name, l->name) == 0 &&
		    addr_cmp(&f->addr, &l->addr) == 0)
			break;
	if (f == NULL)
		return;
	l->accepted += f->accepted;
	l->denied += f->denied;
	l->limited += f->limited;
	TAILQ_REMOVE(&formers, f, entry);
	nformers--;
	free(f);
}

void
former_go(const struct listener *l)
{
	struct listener *other = other_of(l);
	struct former *f;

	if (other != NULL) {
		other->accepted += l->accepted;
		other->denied += l->denied;
		other->limited += l->limited;
		return;
	}
	if (l->accepted + l->denied + l->limited == 0 || (f = add()) == NULL)
		return;
	strlcpy(f->name, l->name, sizeof(f->name));
	f->addr = l->addr;
	f->hash = hash_of(f->name, &f->addr);
	f->accepted = l->accepted;
	f->denied = l->denied;
	f->limited = l->limited;
}

/* That is bound to the same address for the same section. */
static struct listener *
other_of(const struct listener *l)
{
	struct listener *other = lookup_asked(&l->asked, l->name);

	while (other != NULL && (strcmp(other->name, l->name) != 0 ||
	    addr_cmp(&other->addr, &l->addr) != 0))
		other = lookup_next(other, LOOKUP_ASKED);
	return other;
}

/* The oldest goes if there are too many. NULL without memory. */
static struct former *
add(void)
{
	struct former *f = calloc(1, sizeof(*f)), *oldest;

	if (f == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&formers, f, entry);
	if (++nformers > KEPT) {
		oldest = TAILQ_FIRST(&formers);
		TAILQ_REMOVE(&formers, oldest, entry);
		nformers--;
		free(oldest);
	}
	return f;
}

void
former_save(FILE *f)
{
	const struct former *o;
	const uint8_t *p;
	size_t i;

	TAILQ_FOREACH(o, &formers, entry) {
		fprintf(f, "former %s %" PRIu64 " %" PRIu64 " %" PRIu64
		    " %u ", o->name, o->accepted, o->denied, o->limited,
		    (unsigned)o->addr.len);
		p = (const uint8_t *)&o->addr.un;
		for (i = 0; i < o->addr.len; i++)
			fprintf(f, "%02x", p[i]);
		fputc('\n', f);
	}
}

bool
former_take(const char *line)
{
	struct former *f = add();
	unsigned len, byte;
	size_t i;
	int at;

	if (f == NULL || sscanf(line, "former %31s %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %u %n", f->name, &f->accepted, &f->denied,
	    &f->limited, &len, &at) != 5 || len > sizeof(f->addr.un))
		return false;
	for (i = 0; i < len; i++) {
		if (sscanf(line + at + 2 * i, "%2x", &byte) != 1)
			return false;
		((uint8_t *)&f->addr.un)[i] = (uint8_t)byte;
	}
	f->addr.len = len;
	f->hash = hash_of(f->name, &f->addr);
	return true;
}
