#include "compat.h"

#include "conf/int.h"
#include "layout.h"

#define BLOCK_MIN	(16 << 10)
#define BLOCK_ALIGN	16

/* All of a value lies in blocks, each twice as large as the one before. */
struct conf_block {
	struct conf_block	*next;
	size_t			 used, size;
};

#define BLOCK_HEAD \
	((sizeof(struct conf_block) + BLOCK_ALIGN - 1) & ~(BLOCK_ALIGN - 1))

#define USERS_TIME	5000	/* ms: there may be a queue */

static bool	 log_names_tcp(const char *);
static struct conf_block *block_new(const struct conf_block *, size_t);
static int	 users_of(struct conf *, struct conf_listen *);
static void	 programs_of(const struct conf *, struct conf_auth *);

struct conf *
conf_new(void)
{
	return calloc(1, sizeof(struct conf));
}

void *
conf_alloc(struct conf *c, size_t size)
{
	struct conf_block *b = c->blocks;
	char *p;

	size = (size + BLOCK_ALIGN - 1) & ~(size_t)(BLOCK_ALIGN - 1);
	if (b == NULL || b->size - b->used < size) {
		if ((b = block_new(b, size)) == NULL)
			return NULL;
		b->next = c->blocks;
		c->blocks = b;
	}
	p = (char *)b + BLOCK_HEAD + b->used;
	b->used += size;
	return p;
}

static struct conf_block *
block_new(const struct conf_block *before, size_t size)
{
	struct conf_block *b;
	size_t want = before == NULL ? BLOCK_MIN : before->size * 2;

	want = MAX(want, size);
	if ((b = calloc(1, BLOCK_HEAD + want)) != NULL)
		b->size = want;
	return b;
}

unsigned
conf_places(const struct conf_relay *relay, const struct conf_remote *remote)
{
	if (!conf_looks_up(relay, remote))
		return remote->naddr;
	return MIN(MAX(remote->naddr * 4, CONF_ADDRS), CONF_PLACES);
}

unsigned
conf_first_place(const struct conf *c, unsigned relay)
{
	const struct conf_relay *r;
	unsigned i, n = 0;

	for (r = c->relays; r < c->relays + relay; r++)
		for (i = 0; i < r->nremotes; i++)
			n += conf_places(r, &r->remotes[i]);
	return n;
}

unsigned
conf_first_cert(const struct conf *c, unsigned listener)
{
	unsigned i, n = 0;

	for (i = 0; i < listener; i++)
		if (c->listens[i].tls != CONF_NOREF)
			n += c->tlss[c->listens[i].tls].ncerts;
	return n;
}

bool
conf_counts(const struct conf *c)
{
	const struct conf_listen *l;

	for (l = c->listens; l < c->listens + c->nlistens; l++)
		if (l->max_sessions != 0 || l->source_sessions != 0 ||
		    l->source_rate != 0 || l->reserve != 0)
			return true;
	return false;
}

const struct conf_log *
conf_log(const struct conf *c, unsigned i)
{
	return i == 0 ? &c->log : i <= c->nlogs ? &c->logs[i - 1] : NULL;
}

int
conf_log_level(const struct conf *c)
{
	const struct conf_log *l;
	unsigned i;
	int level = c->log.level;

	for (i = 1; (l = conf_log(c, i)) != NULL; i++)
		level = MAX(level, l->level);
	return level;
}

bool
conf_log_sessions(const struct conf *c)
{
	const struct conf_log *l;
	unsigned i;

	for (i = 0; (l = conf_log(c, i)) != NULL; i++)
		if (l->sessions)
			return true;
	return false;
}

bool
conf_log_more(const struct conf *c)
{
	const struct conf_log *l;
	unsigned i;

	for (i = 0; (l = conf_log(c, i)) != NULL; i++)
		if (l->format != CONF_FORMAT_TEXT || strcmp(l->to != NULL ?
		    l->to : "", "journald") == 0)
			return true;
	return false;
}

bool
conf_log_draws(const struct conf *c)
{
	const struct conf_log *l;
	unsigned i;

	for (i = 0; (l = conf_log(c, i)) != NULL; i++)
		if (l->sessions && l->sample < CONF_WHOLE)
			return true;
	return false;
}

bool
conf_log_tcp(const struct conf *c)
{
	const struct conf_log *l;
	unsigned i;

	for (i = 0; (l = conf_log(c, i)) != NULL; i++)
		if (l->sessions && (l->tcp_info || (l->custom != NULL &&
		    log_names_tcp(l->custom))))
			return true;
	return false;
}

static bool
log_names_tcp(const char *custom)
{
	struct layout layout;
	const char *err;
	unsigned i;

	if (layout_parse(&layout, custom, &err) == -1)
		return false;
	for (i = 0; i < layout.n; i++)
		if (field_is_tcp((enum field)layout.parts[i].field))
			return true;
	return false;
}

uint64_t
conf_log_sample(const struct conf *c)
{
	const struct conf_log *l;
	uint64_t most = 0;
	unsigned i;

	for (i = 0; (l = conf_log(c, i)) != NULL; i++)
		if (l->sessions)
			most = MAX(most, l->sample);
	return most;
}

bool
conf_has_status(const struct conf *c)
{
	unsigned i;

	for (i = 0; i < c->nlistens; i++)
		if (c->listens[i].serve == SERVE_STATUS)
			return true;
	return false;
}

const struct conf_relay *
conf_listen_relay(const struct conf *c, const struct conf_listen *l)
{
	if (l->relay == CONF_NOREF && l->nroutes == 0)
		return NULL;
	return &c->relays[l->relay != CONF_NOREF ? l->relay :
	    l->routes[0].relay];
}

const struct conf_local *
conf_locals(const struct conf_relay *r, const struct conf_remote *remote,
    unsigned *n)
{
	*n = remote->nlocals != 0 ? remote->nlocals : r->nlocals;
	return remote->nlocals != 0 ? remote->locals : r->locals;
}

bool
conf_listen_ranges(const struct conf_listen *l)
{
	return addr_get_port(&l->addr[0]) !=
	    addr_get_port(&l->addr[l->naddr - 1]);
}

const char *
conf_relay_name(const struct conf *c, const struct conf_listen *l)
{
	return l->relay == CONF_NOREF ? "-" : c->relays[l->relay].name;
}

unsigned
conf_asks(const struct conf_listen *l)
{
	unsigned i, asks = 0;

	for (i = 0; i < l->nask; i++)
		asks |= conf_ask_of(l->ask[i]);
	return asks;
}

unsigned
conf_ask_of(const char *word)
{
	if (strcmp(word, "any") == 0)
		return CONF_ASK_SOCKS4 | CONF_ASK_SOCKS5 | CONF_ASK_CONNECT;
	if (strcmp(word, "socks4") == 0)
		return CONF_ASK_SOCKS4;
	if (strcmp(word, "socks5") == 0)
		return CONF_ASK_SOCKS5;
	return strcmp(word, "connect") == 0 ? CONF_ASK_CONNECT : 0;
}

int
conf_users(struct conf *c)
{
	struct conf_auth *all;
	struct conf_listen *l;

	all = conf_alloc(c, (c->nauths + CONF_USERS + c->nprograms) *
	    sizeof(*all));
	if (all == NULL)
		return -1;
	if (c->nauths != 0)
		memcpy(all, c->auths, c->nauths * sizeof(*all));
	c->auths = all;
	for (l = c->listens; l < c->listens + c->nlistens; l++)
		if (l->users != NULL && users_of(c, l) == -1)
			return -1;
	programs_of(c, all + conf_nauths(c));
	return 0;
}

static int
users_of(struct conf *c, struct conf_listen *l)
{
	struct conf_auth *a = c->auths + c->nauths, *end = a + c->nusers;

	while (a < end && strcmp(a->users, l->users) != 0)
		a++;
	if (a - c->auths == c->nauths + CONF_USERS)
		return -1;
	l->users_auth = (unsigned)(a - c->auths);
	if (a < end)
		return 0;
	c->nusers++;
	a->users = a->command = l->users;
	a->processes = 1;
	a->uid = a->gid = CONF_NOID;
	a->timeout = USERS_TIME;
	a->fail = CONF_FAIL_DENY;
	strlcpy(a->name, "(users)", sizeof(a->name));
	return 0;
}

static void
programs_of(const struct conf *c, struct conf_auth *a)
{
	const struct conf_program *p;
	unsigned i;

	for (i = 0; i < c->nprograms; i++, a++) {
		p = &c->programs[i];
		strlcpy(a->name, p->name, sizeof(a->name));
		a->program = true;
		a->command = p->command;
		a->processes = p->processes;
		a->user = p->user;
		a->uid = p->uid;
		a->gid = p->gid;
	}
}

unsigned
conf_auth_lines(const struct conf *c)
{
	unsigned i, n = 0;

	for (i = 0; i < conf_naskers(c); i++)
		n += c->auths[i].processes;
	return n;
}

void
conf_free(struct conf **cp)
{
	struct conf *c = *cp;
	struct conf_block *b;

	*cp = NULL;
	if (c == NULL)
		return;
	while ((b = c->blocks) != NULL) {
		c->blocks = b->next;
		free(b);
	}
	free(c);
}
