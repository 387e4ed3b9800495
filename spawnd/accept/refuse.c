#include "compat.h"

#include "accept/listener.h"
#include "accept/refuse.h"
#include "acl.h"
#include "conf/conf.h"
#include "ev.h"
#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"

#define LINES	10	/* a second, of each kind */

static void	 tell(const struct listener *, const struct source *,
		    const char *why, unsigned skipped);
static bool	 resets(const struct listener *, enum limit);
static char	*denied_by(const struct listener *, const struct source *,
		    char *, size_t);
static bool	 denies(const struct acl *, const struct source *,
		    const struct acl_rule **);

/* Each has its own, so that neither hides the other. */
static struct log_limit	 denials = { .more = LINES - 1 };
static struct log_limit	 limits = { .more = LINES - 1 };

void
refuse_denied(struct listener *l, int fd, const struct source *client)
{
	char why[ADDR_STRLEN + 32];
	unsigned skipped;

	l->denied++;
	board_add(&ledger->denied, 1);
	close(fd);
	if (log_allow(&denials, ev_now(), &skipped))
		tell(l, client, denied_by(l, client, why,
		    sizeof(why)), skipped);
}

/* The map knows who is denied, not why; so many times a second there is time
 * to go through the rules. */
static char *
denied_by(const struct listener *l, const struct source *client, char *buf,
    size_t size)
{
	const struct conf *conf = master.gen->conf;
	const struct acl_rule *rule;
	char text[ADDR_STRLEN];

	if (!denies(&conf->acl, client, &rule))
		denies(&conf->listens[l->index].acl, client, &rule);
	snprintf(buf, size, "why=denied rule=\"%s\"",
	    rule != NULL ? acl_str(rule, text) : "none permits");
	return buf;
}

static bool
denies(const struct acl *acl, const struct source *client,
    const struct acl_rule **rule)
{
	*rule = acl_first(acl, client, window_now());
	return *rule != NULL ? !(*rule)->permit : acl_lists(acl);
}

void
refuse_limited(struct listener *l, int fd, const struct source *client,
    enum limit over)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	char why[64];
	unsigned skipped;

	l->limited++;
	board_add(&ledger->limited, 1);
	if (resets(l, over))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	snprintf(why, sizeof(why), "why=limit limit=%s", limit_name(over));
	if (log_allow(&limits, ev_now(), &skipped))
		tell(l, client, why, skipped);
}

/* Room is the pool's affair, all else the listener's. */
static bool
resets(const struct listener *l, enum limit over)
{
	const struct conf *conf = master.gen->conf;

	return over == LIMIT_OVERLOAD || over == LIMIT_RESERVE ?
	    conf->overload == OVERLOAD_RESET :
	    conf->listens[l->index].over_limit != OVER_CLOSE;
}

static void
tell(const struct listener *l, const struct source *client, const char *why,
    unsigned skipped)
{
	const struct conf_listen *c = &master.gen->conf->listens[l->index];
	char port[16] = "", more[32] = "", text[ADDR_STRLEN];

	if (skipped != 0)
		snprintf(more, sizeof(more), " unlogged=%u", skipped);
	if (conf_listen_ranges(c))
		snprintf(port, sizeof(port), " port=%u",
		    addr_get_port(&l->addr));
	log_write(LOG_NOTICE, "refused: listener=%s client=%s%s%s%s end=relay "
	    "%s%s", l->name, source_str(client, text), port,
	    c->tag != NULL ? " tag=" : "", c->tag != NULL ? c->tag : "", why,
	    more);
}
