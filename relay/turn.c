#include "compat.h"

#include "turn.h"

#define TURN_US		1000	/* after so many, others are served */

static void	 turn_run(struct ev_task *);

static TAILQ_HEAD(, turn)	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct ev_task		 task;

void
turn_wait(struct turn *t, void (*cb)(struct turn *))
{
	if (t->cb == NULL)
		TAILQ_INSERT_TAIL(&waiting, t, entry);
	t->cb = cb;
	ev_defer(&task, turn_run);
}

void
turn_cancel(struct turn *t)
{
	if (t->cb != NULL)
		TAILQ_REMOVE(&waiting, t, entry);
	t->cb = NULL;
}

static void
turn_run(struct ev_task *me)
{
	void (*cb)(struct turn *);
	struct turn *t;
	uint64_t end;

	ev_now_update();
	end = ev_now_us() + TURN_US;
	while ((t = TAILQ_FIRST(&waiting)) != NULL && ev_now_us() < end) {
		cb = t->cb;
		turn_cancel(t);
		cb(t);
		ev_now_update();
	}
	if (t != NULL)
		ev_defer(me, turn_run);
}
