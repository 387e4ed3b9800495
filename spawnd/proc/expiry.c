#include "compat.h"

#include "conf/conf.h"
#include "ev.h"
#include "log.h"
#include "master.h"
#include "proc/expiry.h"
#include "proc/generation.h"

#define DAY	86400000	/* ms */

static void	 look(struct ev_timer *);
static unsigned	 look_at(const struct conf_tls *, const char *,
		    const struct conf_cert *, unsigned, uint64_t);

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
	unsigned n = 0;

	for (t = c->tlss; t < c->tlss + c->ntlss; t++) {
		n += look_at(t, "certificate", t->certs, t->ncerts,
		    (uint64_t)now);
		n += look_at(t, "crl", t->crls, t->ncrls, (uint64_t)now);
	}
	return n;
}

static unsigned
look_at(const struct conf_tls *t, const char *what,
    const struct conf_cert *files, unsigned nfiles, uint64_t now)
{
	const struct conf_cert *f;
	unsigned n = 0;

	for (f = files; f < files + nfiles; f++) {
		if (f->until == 0 || f->warn >= now)
			continue;
		n++;
		if (f->until < now)
			log_warnx("tls %s: %s \"%s\" has expired; replace "
			    "it, and reload", t->name, what, f->file);
		else
			log_warnx("tls %s: %s \"%s\" expires in %u days; "
			    "replace it, and reload", t->name, what, f->file,
			    (unsigned)((f->until - now) / 86400));
	}
	return n;
}
