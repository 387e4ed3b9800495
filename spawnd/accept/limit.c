#include "compat.h"

#include <inttypes.h>

#include "accept/limit.h"
#include "ev.h"
#include "hash.h"

#define BUCKETS		1024	/* of quotas */
#define IDLE_MOST	65536	/* sources without sessions, known because of
				   their rate */
#define NS		UINT64_C(1000000000)	/* of a second */

/* A source at a listener. */
struct client {
	struct known	known;
	struct tally	tally;
	uint64_t	due;	/* ns, when all of the burst is there again */
};

static struct client	*client_of(struct tally *, const struct source_key *);
static enum limit	 client_over(struct client *,
			    const struct conf_listen *);
static bool		 client_rate(struct client *,
			    const struct conf_listen *);
static void		 client_end(struct client *);
static struct quota	*quota_of(struct tally *);
static struct quota_list *quota_bucket(const char *);
static struct quota	*quota_find(const char *);
static struct quota	*quota_new(const char *);
static void		 quota_end(struct quota *);
static uint64_t		 now_ns(void);
static void		 save_clients(FILE *, uint32_t);
static struct quota	*quota_numbered(unsigned);
static bool		 number_add(struct tally *);
static bool		 take_quota(const char *);
static bool		 take_client(const char *);

static const char *const names[] = {
	[LIMIT_NONE] = "none", [LIMIT_OVERLOAD] = "overload",
	[LIMIT_RESERVE] = "reserve", [LIMIT_SESSIONS] = "max-sessions",
	[LIMIT_SOURCE_SESSIONS] = "source-sessions",
	[LIMIT_SOURCE_RATE] = "source-rate", [LIMIT_MEMORY] = "memory"
};

static LIST_HEAD(quota_list, quota) quotas[BUCKETS];
static unsigned		 last_quota;
static struct sources	 clients;

/* While an upgrade is taken up: the tallies by their numbers, from 1 on. */
static struct tally	**numbers;
static uint32_t		 nnumbers, nquotas;

const char *
limit_name(enum limit limit)
{
	return names[limit];
}

struct quota *
limit_quota(const struct conf_listen *l)
{
	struct quota *q = quota_find(l->name);

	if ((l->source_sessions != 0 || l->source_rate != 0) &&
	    clients.buckets == NULL && sources_init(&clients, IDLE_MOST) == -1)
		return NULL;
	if (q == NULL && (q = quota_new(l->name)) == NULL)
		return NULL;
	q->gates++;
	return q;
}

static struct quota *
quota_find(const char *name)
{
	struct quota *q;

	LIST_FOREACH(q, quota_bucket(name), entry)
		if (strcmp(q->name, name) == 0)
			return q;
	return NULL;
}

static struct quota_list *
quota_bucket(const char *name)
{
	return &quotas[hash_text(HASH_BEGIN, name) % BUCKETS];
}

static struct quota *
quota_new(const char *name)
{
	struct quota *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	strlcpy(q->name, name, sizeof(q->name));
	q->number = ++last_quota;
	LIST_INSERT_HEAD(quota_bucket(name), q, entry);
	return q;
}

void
limit_quota_over(struct quota **qp)
{
	struct quota *q = *qp;

	*qp = NULL;
	if (q == NULL)
		return;
	q->gates--;
	quota_end(q);
}

/* What is known of its sources is of no use any more, and goes in its time. */
static void
quota_end(struct quota *q)
{
	if (q->gates != 0 || q->tally.open != 0)
		return;
	LIST_REMOVE(q, entry);
	free(q);
}

static struct quota *
quota_of(struct tally *t)
{
	return container_of(t, struct quota, tally);
}

bool
limit_full(const struct quota *q, const struct conf_listen *l)
{
	return l->max_sessions != 0 && q->tally.open >= l->max_sessions;
}

struct tally *
limit_begin(struct quota *q)
{
	q->tally.open++;
	return &q->tally;
}

enum limit
limit_source(struct tally **tp, const struct conf_listen *l,
    const struct source *source)
{
	struct source_key key;
	struct client *c;
	enum limit over;

	if ((l->source_sessions == 0 && l->source_rate == 0) ||
	    (*tp)->of != NULL || !sources_key(&key, source,
	    quota_of(*tp)->number, l->source_prefix, l->source_prefix6))
		return LIMIT_NONE;
	if ((c = client_of(*tp, &key)) == NULL)
		return LIMIT_MEMORY;
	over = client_over(c, l);
	if (over == LIMIT_NONE) {
		c->tally.open++;
		*tp = &c->tally;
	} else if (c->tally.open == 0)
		client_end(c);
	return over;
}

/* In use. NULL with errno. */
static struct client *
client_of(struct tally *of, const struct source_key *key)
{
	struct known *k = sources_find(&clients, key);
	struct client *c;

	if (k == NULL &&
	    (k = sources_add(&clients, key, sizeof(*c))) == NULL)
		return NULL;
	sources_use(&clients, k);
	c = container_of(k, struct client, known);
	c->tally.of = of;
	return c;
}

static enum limit
client_over(struct client *c, const struct conf_listen *l)
{
	if (l->source_sessions != 0 && c->tally.open >= l->source_sessions)
		return LIMIT_SOURCE_SESSIONS;
	if (l->source_rate != 0 && !client_rate(c, l))
		return LIMIT_SOURCE_RATE;
	return LIMIT_NONE;
}

/*
 * A session is owed for as long as it takes until there may be another. What is
 * owed is never more than a burst, as by what the configuration says now.
 */
static bool
client_rate(struct client *c, const struct conf_listen *l)
{
	const uint64_t each = NS / l->source_rate, now = now_ns();
	const uint64_t burst = each * (l->source_burst != 0 ?
	    l->source_burst : l->source_rate);
	uint64_t owed = c->due > now ? c->due - now : 0;

	owed = MIN(owed, burst);
	c->due = now + owed;
	if (owed + each > burst)
		return false;
	c->due += each;
	return true;
}

static uint64_t
now_ns(void)
{
	return ev_now_us() * 1000;
}

void
limit_end(struct tally *t)
{
	struct tally *of;

	if (t == NULL)
		return;
	of = t->of;
	t->open--;
	if (of == NULL) {
		quota_end(quota_of(t));
		return;
	}
	if (t->open == 0)
		client_end(container_of(t, struct client, tally));
	limit_end(of);
}

void
limit_undo(struct tally *t, const struct conf_listen *l)
{
	if (t != NULL && t->of != NULL && l->source_rate != 0)
		container_of(t, struct client, tally)->due -=
		    NS / l->source_rate;
	limit_end(t);
}

static void
client_end(struct client *c)
{
	sources_idle(&clients, &c->known, c->due, now_ns());
}

/* --- over an upgrade --- */

void
limit_save(FILE *f)
{
	struct quota *q;
	uint32_t n = 0;
	unsigned i;

	for (i = 0; i < BUCKETS; i++)
		LIST_FOREACH(q, &quotas[i], entry) {
			q->tally.number = ++n;
			fprintf(f, "quota %u %s\n", q->number, q->name);
		}
	save_clients(f, n);
}

/* Numbered from there on. */
static void
save_clients(FILE *f, uint32_t n)
{
	const struct source_key *key;
	struct known *k;
	struct client *c;
	size_t i;

	for (k = sources_next(&clients, NULL); k != NULL;
	    k = sources_next(&clients, k)) {
		c = container_of(k, struct client, known);
		c->tally.number = ++n;
		key = &k->key;
		fprintf(f, "source %" PRIu64 " %" PRIu32 " %" PRIu32 " ",
		    c->due, key->owner, key->family);
		for (i = 0; i < sizeof(key->ip); i++)
			fprintf(f, "%02x", key->ip[i]);
		fputc('\n', f);
	}
}

uint32_t
limit_number(const struct tally *t)
{
	return t == NULL ? 0 : t->number;
}

bool
limit_take(const char *line)
{
	return strncmp(line, "quota ", strlen("quota ")) == 0 ?
	    take_quota(line) : take_client(line);
}

static bool
take_quota(const char *line)
{
	char name[CONF_NAME];
	struct quota *q;
	unsigned number;

	if (sscanf(line, "quota %u %31s", &number, name) != 2 ||
	    (q = quota_new(name)) == NULL)
		return false;
	q->number = number;
	last_quota = MAX(number, last_quota);
	if (!number_add(&q->tally))
		return false;
	nquotas = nnumbers;
	return true;
}

/* One whose listener has gone is numbered, and nothing else. */
static bool
take_client(const char *line)
{
	struct source_key key;
	struct quota *q;
	struct client *c;
	uint64_t due;
	unsigned byte;
	size_t i;
	int at;

	memset(&key, 0, sizeof(key));
	if (sscanf(line, "source %" SCNu64 " %" SCNu32 " %" SCNu32 " %n", &due,
	    &key.owner, &key.family, &at) != 3)
		return false;
	for (i = 0; i < sizeof(key.ip); i++) {
		if (sscanf(line + at + 2 * i, "%2x", &byte) != 1)
			return false;
		key.ip[i] = (uint8_t)byte;
	}
	if ((q = quota_numbered(key.owner)) == NULL)
		return number_add(NULL);
	if ((clients.buckets == NULL &&
	    sources_init(&clients, IDLE_MOST) == -1) ||
	    (c = client_of(&q->tally, &key)) == NULL)
		return false;
	c->due = due;
	return number_add(&c->tally);
}

/* Quotas come first. */
static struct quota *
quota_numbered(unsigned number)
{
	uint32_t i;

	for (i = 0; i < nquotas; i++)
		if (quota_of(numbers[i])->number == number)
			return quota_of(numbers[i]);
	return NULL;
}

static bool
number_add(struct tally *t)
{
	struct tally **more;

	if ((nnumbers & (nnumbers - 1)) == 0) {
		more = realloc(numbers, 2 * ((size_t)nnumbers + 1) *
		    sizeof(struct tally *));
		if (more == NULL)
			return false;
		numbers = more;
	}
	numbers[nnumbers++] = t;
	return true;
}

bool
limit_again(uint32_t number, struct tally **tp)
{
	struct tally *t;

	*tp = NULL;
	if (number == 0)
		return true;
	if (number > nnumbers || (t = numbers[number - 1]) == NULL)
		return false;
	*tp = t;
	for (; t != NULL; t = t->of)
		t->open++;
	return true;
}

void
limit_taken(void)
{
	uint32_t i;

	for (i = nquotas; i < nnumbers; i++)
		if (numbers[i] != NULL && numbers[i]->open == 0)
			client_end(container_of(numbers[i], struct client,
			    tally));
	for (i = 0; i < nquotas; i++)
		quota_end(quota_of(numbers[i]));
	free(numbers);
	numbers = NULL;
	nnumbers = nquotas = 0;
}
