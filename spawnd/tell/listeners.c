#include "compat.h"

#include "accept/backlog.h"
#include "accept/listener.h"
#include "conf/conf.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/account.h"
#include "tell/listeners.h"

static bool	is_range(const struct listener *);
static bool	is_first(const struct listener *);
static bool	is_same(const struct listener *, const struct listener *);
static void	listener_put(struct table *, const struct listener *);
static int	sum_waiting(int, int);
static void	address(struct table *, const struct listener *,
		    const struct conf_listen *);
static void	options(struct table *, const struct conf_listen *);
static void	waiting_cell(struct table *, int);
static void	counts_put(struct table *, const struct listener *);
static bool	is_first_of_section(const struct listener *);

const struct column listeners_cols[LISTENERS_COLS] = {
	{ "name", true }, { "address", true }, { "relay", true },
	{ "tls", true }, { "tag", true }, { "accepted", false },
	{ "refused", false }, { "denied", false }, { "limited", false },
	{ "waiting", false }, { "overload", true }, { "backlog", false },
	{ "options", true }, { "sessions", false },
	{ "sessions_total", false }, { "failed", false },
	{ "bytes_in", false }, { "bytes_out", false }
};

void
listeners_fill(struct table *t)
{
	const struct listener *l;

	account_look();
	TAILQ_FOREACH(l, &master.listeners, entry)
		if (!l->fresh && is_first(l))
			listener_put(t, l);
}

/* The ports of a range are a line; what was passed by name may be anything. */
static bool
is_range(const struct listener *l)
{
	return l->from != LISTENER_BY_NAME &&
	    conf_listen_ranges(&master.gen->conf->listens[l->index]);
}

static bool
is_first(const struct listener *l)
{
	const struct conf_listen *c = &master.gen->conf->listens[l->index];

	return !is_range(l) ||
	    addr_get_port(&l->addr) == addr_get_port(&c->addr[0]);
}

/* But for the port. */
static bool
is_same(const struct listener *a, const struct listener *b)
{
	struct addr at;

	if (a->index != b->index || a->fresh || !is_range(a))
		return false;
	at = a->addr;
	addr_set_port(&at, addr_get_port(&b->addr));
	return addr_cmp(&at, &b->addr) == 0;
}

static void
listener_put(struct table *t, const struct listener *first)
{
	const struct conf *c = master.gen->conf;
	const struct conf_listen *conf = &c->listens[first->index];
	const bool range = is_range(first);
	const struct listener *l = range ? TAILQ_FIRST(&master.listeners) :
	    first;
	uint64_t accepted = 0, denied = 0, limited = 0;
	int waiting = 0;

	for (; l != NULL; l = range ? TAILQ_NEXT(l, entry) : NULL) {
		if (l != first && !is_same(l, first))
			continue;
		accepted += l->accepted;
		denied += l->denied;
		limited += l->limited;
		waiting = sum_waiting(waiting, backlog_count(l->io.fd));
	}
	table_cell(t, "%s", first->name);
	address(t, first, range ? conf : NULL);
	table_cell(t, "%s", conf_relay_name(c, conf));
	table_cell(t, "%s", conf->tls == CONF_NOREF ? "-" :
	    c->tlss[conf->tls].name);
	table_cell(t, "%s", conf->tag == NULL ? "-" : conf->tag);
	table_number(t, accepted);
	table_number(t, denied + limited);
	table_number(t, denied);
	table_number(t, limited);
	waiting_cell(t, waiting);
	table_cell(t, "%s", conf_overload_name(c->overload));
	table_cell(t, "%u", first->backlog);
	options(t, conf);
	counts_put(t, first);
}

static int
sum_waiting(int sum, int n)
{
	return sum == BACKLOG_UNKNOWN || n == BACKLOG_UNKNOWN ?
	    BACKLOG_UNKNOWN : sum + n;
}

/* range: NULL, or whose. */
static void
address(struct table *t, const struct listener *first,
    const struct conf_listen *range)
{
	char text[ADDR_STRLEN];

	addr_str(&first->addr, text);
	if (range == NULL)
		table_cell(t, "%s", text);
	else
		table_cell(t, "%s-%u", text,
		    addr_get_port(&range->addr[range->naddr - 1]));
}

static void
options(struct table *t, const struct conf_listen *c)
{
	size_t len;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);
	int done = f == NULL ? -1 : conf_print_socket(c, f);

	if (f == NULL || fclose(f) == EOF || done == -1)
		t->failed = true;
	else
		table_cell(t, "%s", text);
	free(text);
}

static void
waiting_cell(struct table *t, int n)
{
	if (n == BACKLOG_UNKNOWN)
		table_cell(t, "-");
	else
		table_cell(t, "%d", n);
}

/* What workers count is a section's, not an address': it is in the first line
 * of a section. Another program than relay does not tell. */
static void
counts_put(struct table *t, const struct listener *l)
{
	const struct account *c = account_listener(l->name);
	const struct account_listener *n;
	unsigned i;

	if (c == NULL || master.gen->conf->exec != NULL ||
	    !is_first_of_section(l)) {
		for (i = 0; i < 5; i++)
			table_cell(t, "-");
		return;
	}
	n = &c->now.listener;
	table_number(t, n->open);
	table_number(t, n->sessions);
	table_number(t, n->failed);
	table_number(t, n->bytes_in);
	table_number(t, n->bytes_out);
}

static bool
is_first_of_section(const struct listener *l)
{
	const struct listener *other;

	TAILQ_FOREACH(other, &master.listeners, entry)
		if (!other->fresh && other->index == l->index)
			return other == l;
	return false;
}
