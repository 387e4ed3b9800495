#include "compat.h"

#include "merge.h"

static struct target *place_of(struct target *, unsigned,
		    const struct source *, bool);
static struct target *place_free(struct target *, unsigned);
static void	 place_leave(struct target *, uint64_t);
static void	 place_take(struct target *, const struct source *, uint64_t);
static bool	 is_there(const struct asked *, unsigned,
		    const struct source *);

void
merge(struct target *t, unsigned n, const struct asked *addrs, unsigned naddrs,
    uint64_t now, struct merged *m)
{
	struct source to;
	struct target *p;
	unsigned i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < n; i++)
		if (t[i].present && !is_there(addrs, naddrs, &t[i].addr)) {
			place_leave(&t[i], now);
			m->gone++;
		}
	for (i = 0; i < naddrs; i++) {
		source_set(&to, &addrs[i].addr.sa);
		if ((p = place_of(t, n, &to, true)) == NULL) {
			if ((p = place_of(t, n, &to, false)) == NULL &&
			    (p = place_free(t, n)) == NULL) {
				m->left_out++;
				continue;
			}
			place_take(p, &to, now);
			m->come++;
		}
		p->weight = addrs[i].weight;
		p->backup = addrs[i].backup;
	}
}

static struct target *
place_of(struct target *t, unsigned n, const struct source *addr,
    bool present)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (t[i].present == present && source_same(&t[i].addr, addr))
			return &t[i];
	return NULL;
}

/* One that was never used has been left at 0. */
static struct target *
place_free(struct target *t, unsigned n)
{
	struct target *best = NULL;
	unsigned i;

	for (i = 0; i < n; i++)
		if (!t[i].present && (best == NULL ||
		    t[i].since < best->since))
			best = &t[i];
	return best;
}

static void
place_leave(struct target *t, uint64_t now)
{
	t->present = false;
	t->state = TARGET_UNKNOWN;
	t->back = false;
	t->since = now;
	t->error[0] = '\0';
}

static void
place_take(struct target *t, const struct source *addr, uint64_t now)
{
	memset(t, 0, sizeof(*t));
	t->addr = *addr;
	t->present = true;
	t->back = true;
	t->since = now;
}

static bool
is_there(const struct asked *addrs, unsigned n, const struct source *addr)
{
	struct source one;
	unsigned i;

	for (i = 0; i < n; i++) {
		source_set(&one, &addrs[i].addr.sa);
		if (source_same(&one, addr))
			return true;
	}
	return false;
}
