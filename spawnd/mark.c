#include "compat.h"

#include "mark.h"

static struct ev_task	 task;
static void		(*settle)(struct ev_task *);
static unsigned		 marked;

void
mark_begin(void (*cb)(struct ev_task *))
{
	settle = cb;
}

void
mark(unsigned what)
{
	marked |= what;
	ev_defer(&task, settle);
}

unsigned
mark_take(void)
{
	const unsigned what = marked;

	marked = 0;
	return what;
}
