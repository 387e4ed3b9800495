#include "compat.h"

#include "accept/listener.h"
#include "accept/refuse.h"
#include "acl.h"
#include "conf/conf.h"
#include "ev.h"
#include "fields.h"
#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/trace.h"

#define LINES	10	/* a second, of each kind */

static void	 tell(const struct listener *, const struct source *,
		    const char *why, enum field, const char *by,
		    unsigned skipped);
static bool	 resets(const struct listener *, enum limit);
static const char *denied_by(const struct listener *, const struct source *,
		    char[ADDR_STRLEN]);
static bool	 denies(const struct acl *, const struct source *,
		    const struct acl_rule **);

/* Each has its own, so that neither hides the other. */
static struct log_limit	 denials = { .more = LINES - 1 };
static struct log_limit	 limits = { .more = LINES - 1 };

void
refuse_denied(struct listener *l, int fd, const struct source *client)
{
	char rule[ADDR_STRLEN];
	unsigned skipped;

	l->denied++;
	board_add(&ledger->denied, 1);
	close(fd);
	trace_refused(l->name, client, "denied", "access");
	if (log_allow(&denials, ev_now(), &skipped))
		tell(l, client, "denied", FIELD_RULE, denied_by(l, client,
		    rule), skipped);
}

/* The map knows who is denied, not why; so many times a second there is time
 * to go through the rules. */
static const char *
denied_by(const struct listener *l, const struct source *client,
    char buf[ADDR_STRLEN])
{
	const struct conf *conf = master.gen->conf;
	const struct acl_rule *rule;

	if (!denies(&conf->acl, client, &rule))
		denies(&conf->listens[l->index].acl, client, &rule);
	return rule != NULL ? acl_str(rule, buf) : "none permits";
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
	unsigned skipped;

	l->limited++;
	board_add(&ledger->limited, 1);
	if (resets(l, over))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	trace_refused(l->name, client, "limit", limit_name(over));
	if (log_allow(&limits, ev_now(), &skipped))
		tell(l, client, "limit", FIELD_LIMIT, limit_name(over),
		    skipped);
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
    enum field what, const char *by, unsigned skipped)
{
	const struct conf_listen *c = &master.gen->conf->listens[l->index];
	char buf[LOG_LINE], text[ADDR_STRLEN];
	struct line line = { buf, 0, sizeof(buf) };

	fields_begin(&line, LOG_NOTICE, "refused");
	fields_text(&line, FIELD_LISTENER, l->name);
	fields_text(&line, FIELD_CLIENT, source_str(client, text));
	if (conf_listen_ranges(c))
		fields_number(&line, FIELD_PORT, addr_get_port(&l->addr));
	if (c->tag != NULL)
		fields_text(&line, FIELD_TAG, c->tag);
	fields_text(&line, FIELD_END, "relay");
	fields_text(&line, FIELD_WHY, why);
	fields_text(&line, what, by);
	if (skipped != 0)
		fields_number(&line, FIELD_UNLOGGED, skipped);
	log_fields(LOG_NOTICE, &line);
}
