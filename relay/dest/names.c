#include "compat.h"

#include <arpa/inet.h>

#include "dest/lookup.h"
#include "dest/names.h"
#include "ev.h"
#include "siphash.h"

#define BUCKETS		4096
#define NAMES_MOST	4096	/* remembered */
#define HOSTS_MOST	4096	/* of hosts(5) */
#define UNDER_WAY	1000	/* names that are asked for, most */
#define TTL_MOST	3600	/* s, however long it may be remembered */
#define AGAIN_NONE	5000	/* ms until a name that there is not, */
#define AGAIN_FAILED	1000	/* and one that nobody knows, is asked for */

struct name {
	LIST_ENTRY(name)	 entry;		/* of its bucket */
	TAILQ_ENTRY(name)	 age;		/* unless it is of hosts(5) */
	TAILQ_HEAD(, name_wait)	 waits;		/* to be told */
	unsigned		 refs;		/* all that were */
	uint64_t		 until;		/* ms */
	bool			 asked;		/* now */
	struct name_answer	 answer;
	char			 host[];
};

struct name_wait {
	TAILQ_ENTRY(name_wait)	 entry;
	struct name		*of;
	bool			 known;		/* the answer: it was told */
	void			(*answered)(void *);
	void			*arg;
};

static struct name *name_find(const char *);
static struct name *name_new(const char *);
static void	 name_free(struct name *);
static bool	 names_room(void);
static int	 name_ask(struct name *);
static void	 name_got(void *, const struct name_answer *, uint32_t);
static struct name_wait *name_wait(struct name *, void (*)(void *), void *);
static unsigned	 bucket_of(const char *);
static void	 hosts_read(FILE *);
static void	 hosts_line(char *);
static int	 hosts_address(const char *, struct source *);
static void	 hosts_add(const char *, const struct source *);

static LIST_HEAD(, name)	*buckets;
static TAILQ_HEAD(, name)	 by_age = TAILQ_HEAD_INITIALIZER(by_age);
static struct siphash_key	 key;
static unsigned			 count, nhosts, under_way;

int
names_start(const char **errp)
{
	FILE *f;

	siphash_key(&key);
	if ((buckets = calloc(BUCKETS, sizeof(*buckets))) == NULL) {
		*errp = strerror(errno);
		return -1;
	}
	if ((f = fopen("/etc/hosts", "re")) != NULL) {
		hosts_read(f);
		fclose(f);
	}
	return lookup_start(errp);
}

const struct name_answer *
names_ask(const char *host, struct name_wait **wait,
    void (*answered)(void *), void *arg)
{
	struct name *n = name_find(host);

	*wait = NULL;
	if (n != NULL && !n->asked && ev_now() < n->until) {
		if (n->until != UINT64_MAX) {
			TAILQ_REMOVE(&by_age, n, age);
			TAILQ_INSERT_TAIL(&by_age, n, age);
		}
		return &n->answer;
	}
	if (n == NULL && (n = name_new(host)) == NULL)
		return NULL;
	if (!n->asked && name_ask(n) == -1)
		return NULL;
	if (!n->asked)		/* it was answered at once */
		return &n->answer;
	*wait = name_wait(n, answered, arg);
	return NULL;
}

static struct name_wait *
name_wait(struct name *n, void (*answered)(void *), void *arg)
{
	struct name_wait *w = malloc(sizeof(*w));

	if (w == NULL)
		return NULL;
	w->of = n;
	w->known = false;
	w->answered = answered;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&n->waits, w, entry);
	n->refs++;
	return w;
}

const struct name_answer *
names_answer(const struct name_wait *w)
{
	return w->known ? &w->of->answer : NULL;
}

void
names_forget(struct name_wait **wp)
{
	struct name_wait *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	if (!w->known)
		TAILQ_REMOVE(&w->of->waits, w, entry);
	w->of->refs--;
	free(w);
}

static struct name *
name_find(const char *host)
{
	struct name *n;

	LIST_FOREACH(n, &buckets[bucket_of(host)], entry)
		if (strcmp(n->host, host) == 0)
			return n;
	return NULL;
}

static unsigned
bucket_of(const char *host)
{
	return (unsigned)(siphash(&key, host, strlen(host)) % BUCKETS);
}

/* NULL without memory, or if there are too many that are in use. */
static struct name *
name_new(const char *host)
{
	struct name *n;

	if (!names_room() || (n = calloc(1, sizeof(*n) + strlen(host) + 1)) ==
	    NULL)
		return NULL;
	memcpy(n->host, host, strlen(host) + 1);
	TAILQ_INIT(&n->waits);
	LIST_INSERT_HEAD(&buckets[bucket_of(host)], n, entry);
	TAILQ_INSERT_TAIL(&by_age, n, age);
	count++;
	return n;
}

/* Forgets the one that was not asked for for the longest time. */
static bool
names_room(void)
{
	struct name *n;

	if (count < NAMES_MOST)
		return true;
	TAILQ_FOREACH(n, &by_age, age)
		if (!n->asked && n->refs == 0) {
			name_free(n);
			return true;
		}
	return false;
}

static void
name_free(struct name *n)
{
	LIST_REMOVE(n, entry);
	TAILQ_REMOVE(&by_age, n, age);
	count--;
	free(n);
}

static int
name_ask(struct name *n)
{
	if (under_way == UNDER_WAY)
		return -1;
	n->asked = true;
	under_way++;
	lookup(n->host, name_got, n);
	return 0;
}

static void
name_got(void *arg, const struct name_answer *a, uint32_t ttl)
{
	struct name *n = arg;
	struct name_wait *w;

	under_way--;
	n->asked = false;
	n->answer = *a;
	n->until = ev_now() + (a->fault == DEST_OK ?
	    (uint64_t)MAX(MIN(ttl, TTL_MOST), 1) * 1000 :
	    a->fault == DEST_NO_NAME ? AGAIN_NONE : AGAIN_FAILED);
	while ((w = TAILQ_FIRST(&n->waits)) != NULL) {
		TAILQ_REMOVE(&n->waits, w, entry);
		w->known = true;
		w->answered(w->arg);
	}
}

static void
hosts_read(FILE *f)
{
	char line[1024];
	unsigned i;

	for (i = 0; i < HOSTS_MOST && fgets(line, sizeof(line), f) != NULL; i++)
		hosts_line(line);
}

static void
hosts_line(char *line)
{
	char *address, *word, host[HOST_LEN];
	struct source at;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	address = strsep(&line, " \t");
	if (hosts_address(address, &at) == -1)
		return;
	while ((word = strsep(&line, " \t")) != NULL)
		if (*word != '\0' &&
		    host_normal(word, strlen(word), host) == 0)
			hosts_add(host, &at);
}

static int
hosts_address(const char *text, struct source *at)
{
	memset(at, 0, sizeof(*at));
	if (inet_pton(AF_INET, text, at->ip) == 1)
		at->family = AF_INET;
	else if (inet_pton(AF_INET6, text, at->ip) == 1)
		at->family = AF_INET6;
	else
		return -1;
	return 0;
}

/* Holds as long as the process lives, and has no age. */
static void
hosts_add(const char *host, const struct source *at)
{
	struct name *n = name_find(host);

	if (n == NULL) {
		if (nhosts == HOSTS_MOST || (n = name_new(host)) == NULL)
			return;
		TAILQ_REMOVE(&by_age, n, age);
		count--;
		nhosts++;
		n->until = UINT64_MAX;
	}
	if (n->answer.n < DEST_ADDRS)
		n->answer.addrs[n->answer.n++] = *at;
}
