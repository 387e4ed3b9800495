#include "compat.h"

#include "confine.h"
#include "sandbox.h"
#include "self.h"
#include "start.h"

static void	 needs(struct sandbox *, const struct conf *);
static void	 needs_of(struct sandbox *, const struct conf_relay *,
		    const struct conf_remote *);
static void	 needs_port(struct sandbox *, uint16_t);

void
confine_early(const struct conf *c)
{
	if (c->sandbox != CONF_SANDBOX_OFF)
		sandbox_early();
	if (c->sandbox != CONF_SANDBOX_OFF && c->nmatches != 0)
		sandbox_code();
}

void
confine(const struct conf *c)
{
	struct sandbox box;

	needs(&box, c);
	start_confine(&box, c->sandbox);
}

static void
needs(struct sandbox *box, const struct conf *c)
{
	const struct conf_relay *r;
	unsigned k;

	memset(box, 0, sizeof(*box));
	box->role = SANDBOX_WORKER;
	box->ktls = self.ktls;
	for (r = c->relays; r < c->relays + c->nrelays; r++) {
		box->bind |= r->nlocals != 0;
		box->any_port |= r->ntargets != 0;
		box->names |= r->ntargets != 0 &&
		    r->targets->names == CONF_NAMES_PROXY;
		for (k = 0; k < r->nremotes; k++)
			needs_of(box, r, &r->remotes[k]);
	}
}

static void
needs_of(struct sandbox *box, const struct conf_relay *relay,
    const struct conf_remote *remote)
{
	unsigned i;

	box->bind |= remote->nlocals != 0;
	/* What it is looked up as may be at any port. */
	box->any_port |= conf_places(relay, remote) != remote->naddr;
	for (i = 0; i < remote->naddr; i++) {
		if (remote->addr[i].sa.sa_family == AF_UNIX)
			box->paths = true;
		else
			needs_port(box, addr_get_port(&remote->addr[i]));
	}
}

static void
needs_port(struct sandbox *box, uint16_t port)
{
	size_t i;

	for (i = 0; i < box->nports; i++)
		if (box->ports[i] == port)
			return;
	if (box->nports == SANDBOX_PORTS)
		box->any_port = true;
	else
		box->ports[box->nports++] = port;
}
