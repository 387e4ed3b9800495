#include "compat.h"

#include "conf/conf.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/checkproc.h"
#include "proc/generation.h"
#include "proc/level.h"
#include "proc/logproc.h"
#include "proc/worker.h"

static int	 asked = -1;	/* -1: as configured */
static int	 wanted;	/* of all processes but the logger */

void
level_set(int level)
{
	const struct conf_log *other;
	struct generation *g;
	struct worker *w;
	unsigned i;

	asked = level;
	logproc_least(level);
	/* Others than the log without a name go on as they are. */
	for (i = 1; (other = conf_log(master.gen->conf, i)) != NULL; i++)
		level = MAX(level, other->level);
	wanted = level;
	log_set_level(level);
	checkproc_level(level);
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			level_ready(w);
	mark(MARK_SEND);
}

/* Another program than relay knows nothing of it, and a reload that is under
 * way undoes it. */
void
level_ready(struct worker *w)
{
	w->level = wanted;
	w->level_due = asked != -1 && w->gen->conf->exec == NULL &&
	    (w->gen->old || w->gen == master.gen);
}

void
level_forget(void)
{
	asked = -1;
	logproc_least(-1);
	checkproc_level(-1);
}
