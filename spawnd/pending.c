#include "compat.h"

#include "mark.h"
#include "pending.h"

TAILQ_HEAD(waiters, pending);

static void	answer(struct waiters *, const char *, const char *);

static struct kind {
	bool		 asked;
	struct waiters	 waiting;	/* until it begins */
	struct waiters	 taken;		/* for its outcome */
} kinds[] = {
	[PENDING_RELOAD] = { false,
	    TAILQ_HEAD_INITIALIZER(kinds[PENDING_RELOAD].waiting),
	    TAILQ_HEAD_INITIALIZER(kinds[PENDING_RELOAD].taken) },
	[PENDING_UPGRADE] = { false,
	    TAILQ_HEAD_INITIALIZER(kinds[PENDING_UPGRADE].waiting),
	    TAILQ_HEAD_INITIALIZER(kinds[PENDING_UPGRADE].taken) }
};

void
pending_ask(enum pending_what what, struct pending *p)
{
	kinds[what].asked = true;
	mark(MARK_PENDING);
	if (p == NULL)
		return;
	p->what = what;
	p->waits = true;
	TAILQ_INSERT_TAIL(&kinds[what].waiting, p, entry);
}

bool
pending_asked(enum pending_what what)
{
	return kinds[what].asked;
}

void
pending_take(enum pending_what what)
{
	kinds[what].asked = false;
	TAILQ_CONCAT(&kinds[what].taken, &kinds[what].waiting, entry);
}

void
pending_refuse(enum pending_what what, const char *error)
{
	kinds[what].asked = false;
	answer(&kinds[what].waiting, error, NULL);
}

void
pending_done(enum pending_what what, const char *error, const char *note)
{
	answer(&kinds[what].taken, error, note);
	if (kinds[what].asked)
		mark(MARK_PENDING);
}

static void
answer(struct waiters *list, const char *error, const char *note)
{
	struct pending *p;

	while ((p = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, p, entry);
		p->waits = false;
		p->cb(p, error, note);
	}
}

void
pending_forget(struct pending *p)
{
	struct kind *k = &kinds[p->what];
	struct pending *x;

	if (!p->waits)
		return;
	p->waits = false;
	TAILQ_FOREACH(x, &k->waiting, entry)
		if (x == p)
			break;
	if (x != NULL)
		TAILQ_REMOVE(&k->waiting, p, entry);
	else
		TAILQ_REMOVE(&k->taken, p, entry);
}
