#include "compat.h"

#include "path.h"
#include "remote/remotes.h"
#include "self.h"

#define FLUSH_MAX	60000	/* ms, if half-close-timeout is 0 */

static struct path	*paths;		/* one a listener */

int
path_init(void)
{
	const struct conf *c = self.conf;
	struct path *p;
	unsigned i;

	if ((paths = calloc(c->nlistens, sizeof(*paths))) == NULL)
		return -1;
	for (i = 0; i < c->nlistens; i++) {
		p = &paths[i];
		p->listen = &c->listens[i];
		p->relay = &c->relays[p->listen->relay];
		p->remotes = &self.remotes[p->listen->relay];
		p->limit[LIMIT_CONNECT] = p->relay->connect_timeout;
		p->limit[LIMIT_IDLE] = p->relay->idle_timeout;
		p->limit[LIMIT_HALF_CLOSE] = p->relay->half_close_timeout;
		p->limit[LIMIT_FLUSH] = p->relay->half_close_timeout != 0 ?
		    p->relay->half_close_timeout : FLUSH_MAX;
	}
	return 0;
}

const struct path *
path_of(uint32_t listener)
{
	return listener < self.conf->nlistens ? &paths[listener] : NULL;
}
