#include "compat.h"

#include "dest/names.h"
#include "dest/place.h"
#include "dest/rules.h"
#include "remote/remotes.h"
#include "self.h"

/* With counters that nobody reads. */
struct anywhere {
	struct remote		remote;
	struct board_place	board;
	struct board_place_more	more;
};

static int	 place_new(struct remotes *);

static const struct conf_remote target = { .name = "target",
	.tls = CONF_NOREF };

int
dest_start(const char **errp)
{
	bool any = false, names = false;
	struct remotes *rs;
	unsigned i;

	for (i = 0; i < self.conf->nrelays; i++) {
		rs = &self.remotes[i];
		if (rs->conf->ntargets == 0)
			continue;
		any = true;
		names |= rs->conf->targets->names == CONF_NAMES_PROXY;
		if (place_new(rs) == -1) {
			*errp = strerror(errno);
			return -1;
		}
	}
	if (any && dest_own_start(self.conf) == -1) {
		*errp = strerror(errno);
		return -1;
	}
	return names ? names_start(errp) : 0;
}

static int
place_new(struct remotes *rs)
{
	struct anywhere *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -1;
	a->remote.of = rs;
	a->remote.conf = &target;
	a->remote.count = 1;
	a->remote.board = &a->board;
	a->remote.more = &a->more;
	a->remote.locals = rs->locals;
	rs->anywhere = &a->remote;
	rs->rules = dest_rules_new(rs->conf->targets);
	return rs->rules == NULL ? -1 : 0;
}
