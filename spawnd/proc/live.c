#include "compat.h"

#include "conf/set.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/live.h"
#include "proc/worker.h"

/* An option of a filter that has another value than the file's. */
struct change {
	TAILQ_ENTRY(change)	 entry;
	char			 filter[CONF_NAME];
	char			 option[SET_OPTION];
	char			 value[SET_VALUE];
	uint64_t		 serial;	/* in the order of the list */
	uint64_t		 request;	/* serial of its first one */
	bool			 existing;
};
TAILQ_HEAD(changes, change);

static int	 words_take(const char *, char *, struct changes *,
		    const char **);
static int	 draft(const struct conf *, const struct conf_filter *,
		    const struct changes *, const char **);
static int	 draft_change(const struct conf *, const struct conf_filter *,
		    const struct changes *, void *, const char **);
static struct change *change_new(struct changes *, const char *, const char *,
		    const char *);
static void	 change_free(struct changes *, struct change *);
static uint64_t	 adopt(struct changes *, bool);
static bool	 fits(const struct conf *, const char *);
static void	 undo(const struct conf *, struct change *, FILE *);
static const char *kind_of(const struct conf *, const char *);
static const struct worker *lacks(uint64_t);
static void	 answer(struct live_wait *, const char *);
static void	 late(struct ev_timer *);

static struct changes	 all = TAILQ_HEAD_INITIALIZER(all);
static uint64_t		 last;		/* serial */
static TAILQ_HEAD(, live_wait) waits = TAILQ_HEAD_INITIALIZER(waits);

int
live_set(const struct conf_filter *filter, char *words, bool existing,
    uint64_t *serial, const char **errp)
{
	const struct conf *c = master.gen->conf;
	struct changes fresh = TAILQ_HEAD_INITIALIZER(fresh);
	const char *name = conf_filter_name(c, filter);

	if (words_take(name, words, &fresh, errp) == -1 ||
	    draft(c, filter, &fresh, errp) == -1) {
		while (!TAILQ_EMPTY(&fresh))
			change_free(&fresh, TAILQ_FIRST(&fresh));
		return -1;
	}
	*serial = adopt(&fresh, existing);
	mark(MARK_SEND);
	return 0;
}

static int
words_take(const char *filter, char *words, struct changes *fresh,
    const char **errp)
{
	char *option, *value;

	while ((value = strsep(&words, " ")) != NULL) {
		option = strsep(&value, "=");
		if (value == NULL || *option == '\0' || *value == '\0')
			*errp = "use OPTION=VALUE, without blanks";
		else if (strlen(option) >= SET_OPTION ||
		    strlen(value) >= SET_VALUE)
			*errp = "that is too long";
		else if (change_new(fresh, filter, option, value) == NULL)
			*errp = strerror(errno);
		else
			continue;
		return -1;
	}
	return 0;
}

/* Would the section be right with what is set, and with that? */
static int
draft(const struct conf *c, const struct conf_filter *filter,
    const struct changes *fresh, const char **errp)
{
	static char sentence[300];
	void *section = conf_set_copy(c, filter);
	const char *wrong = NULL;
	int r;

	if (section == NULL) {
		*errp = strerror(errno);
		return -1;
	}
	r = draft_change(c, filter, &all, section, errp);
	if (r == 0 && fresh != NULL)
		r = draft_change(c, filter, fresh, section, errp);
	if (r == 0 && (wrong = conf_set_wrong(filter, section)) != NULL) {
		snprintf(sentence, sizeof(sentence), "%s \"%s\" %s",
		    conf_filter_kind_name(filter->kind),
		    conf_filter_name(c, filter), wrong);
		*errp = sentence;
		r = -1;
	}
	free(section);
	return r;
}

static int
draft_change(const struct conf *c, const struct conf_filter *filter,
    const struct changes *list, void *section, const char **errp)
{
	const char *name = conf_filter_name(c, filter);
	const struct change *x;

	TAILQ_FOREACH(x, list, entry)
		if (strcmp(x->filter, name) == 0 && conf_set(filter, section,
		    x->option, x->value, errp) == -1)
			return -1;
	return 0;
}

static struct change *
change_new(struct changes *list, const char *filter, const char *option,
    const char *value)
{
	struct change *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	strlcpy(x->filter, filter, sizeof(x->filter));
	strlcpy(x->option, option, sizeof(x->option));
	strlcpy(x->value, value, sizeof(x->value));
	TAILQ_INSERT_TAIL(list, x, entry);
	return x;
}

static void
change_free(struct changes *list, struct change *x)
{
	TAILQ_REMOVE(list, x, entry);
	free(x);
}

/* Each in place of the former one of its option; returns the last serial. */
static uint64_t
adopt(struct changes *fresh, bool existing)
{
	const uint64_t request = last + 1;
	struct change *x, *former, *next;

	while ((x = TAILQ_FIRST(fresh)) != NULL) {
		TAILQ_REMOVE(fresh, x, entry);
		TAILQ_FOREACH_SAFE(former, &all, entry, next)
			if (strcmp(former->filter, x->filter) == 0 &&
			    strcmp(former->option, x->option) == 0)
				change_free(&all, former);
		x->serial = ++last;
		x->request = request;
		x->existing = existing;
		TAILQ_INSERT_TAIL(&all, x, entry);
	}
	return last;
}

/* --- workers --- */

bool
live_next(const struct worker *w, struct proto_set *set)
{
	const struct change *x = TAILQ_LAST(&all, changes), *next;
	struct conf_filter f;

	if (x == NULL || x->serial <= w->set_sent || w->broken ||
	    w->state == WORKER_STARTING || w->state == WORKER_DEAD)
		return false;
	TAILQ_FOREACH(x, &all, entry)
		if (x->serial > w->set_sent &&
		    conf_filter_of(w->gen->conf, x->filter, &f))
			break;
	if (x == NULL)
		return false;
	next = TAILQ_NEXT(x, entry);
	memset(set, 0, sizeof(*set));
	set->serial = x->serial;
	set->filter = conf_filter_number(w->gen->conf, &f);
	set->flags = (x->existing ? SET_EXISTING : 0) | (next != NULL &&
	    next->request == x->request ? SET_MORE : 0);
	strlcpy(set->option, x->option, sizeof(set->option));
	strlcpy(set->value, x->value, sizeof(set->value));
	return true;
}

void
live_sent(struct worker *w, const struct proto_set *set)
{
	w->set_sent = set->serial;
}

void
live_done(struct worker *w, const struct proto_set_done *done)
{
	if (done->serial > w->set_sent)
		return;
	w->set_done = done->serial;
	live_look();
}

/* A worker that has not that, or NULL. One that starts gets it before its first
 * session. */
static const struct worker *
lacks(uint64_t serial)
{
	const struct worker *w;

	TAILQ_FOREACH(w, &master.gen->workers, entry)
		if (w->set_done < serial && !w->broken &&
		    w->state != WORKER_STARTING && w->state != WORKER_DEAD)
			return w;
	return NULL;
}

/* --- who waits for them --- */

void
live_wait(struct live_wait *wait, uint64_t serial, uint64_t ms)
{
	wait->serial = serial;
	wait->limit = ms;
	wait->waits = true;
	ev_timer_init(&wait->timer, late);
	if (ms != 0)
		ev_timer_set(&wait->timer, ms);
	TAILQ_INSERT_TAIL(&waits, wait, entry);
}

void
live_forget(struct live_wait *wait)
{
	if (!wait->waits)
		return;
	ev_timer_stop(&wait->timer);
	TAILQ_REMOVE(&waits, wait, entry);
	wait->waits = false;
}

static void
answer(struct live_wait *wait, const char *error)
{
	live_forget(wait);
	wait->cb(wait, error);
}

void
live_look(void)
{
	struct live_wait *wait, *next;

	TAILQ_FOREACH_SAFE(wait, &waits, entry, next)
		if (lacks(wait->serial) == NULL)
			answer(wait, NULL);
}

void
live_give_up(const char *why)
{
	struct live_wait *wait;

	while ((wait = TAILQ_FIRST(&waits)) != NULL)
		answer(wait, why);
}

static void
late(struct ev_timer *t)
{
	struct live_wait *wait = container_of(t, struct live_wait, timer);
	const struct worker *w = lacks(wait->serial);
	char why[160], limit[CONF_UNITLEN];

	if (w == NULL) {
		answer(wait, NULL);
		return;
	}
	snprintf(why, sizeof(why), "worker %ld has not answered in %s; it has "
	    "this when it goes on, the others have it now",
	    (long)w->child.pid, conf_duration_str(wait->limit, limit));
	answer(wait, why);
}

/* --- other configurations --- */

static bool
fits(const struct conf *c, const char *filter)
{
	struct conf_filter f;
	const char *err;

	return conf_filter_of(c, filter, &f) && draft(c, &f, NULL, &err) == 0;
}

void
live_reload(const struct conf *c, bool keep, FILE *note)
{
	struct change *x, *next;

	TAILQ_FOREACH_SAFE(x, &all, entry, next)
		if (!keep || !fits(c, x->filter))
			undo(c, x, note);
	if (!TAILQ_EMPTY(&all))
		mark(MARK_SEND);
}

static void
undo(const struct conf *c, struct change *x, FILE *note)
{
	const char *kind = kind_of(c, x->filter);

	log_info("reload: %s %s: undone: %s=%s", kind, x->filter, x->option,
	    x->value);
	if (note != NULL)
		fprintf(note, "%s %s: undone: %s=%s\n", kind, x->filter,
		    x->option, x->value);
	change_free(&all, x);
}

static const char *
kind_of(const struct conf *c, const char *filter)
{
	struct conf_filter f;

	return conf_filter_of(c, filter, &f) ? conf_filter_kind_name(f.kind) :
	    "filter";
}

void
live_print(FILE *f, const char *before)
{
	const struct change *x;

	TAILQ_FOREACH(x, &all, entry)
		fprintf(f, "%s%s %s: %s=%s\n", before,
		    kind_of(master.gen->conf, x->filter), x->filter,
		    x->option, x->value);
}

void
live_save(FILE *f)
{
	const struct change *x;

	TAILQ_FOREACH(x, &all, entry)
		fprintf(f, "live %s %s %s\n", x->filter, x->option, x->value);
}

/* Open sessions have it, or are not to have it. */
bool
live_take(const char *line)
{
	char filter[CONF_NAME], option[SET_OPTION], value[SET_VALUE];
	struct change *x;

	if (sscanf(line, "live %31s %31s %95s", filter, option, value) != 3 ||
	    (x = change_new(&all, filter, option, value)) == NULL)
		return false;
	x->serial = x->request = ++last;
	return true;
}
