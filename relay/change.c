#include "compat.h"

#include "chain.h"
#include "conf/set.h"
#include "change.h"
#include "log.h"
#include "self.h"
#include "session.h"

static void	 change_apply(struct filter_section *);
static void	 change_tell(struct filter_section *);

/* The master has looked at it: what fails here, memory aside, is of another
 * release. */
void
change_take(const struct proto_set *set)
{
	struct filter_section *f = filter_numbered(set->filter);
	const char *err;

	if (f == NULL || memchr(set->option, '\0', SET_OPTION) == NULL ||
	    memchr(set->value, '\0', SET_VALUE) == NULL)
		return;
	if (conf_set(&f->conf, conf_set_section(self.conf, &f->conf),
	    set->option, set->value, &err) == -1) {
		log_warnx("%s: %s", f->name, err);
		return;
	}
	if ((set->flags & SET_MORE) != 0)
		return;
	change_apply(f);
	if ((set->flags & SET_EXISTING) != 0)
		change_tell(f);
}

static void
change_apply(struct filter_section *f)
{
	if (f->used && f->ops->set != NULL && f->ops->set(f) == -1)
		log_warn("%s", f->name);
}

static void
change_tell(struct filter_section *f)
{
	struct sess_walk walk;
	struct sess *s;

	sess_walk_begin(&walk);
	while ((s = sess_walk_next(&walk)) != NULL)
		if (s->client.filtered && chain_changed(s, f))
			sess_resume(s);
	sess_walk_end(&walk);
}
