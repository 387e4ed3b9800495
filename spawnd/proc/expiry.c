#include "compat.h"

#include "conf/conf.h"
#include "ev.h"
#include "log.h"
#include "master.h"
#include "proc/expiry.h"
#include "proc/generation.h"

#define DAY	86400000	/* ms */

static void	 look(struct ev_timer *);
static bool	 warn(const struct conf_tls *, const struct conf_cert *,
		    uint64_t);

static struct ev_timer	 daily = EV_TIMER(look);

void
expiry_watch(void)
{
	ev_timer_stop(&daily);
	if (master.gen->conf->ntlss > 0)
		ev_timer_set(&daily, DAY);
}

static void
look(struct ev_timer *t)
{
	expiry_look(master.gen->conf, time(NULL));
	ev_timer_set(t, DAY);
}

unsigned
expiry_look(const struct conf *c, time_t now)
{
	const struct conf_tls *t;
	unsigned i, n = 0;

	for (t = c->tlss; t < c->tlss + c->ntlss; t++)
		for (i = 0; i < t->ncerts; i++)
			n += warn(t, &t->certs[i], (uint64_t)now);
	return n;
}

static bool
warn(const struct conf_tls *t, const struct conf_cert *cert, uint64_t now)
{
	if (cert->until == 0 || cert->until >= now + EXPIRY_SOON)
		return false;
	if (cert->until < now)
		log_warnx("tls %s: certificate \"%s\" has expired; replace "
		    "it, and reload", t->name, cert->file);
	else
		log_warnx("tls %s: certificate \"%s\" expires in %u days; "
		    "replace it, and reload", t->name, cert->file,
		    (unsigned)((cert->until - now) / 86400));
	return true;
}
