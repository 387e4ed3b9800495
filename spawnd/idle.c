#include "compat.h"

#include "accept/handoff.h"
#include "conf/conf.h"
#include "ev.h"
#include "idle.h"
#include "ledger.h"
#include "life.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/reload.h"
#include "proc/totals.h"

#define LOOK	1000	/* ms until shrink-after is looked up again */

static bool	busy(void);
static void	look(struct ev_timer *);

static struct ev_timer	 timer = EV_TIMER(look);
static uint64_t		 since, before;

void
idle_begin(void)
{
	if (!master.opt.inetd)
		return;
	since = ev_now();
	ev_timer_set(&timer, 0);
}

/* Has anything happened since the last look? */
static bool
busy(void)
{
	const uint64_t seen = board_get(&ledger->accepted) +
	    board_get(&ledger->denied) + board_get(&ledger->limited);
	const bool moved = seen != before;

	before = seen;
	return moved || handoff_kept() != 0 || !reload_idle() ||
	    totals_sum().open != 0;
}

static void
look(struct ev_timer *t)
{
	const uint64_t limit = master.gen == NULL ? 0 :
	    master.gen->conf->shrink_after;

	if (master.stopping)
		return;
	if (limit == 0 || busy())
		since = ev_now();
	if (limit == 0) {
		ev_timer_set(t, LOOK);	/* after a start or a reload */
	} else if (ev_now() - since < limit) {
		ev_timer_set(t, limit / 4 + 1);
	} else {
		log_info("idle: inetd takes over");
		life_stop(false);
	}
}
