#include "compat.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "ipc.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/channel.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/tickets.h"
#include "shm.h"

#define SETS	1024	/* most */

/* An item of the memory that an upgrade passes on. */
struct set {
	char		name[CONF_NAME];	/* of the section; "": none */
	uint64_t	lifetime;		/* ms from turn to turn */
	uint64_t	turned;			/* ms, the latest one */
	uint8_t		keys[PROTO_KEYS][SECRET_TICKET_LEN];
};

static int	 begin(void);
static int	 map(int);
static bool	 needs(const struct conf_tls *);
static struct set *find(const char *);
static struct set *make(const char *);
static void	 turn(struct set *);
static void	 turn_due(struct ev_timer *);
static void	 wait_next(void);
static void	 due(const char *);
static bool	 has(const struct generation *, const char *);
static void	 send_all(struct worker *);

static struct set	*sets;		/* NULL: there are none yet */
static int		 sets_fd = -1;
static struct ev_timer	 turn_timer = EV_TIMER(turn_due);

int
tickets_generation(const struct generation *g)
{
	const struct conf_tls *t = g->conf->tlss;
	struct set *s;
	unsigned i;

	for (i = 0; i < g->conf->ntlss; i++, t++) {
		if (!needs(t))
			continue;
		if (sets == NULL && begin() == -1)
			return -1;
		if ((s = find(t->name)) == NULL && (s = make(t->name)) == NULL)
			return -1;
		s->lifetime = t->ticket_lifetime;
	}
	wait_next();
	return 0;
}

/* The memory of the first sets. */
static int
begin(void)
{
	int fd = shm_create("spawnd-tickets", SETS * sizeof(*sets)), saved;

	if (fd == -1 || map(fd) == 0)
		return fd == -1 ? -1 : 0;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Takes over fd, unless it fails. */
static int
map(int fd)
{
	const size_t size = SETS * sizeof(*sets);
	struct stat st;
	void *p;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size != (off_t)size) {
		errno = EINVAL;
		return -1;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	shm_no_core(p, size);
	sets = p;
	sets_fd = fd;
	return 0;
}

static bool
needs(const struct conf_tls *t)
{
	return t->tickets && t->ticket_keys == NULL && t->ncerts > 0;
}

static struct set *
find(const char *name)
{
	struct set *s;

	for (s = sets; s < sets + SETS; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static struct set *
make(const char *name)
{
	struct set *s = find("");

	if (s == NULL) {
		errno = ENOSPC;
		return NULL;
	}
	strlcpy(s->name, name, sizeof(s->name));
	arc4random_buf(s->keys, sizeof(s->keys));
	s->turned = ev_now();
	return s;
}

/* The next one has been with the workers for a whole turn. */
static void
turn(struct set *s)
{
	memmove(s->keys, s->keys + 1, sizeof(s->keys) - SECRET_TICKET_LEN);
	arc4random_buf(s->keys[PROTO_KEY_NEXT], SECRET_TICKET_LEN);
	s->turned = ev_now();
	log_debug("tls %s: the keys of tickets are turned", s->name);
	due(s->name);
}

static void
turn_due(struct ev_timer *t)
{
	const uint64_t now = ev_now();
	struct set *s;

	(void)t;
	for (s = sets; s < sets + SETS; s++)
		if (s->name[0] != '\0' && now - s->turned >= s->lifetime)
			turn(s);
	wait_next();
}

static void
wait_next(void)
{
	const uint64_t now = ev_now();
	uint64_t at = UINT64_MAX;
	const struct set *s;

	for (s = sets; sets != NULL && s < sets + SETS; s++)
		if (s->name[0] != '\0')
			at = MIN(at, s->turned + s->lifetime);
	ev_timer_stop(&turn_timer);
	if (at != UINT64_MAX)
		ev_timer_set(&turn_timer, at > now ? at - now : 0);
}

/* All workers that have it are to be sent their sets. */
static void
due(const char *name)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		if (has(g, name))
			TAILQ_FOREACH(w, &g->workers, entry)
				w->keys_due = true;
	mark(MARK_SEND);
}

static bool
has(const struct generation *g, const char *name)
{
	unsigned i;

	for (i = 0; i < g->conf->ntlss; i++)
		if (needs(&g->conf->tlss[i]) &&
		    strcmp(g->conf->tlss[i].name, name) == 0)
			return true;
	return false;
}

void
tickets_worker(struct worker *w)
{
	w->keys_due = w->gen->conf->ntlss > 0;
	if (w->keys_due)
		send_all(w);
}

void
tickets_send(void)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			if (w->keys_due && !w->full &&
			    w->state != WORKER_DEAD)
				send_all(w);
}

/* Those that do not fit are sent again, with all others. */
static void
send_all(struct worker *w)
{
	const struct conf *c = w->gen->conf;
	struct proto_keys k;
	const struct set *s;

	for (k.section = 0; k.section < c->ntlss; k.section++) {
		if (sets == NULL || !needs(&c->tlss[k.section]) ||
		    (s = find(c->tlss[k.section].name)) == NULL)
			continue;
		memcpy(k.keys, s->keys, sizeof(k.keys));
		if (ipc_send(w->chan.fd, MSG_KEYS, &k, 1, NULL) == 0)
			continue;
		if (errno == EAGAIN)
			channel_is_full(w);
		explicit_bzero(&k, sizeof(k));
		return;
	}
	explicit_bzero(&k, sizeof(k));
	w->keys_due = false;
}

void
tickets_sweep(void)
{
	const struct generation *g;
	struct set *s;

	for (s = sets; sets != NULL && s < sets + SETS; s++) {
		if (s->name[0] == '\0')
			continue;
		TAILQ_FOREACH(g, &master.gens, entry)
			if (has(g, s->name))
				break;
		if (g == NULL)
			explicit_bzero(s, sizeof(*s));
	}
}

void
tickets_save(FILE *f)
{
	if (sets_fd != -1)
		fprintf(f, "tickets %d\n", inherit_fd(sets_fd));
}

bool
tickets_take(const char *line)
{
	struct generation *g;
	struct worker *w;
	int fd;

	if (sscanf(line, "tickets %d", &fd) != 1 || map(fd) == -1)
		return false;
	/* What was due before is not known. */
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			w->keys_due = g->conf->ntlss > 0;
	mark(MARK_SEND);
	wait_next();
	return true;
}
