#include "compat.h"

#include <inttypes.h>

#include "accept/handoff.h"
#include "accept/overload.h"
#include "conf/conf.h"
#include "ev.h"
#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"

/*
 * Under load there is room for one and none again, many times a second: for the
 * log that is one overload, which is over when there has been room for a
 * while. So there are never more than two lines in that time.
 */
#define QUIET	1000	/* ms */

static void	quiet_over(struct ev_timer *);

static struct ev_timer	 quiet = EV_TIMER(quiet_over);
static bool		 on;
static bool		 told;		/* of the begin, not yet of the end */
static uint64_t		 since, until;	/* ms; until: the last room */
static uint64_t		 limited;	/* ledger->limited at its begin */
static uint64_t		 waited;

void
overload_begin(void)
{
	const struct conf *conf = master.gen->conf;

	ev_timer_stop(&quiet);
	on = true;
	/* What is kept goes first, and there may be room after that. */
	if (told || handoff_kept() != 0)
		return;
	told = true;
	since = ev_now();
	limited = board_get(&ledger->limited);
	waited = 0;
	log_warnx("overload (%s): servers max %u and users max %u are reached",
	    conf_overload_name(conf->overload), conf->servers_max,
	    conf->users_max);
}

void
overload_look(void)
{
	if (!on || handoff_room() != HANDOFF_ROOM)
		return;
	on = false;
	until = ev_now();
	if (told)
		ev_timer_set(&quiet, QUIET);
}

static void
quiet_over(struct ev_timer *t)
{
	(void)t;
	told = false;
	log_warnx("overload is over after %" PRIu64 ".%03u s: %" PRIu64
	    " connections were refused, %" PRIu64 " had to wait",
	    (until - since) / 1000, (unsigned)((until - since) % 1000),
	    board_get(&ledger->limited) - limited, waited);
}

void
overload_waited(void)
{
	waited++;
}

void
overload_end(void)
{
	if (!told)
		return;
	if (on)
		until = ev_now();
	ev_timer_stop(&quiet);
	quiet_over(&quiet);
}

bool
overload_on(void)
{
	return on;
}

void
overload_save(FILE *f)
{
	if (told)
		fprintf(f, "overload %d %" PRIu64 " %" PRIu64 " %" PRIu64
		    " %" PRIu64 "\n", on, since, until, limited, waited);
}

bool
overload_take(const char *line)
{
	int now;

	if (sscanf(line, "overload %d %" SCNu64 " %" SCNu64 " %" SCNu64
	    " %" SCNu64, &now, &since, &until, &limited, &waited) != 5)
		return false;
	on = now != 0;
	told = true;
	if (!on)
		ev_timer_set(&quiet, QUIET);
	return true;
}
