#include "compat.h"

#include <sys/mman.h>

#include "shm.h"
#include "targets.h"

#define WORDS	((sizeof(struct target) + 7) / 8)
#define TRIES	100	/* looks at an entry that is being written */

/* The copy to read is n % 2. */
struct entry {
	board_u32	n;
	board_u64	copies[2][WORDS];
};

struct targets_mem {
	struct board_news	news;
	struct entry		entries[];
};

/* The places of a remote. */
struct span {
	const struct targets	*of;
	unsigned		 first, n;
	unsigned		 known;	/* by the configuration */
};

static bool	 relay_is_watched(const struct conf_relay *);
static void	 targets_layout(struct targets *, const struct conf *);
static int	 targets_map(struct targets *, int, int);
static void	 targets_fill(struct targets *, const struct conf *);
static void	 entry_put(struct entry *, const struct target *);
static void	 entry_get(const struct entry *, uint32_t, struct target *);
static void	 target_clamp(struct target *);
static bool	 target_same(const struct target *, const struct target *);
static bool	 span_find(struct span *, const struct conf *, const char *,
		    const char *);
static void	 span_inherit(const struct span *, const struct span *);
static void	 place_inherit(const struct span *, unsigned,
		    const struct span *);

static void
targets_layout(struct targets *t, const struct conf *conf)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	memset(t, 0, sizeof(*t));
	t->fd = t->ro = -1;
	t->n = conf_first_place(conf, conf->nrelays);
	t->size = sizeof(struct targets_mem) + t->n * sizeof(struct entry);
	t->size = (t->size + page - 1) / page * page;
}

static int
targets_map(struct targets *t, int fd, int how)
{
	void *mem = mmap(NULL, t->size, how, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -1;
	t->mem = mem;
	return 0;
}

bool
targets_wanted(const struct conf *conf)
{
	unsigned i;

	for (i = 0; i < conf->nrelays; i++)
		if (relay_is_watched(&conf->relays[i]))
			return true;
	return false;
}

static bool
relay_is_watched(const struct conf_relay *r)
{
	unsigned i;

	for (i = 0; i < r->nremotes; i++)
		if (r->remotes[i].nchecks > 0 ||
		    conf_looks_up(r, &r->remotes[i]))
			return true;
	return false;
}

int
targets_create(struct targets *t, const struct conf *conf)
{
	int fd, saved;

	targets_layout(t, conf);
	if ((fd = shm_create("spawnd-targets", t->size)) == -1)
		return -1;
	if (shm_seal_size(fd) == -1 || targets_reopen(t, fd, conf) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	targets_fill(t, conf);
	return 0;
}

static void
targets_fill(struct targets *t, const struct conf *conf)
{
	struct target target = { .present = true };
	const struct conf_relay *r;
	unsigned i, k, first = 0;

	for (r = conf->relays; r < conf->relays + conf->nrelays; r++) {
		for (i = 0; i < r->nremotes; i++) {
			for (k = 0; k < r->remotes[i].naddr; k++) {
				source_set(&target.addr,
				    &r->remotes[i].addr[k].sa);
				entry_put(&t->mem->entries[first + k], &target);
			}
			first += conf_places(r, &r->remotes[i]);
		}
	}
}

int
targets_reopen(struct targets *t, int fd, const struct conf *conf)
{
	int saved;

	targets_layout(t, conf);
	if ((t->ro = shm_read_only(fd)) == -1)
		return -1;
	if (targets_map(t, fd, PROT_READ | PROT_WRITE) == -1) {
		saved = errno;
		targets_close(t);
		errno = saved;
		return -1;
	}
	t->fd = fd;
	return 0;
}

int
targets_attach(struct targets *t, int fd, const struct conf *conf, bool write)
{
	targets_layout(t, conf);
	if (targets_map(t, fd, write ? PROT_READ | PROT_WRITE :
	    PROT_READ) == -1)
		return -1;
	close(fd);
	return 0;
}

void
targets_close(struct targets *t)
{
	if (t->mem != NULL)
		munmap(t->mem, t->size);
	t->mem = NULL;
	if (t->ro != -1)
		close(t->ro);
	if (t->fd != -1)
		close(t->fd);
	t->ro = t->fd = -1;
}

const struct board_news *
targets_news(const struct targets *t)
{
	return &t->mem->news;
}

static void
entry_put(struct entry *e, const struct target *target)
{
	uint32_t n = atomic_load_explicit(&e->n, memory_order_relaxed);
	uint64_t words[WORDS] = { 0 };
	size_t i;

	/* No reader takes what follows for the copy before this one. */
	atomic_thread_fence(memory_order_release);
	memcpy(words, target, sizeof(*target));
	for (i = 0; i < WORDS; i++)
		atomic_store_explicit(&e->copies[(n + 1) % 2][i], words[i],
		    memory_order_relaxed);
	atomic_store_explicit(&e->n, n + 1, memory_order_release);
}

static void
entry_get(const struct entry *e, uint32_t n, struct target *target)
{
	uint64_t words[WORDS];
	size_t i;

	for (i = 0; i < WORDS; i++)
		words[i] = atomic_load_explicit(&e->copies[n % 2][i],
		    memory_order_relaxed);
	memcpy(target, words, sizeof(*target));
}

/*
 * The copy is whole if it was still the one to read when all of it had been
 * read: until then the writer was at the other one.
 */
bool
target_get(const struct targets *t, unsigned place, struct target *target)
{
	const struct entry *e = &t->mem->entries[place];
	uint32_t n;
	int i;

	for (i = 0; i < TRIES; i++) {
		n = atomic_load_explicit(&e->n, memory_order_acquire);
		entry_get(e, n, target);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&e->n, memory_order_relaxed) == n) {
			target_clamp(target);
			return true;
		}
	}
	return false;
}

/* A path is the configuration's. */
static void
target_clamp(struct target *t)
{
	char *p;

	if (t->addr.family != AF_INET && t->addr.family != AF_INET6)
		t->addr.family = AF_UNIX;
	t->state = MIN(t->state, TARGET_DOWN);
	t->weight = MIN(t->weight, 256);
	t->present = t->present != 0;
	t->backup = t->backup != 0;
	t->back = t->back != 0;
	t->error[TARGET_ERROR - 1] = '\0';
	for (p = t->error; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

static bool
target_same(const struct target *a, const struct target *b)
{
	return source_same(&a->addr, &b->addr) && a->since == b->since &&
	    a->weight == b->weight && a->state == b->state &&
	    a->present == b->present && a->backup == b->backup &&
	    a->back == b->back && strcmp(a->error, b->error) == 0;
}

void
target_set(struct targets *t, unsigned place, const struct target *target)
{
	struct target now;

	if (target_get(t, place, &now) && target_same(&now, target))
		return;
	entry_put(&t->mem->entries[place], target);
	board_news_add(&t->mem->news, place);
}

bool
target_addr(const struct target *t, const struct conf_remote *conf,
    unsigned number, struct addr *out)
{
	if (t->addr.family != AF_UNIX)
		source_addr(&t->addr, out);
	else if (conf->naddr != 0)
		*out = conf->addr[MIN(number, conf->naddr - 1)];
	else
		return false;
	return true;
}

/* --- from one generation to the next --- */

void
targets_inherit(struct targets *t, const struct conf *conf,
    const struct targets *old, const struct conf *old_conf)
{
	const struct conf_relay *r;
	struct span to = { .of = t }, from = { .of = old };
	unsigned i;

	for (r = conf->relays; r < conf->relays + conf->nrelays; r++) {
		for (i = 0; i < r->nremotes; i++) {
			to.n = conf_places(r, &r->remotes[i]);
			to.known = r->remotes[i].naddr;
			if (span_find(&from, old_conf, r->name,
			    r->remotes[i].name))
				span_inherit(&to, &from);
			to.first += to.n;
		}
	}
}

static bool
span_find(struct span *s, const struct conf *conf, const char *relay,
    const char *remote)
{
	const struct conf_relay *r;
	unsigned i;

	s->first = 0;
	for (r = conf->relays; r < conf->relays + conf->nrelays; r++) {
		for (i = 0; i < r->nremotes; i++) {
			s->n = conf_places(r, &r->remotes[i]);
			s->known = r->remotes[i].naddr;
			if (strcmp(r->name, relay) == 0 &&
			    strcmp(r->remotes[i].name, remote) == 0)
				return true;
			s->first += s->n;
		}
	}
	return false;
}

/* A name that could not be looked up now is what it was. */
static void
span_inherit(const struct span *to, const struct span *from)
{
	struct target target;
	unsigned i;

	for (i = 0; i < to->known; i++)
		place_inherit(to, i, from);
	for (i = 0; to->known == 0 && i < MIN(to->n, from->n); i++)
		if (target_get(from->of, from->first + i, &target))
			entry_put(&to->of->mem->entries[to->first + i],
			    &target);
}

/* Paths have no address here: a remote has one at most. */
static void
place_inherit(const struct span *to, unsigned i, const struct span *from)
{
	struct target own, former;
	unsigned k;

	if (!target_get(to->of, to->first + i, &own))
		return;
	for (k = 0; k < from->n; k++) {
		if (!target_get(from->of, from->first + k, &former) ||
		    !former.present || !source_same(&own.addr, &former.addr))
			continue;
		entry_put(&to->of->mem->entries[to->first + i], &former);
		return;
	}
}
