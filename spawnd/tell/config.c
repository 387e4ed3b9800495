#include "compat.h"

#include "conf/conf.h"
#include "master.h"
#include "proc/admin.h"
#include "proc/generation.h"
#include "proc/live.h"
#include "tell/config.h"

#define SET	"# until the next reload: "

static void	 config_set(FILE *);

void
config_print(FILE *f, bool json)
{
	int done;

	if (json)
		done = conf_print_json(master.gen->conf, f);
	else
		done = conf_print(master.gen->conf, CONF_AS_WRITTEN, f);
	if (done == 0 && !json)
		config_set(f);
}

static void
config_set(FILE *f)
{
	const struct setting *s;
	char what[ADMIN_STRLEN];

	for (s = admin_first(); s != NULL; s = TAILQ_NEXT(s, entry))
		fprintf(f, SET "remote %s/%s: %s\n", s->relay, s->remote,
		    admin_str(s->admin, what));
	live_print(f, SET);
}
