#include "compat.h"

#include "hash.h"
#include "log.h"
#include "pace.h"
#include "probes.h"
#include "verdict.h"

#define BUCKETS		4099
#define AT_ONCE		1000	/* probes under way, most */

LIST_HEAD(watchers, watcher);

struct probe {
	LIST_ENTRY(probe)	 entry;
	TAILQ_ENTRY(probe)	 late;		/* due, and too many are */
	bool			 is_late;
	struct watchers		 watchers;	/* the newest first */
	struct watcher		*by;		/* whose aim is under way */
	struct attempt		 attempt;
	struct ev_timer		 timer;
	struct ev_task		 gone;
	uint64_t		 begun;		/* ms */
	struct script		 script;
	struct verdict		 verdict;
	unsigned		 row;		/* results like the last one */
	bool			 good;		/* it */
	char			 why[ATTEMPT_WHY];
};

static struct probe *probe_find(const struct aim *);
static size_t	 bucket_of(const struct aim *);
static bool	 same(const struct aim *, const struct aim *);
static bool	 same_check(const struct conf_probe *,
		    const struct conf_probe *);
static bool	 same_text(const char *, const char *);
static bool	 same_remote(const struct aim *, const struct aim *);
static struct probe *probe_new(const struct aim *, bool, bool);
static void	 probe_end(struct probe *);
static void	 probe_free(struct ev_task *);
static void	 probe_due(struct ev_timer *);
static void	 probe_start(struct probe *);
static void	 probe_next(struct probe *);
static void	 probe_done(struct attempt *, enum result, const char *);
static void	 serve_late(void);
static void	 probe_tell(struct probe *, bool);
static void	 tell_one(struct watcher *, bool);
static void	 lack(const char *);

static LIST_HEAD(, probe)	 probes[BUCKETS];
static TAILQ_HEAD(, probe)	 late = TAILQ_HEAD_INITIALIZER(late);
static size_t			 nprobes;
static unsigned			 nunder_way;
static void			 (*told)(struct watcher *,
				    const struct finding *);

void
probes_begin(void (*tell)(struct watcher *, const struct finding *))
{
	told = tell;
}

size_t
probes_count(void)
{
	return nprobes;
}

int
probes_watch(struct watcher *w, bool known, bool up)
{
	struct probe *p = probe_find(&w->aim);

	if (p == NULL && (p = probe_new(&w->aim, known, up)) == NULL)
		return -1;
	w->probe = p;
	LIST_INSERT_HEAD(&p->watchers, w, entry);
	if (p->verdict.known && (!known || p->verdict.up != up))
		tell_one(w, false);
	return 0;
}

void
probes_leave(struct watcher *w)
{
	struct probe *p = w->probe;

	if (p == NULL)
		return;
	w->probe = NULL;
	LIST_REMOVE(w, entry);
	if (p->by == w) {
		attempt_stop(&p->attempt);
		p->by = NULL;
		nunder_way--;
		ev_timer_set(&p->timer, 0);
	}
	if (LIST_EMPTY(&p->watchers))
		probe_end(p);
	serve_late();
}

/* --- which probe is the same --- */

static struct probe *
probe_find(const struct aim *aim)
{
	struct probe *p;

	LIST_FOREACH(p, &probes[bucket_of(aim)], entry)
		if (same(&LIST_FIRST(&p->watchers)->aim, aim))
			return p;
	return NULL;
}

static size_t
bucket_of(const struct aim *aim)
{
	char text[ADDR_STRLEN];

	return hash_text(HASH_BEGIN, addr_str(&aim->to, text)) % BUCKETS;
}

static bool
same(const struct aim *a, const struct aim *b)
{
	if ((a->local == NULL) != (b->local == NULL) ||
	    (a->local != NULL && addr_cmp(a->local, b->local) != 0))
		return false;
	return addr_cmp(&a->to, &b->to) == 0 && same_check(a->conf, b->conf) &&
	    same_remote(a, b);
}

static bool
same_check(const struct conf_probe *a, const struct conf_probe *b)
{
	return a->type == b->type && a->interval == b->interval &&
	    a->timeout == b->timeout && a->rise == b->rise &&
	    a->fall == b->fall && a->jitter == b->jitter &&
	    a->port == b->port && same_text(a->send, b->send) &&
	    same_text(a->expect, b->expect);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* A tls section is the same by its name: the newest one is taken. */
static bool
same_remote(const struct aim *a, const struct aim *b)
{
	const struct conf_remote *x = a->remote, *y = b->remote;

	if (x->proxy_out != y->proxy_out || x->proxy_tls != y->proxy_tls)
		return false;
	if (a->conf->type != CONF_PROBE_TLS)
		return true;
	return same_text(secure_name(a->secure, x), secure_name(b->secure,
	    y)) && same_text(x->address, y->address);
}

/* --- one probe --- */

static struct probe *
probe_new(const struct aim *aim, bool known, bool up)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL || script_make(&p->script, aim->conf) == -1) {
		free(p);
		return NULL;
	}
	p->verdict.known = known;
	p->verdict.up = known ? up : true;
	p->good = p->verdict.up;
	LIST_INIT(&p->watchers);
	attempt_init(&p->attempt, probe_done);
	ev_timer_init(&p->timer, probe_due);
	LIST_INSERT_HEAD(&probes[bucket_of(aim)], p, entry);
	nprobes++;
	ev_timer_set(&p->timer, pace_first(aim->conf, nprobes, arc4random()));
	return p;
}

static void
probe_end(struct probe *p)
{
	LIST_REMOVE(p, entry);
	nprobes--;
	ev_timer_stop(&p->timer);
	if (p->is_late)
		TAILQ_REMOVE(&late, p, late);
	ev_defer(&p->gone, probe_free);
}

static void
probe_free(struct ev_task *t)
{
	struct probe *p = container_of(t, struct probe, gone);

	script_free(&p->script);
	free(p);
}

static void
probe_due(struct ev_timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	if (nunder_way < AT_ONCE) {
		probe_start(p);
		return;
	}
	p->is_late = true;
	TAILQ_INSERT_TAIL(&late, p, late);
}

static void
probe_start(struct probe *p)
{
	struct aim aim;

	p->by = LIST_FIRST(&p->watchers);
	aim = p->by->aim;
	aim.script = &p->script;
	p->begun = ev_now();
	nunder_way++;
	attempt_start(&p->attempt, &aim);
}

static void
probe_next(struct probe *p)
{
	const struct conf_probe *c = LIST_FIRST(&p->watchers)->aim.conf;
	const uint64_t at = p->begun + pace_next(c, arc4random());

	ev_timer_set(&p->timer, at > ev_now() ? at - ev_now() : 0);
}

static void
probe_done(struct attempt *a, enum result result, const char *why)
{
	struct probe *p = container_of(a, struct probe, attempt);
	const bool good = result == RESULT_GOOD;
	bool changed;

	p->by = NULL;
	nunder_way--;
	probe_next(p);
	if (result == RESULT_NONE)
		lack(why);
	else {
		strlcpy(p->why, why, sizeof(p->why));
		p->row = good == p->good ? p->row + 1 : 1;
		p->good = good;
		changed = !p->verdict.known;
		changed |= verdict_add(&p->verdict,
		    LIST_FIRST(&p->watchers)->aim.conf, good);
		probe_tell(p, changed);
	}
	serve_late();
}

/* There may be none whose end would do it. */
static void
serve_late(void)
{
	struct probe *p = TAILQ_FIRST(&late);

	if (p == NULL || nunder_way >= AT_ONCE)
		return;
	TAILQ_REMOVE(&late, p, late);
	p->is_late = false;
	probe_start(p);
}

static void
probe_tell(struct probe *p, bool changed)
{
	struct watcher *w;

	LIST_FOREACH(w, &p->watchers, entry)
		tell_one(w, changed);
}

static void
tell_one(struct watcher *w, bool changed)
{
	const struct probe *p = w->probe;
	const struct finding f = { .up = p->verdict.up, .changed = changed,
	    .good = p->good, .row = p->row, .why = p->why };

	told(w, &f);
}

static void
lack(const char *why)
{
	static struct log_limit limit;
	unsigned skipped;

	if (log_allow(&limit, ev_now(), &skipped))
		log_warnx("a check is not made: %s (%u more)", why, skipped);
}
