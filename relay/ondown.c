#include "compat.h"

#include "log.h"
#include "ondown.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"

#define LOOK	100	/* ms: no event tells what the checker has found */

static void	 ondown_look(struct ev_timer *);
static void	 ondown_of(struct remotes *);

static struct ev_timer	 look_timer = EV_TIMER(ondown_look);

void
ondown_start(void)
{
	const struct conf_relay *r = self.conf->relays;
	unsigned i;

	for (i = 0; i < self.conf->nrelays && self.targets.mem != NULL; i++)
		if (r[i].on_down == ON_DOWN_CLOSE)
			ev_timer_set(&look_timer, LOOK);
}

static void
ondown_look(struct ev_timer *t)
{
	unsigned i;

	if (self.draining && self.nsessions == 0)
		return;
	remotes_look();
	for (i = 0; i < self.conf->nrelays; i++)
		if (self.conf->relays[i].on_down == ON_DOWN_CLOSE)
			ondown_of(&self.remotes[i]);
	ev_timer_set(t, LOOK);
}

static void
ondown_of(struct remotes *rs)
{
	char name[REMOTE_STRLEN];
	struct remote *r;
	unsigned n;

	for (r = rs->all; r < rs->all + rs->n; r++) {
		if (!r->fell)
			continue;
		r->fell = false;
		if ((n = sess_close_at(r)) != 0)
			log_info("remote %s: down: %u sessions closed",
			    remote_str(r, name), n);
	}
}
