#include "compat.h"

#include "path.h"
#include "remote/remotes.h"
#include "self.h"

#define FLUSH_MAX	60000	/* ms, if half-close-timeout is 0 */

static void	 path_make(struct path *, const struct conf_listen *,
		    unsigned);

static struct path	*paths;		/* one a listener */

int
path_init(uint32_t (*stages)(const struct path *))
{
	const struct conf *c = self.conf;
	unsigned i;

	if ((paths = calloc(c->nlistens, sizeof(*paths))) == NULL)
		return -1;
	for (i = 0; i < c->nlistens; i++) {
		path_make(&paths[i], &c->listens[i], c->listens[i].relay);
		paths[i].stages = stages(&paths[i]);
	}
	return 0;
}

/* All but its stages. */
static void
path_make(struct path *p, const struct conf_listen *l, unsigned relay)
{
	p->listen = l;
	p->relay = &self.conf->relays[relay];
	p->remotes = &self.remotes[relay];
	p->limit[LIMIT_HANDSHAKE] = l->handshake_timeout;
	p->limit[LIMIT_CONNECT] = p->relay->connect_timeout;
	p->limit[LIMIT_IDLE] = p->relay->idle_timeout;
	p->limit[LIMIT_HALF_CLOSE] = p->relay->half_close_timeout;
	p->limit[LIMIT_FLUSH] = p->relay->half_close_timeout != 0 ?
	    p->relay->half_close_timeout : FLUSH_MAX;
}

const struct path *
path_of(uint32_t listener)
{
	return listener < self.conf->nlistens ? &paths[listener] : NULL;
}
