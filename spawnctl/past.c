#include "compat.h"

#include <err.h>

#include "past.h"
#include "siphash.h"

#define NAME	256

/* Names are told apart by a hash with a key: clients may have chosen some. */
struct figure {
	uint64_t	 id;		/* 0: a free place */
	uint64_t	 value, at;
};

/* With open addresses, never more than half full. */
struct table {
	struct figure	*all;
	size_t		 n, room;
};

static uint64_t	 past_id(char, const char *);
static struct figure *past_find(const struct table *, uint64_t);
static void	 past_put(uint64_t, uint64_t, uint64_t);
static void	 past_grow(struct table *);
static void	 past_drop(struct table *);

static struct table before, now;

void
past_next(bool complete)
{
	if (!complete) {
		past_drop(&now);
		return;
	}
	past_drop(&before);
	before = now;
	now = (struct table){ .all = NULL };
}

void
past_forget(void)
{
	past_drop(&before);
	past_drop(&now);
}

static void
past_drop(struct table *t)
{
	free(t->all);
	*t = (struct table){ .all = NULL };
}

bool
past_rate(char kind, const char *name, uint64_t value, uint64_t at,
    uint64_t *a_second)
{
	const uint64_t id = past_id(kind, name);
	const struct figure *f = past_find(&before, id);

	past_put(id, value, at);
	if (f == NULL || f->id == 0 || f->at >= at || f->value > value)
		return false;
	*a_second = (uint64_t)((double)(value - f->value) * 1000 /
	    (double)(at - f->at) + 0.5);
	return true;
}

static uint64_t
past_id(char kind, const char *name)
{
	static struct siphash_key key;
	char text[NAME];

	if (key.k[0] == 0)
		siphash_key(&key);
	snprintf(text, sizeof(text), "%c%s", kind, name);
	return MAX(siphash(&key, text, strlen(text)), 1);
}

/* It, or the place for it; NULL if there is no table. */
static struct figure *
past_find(const struct table *t, uint64_t id)
{
	size_t at;

	if (t->room == 0)
		return NULL;
	at = (size_t)id & (t->room - 1);
	while (t->all[at].id != 0 && t->all[at].id != id)
		at = (at + 1) & (t->room - 1);
	return &t->all[at];
}

static void
past_put(uint64_t id, uint64_t value, uint64_t at)
{
	struct figure *f;

	if (now.n * 2 >= now.room)
		past_grow(&now);
	f = past_find(&now, id);
	now.n += f->id == 0;
	*f = (struct figure){ id, value, at };
}

static void
past_grow(struct table *t)
{
	const struct table old = *t;
	size_t i;

	t->room = old.room == 0 ? 256 : old.room * 2;
	if ((t->all = calloc(t->room, sizeof(*t->all))) == NULL)
		err(1, "figures");
	for (i = 0; i < old.room; i++)
		if (old.all[i].id != 0)
			*past_find(t, old.all[i].id) = old.all[i];
	free(old.all);
}
