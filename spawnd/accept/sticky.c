#include "compat.h"

#include "accept/sticky.h"
#include "ev.h"

struct stuck {
	struct known	known;
	pid_t		pid;
};

static struct stuck	*stuck_of(struct sources *, const struct source_key *);
static uint64_t		 now_ns(void);

struct sources *
sticky_new(const struct conf_listen *l)
{
	struct sources *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	if (sources_init(s, l->sticky_size) == 0)
		return s;
	free(s);
	errno = ENOMEM;
	return NULL;
}

void
sticky_free(struct sources **sp)
{
	struct sources *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	sources_free(s);
	free(s);
}

static uint64_t
now_ns(void)
{
	return ev_now_us() * 1000;
}

static struct stuck *
stuck_of(struct sources *s, const struct source_key *key)
{
	struct known *k = sources_find(s, key);

	return k == NULL ? NULL : container_of(k, struct stuck, known);
}

pid_t
sticky_worker(struct sources *s, const struct conf_listen *l,
    const struct source *source)
{
	struct source_key key;
	const struct stuck *k;

	if (!sources_key(&key, source, 0, l->source_prefix,
	    l->source_prefix6) || (k = stuck_of(s, &key)) == NULL)
		return 0;
	return k->known.until > now_ns() ? k->pid : 0;
}

/* Without memory it is not known: any other worker does as well. */
void
sticky_set(struct sources *s, const struct conf_listen *l,
    const struct source *source, pid_t pid)
{
	struct source_key key;
	struct known *known;
	struct stuck *k;

	if (!sources_key(&key, source, 0, l->source_prefix, l->source_prefix6))
		return;
	if ((k = stuck_of(s, &key)) == NULL) {
		if ((known = sources_add(s, &key, sizeof(*k))) == NULL)
			return;
		k = container_of(known, struct stuck, known);
	}
	k->pid = pid;
	sources_idle(s, &k->known, now_ns() + l->sticky_period * 1000000,
	    now_ns());
}
