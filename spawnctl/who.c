#include "compat.h"

#include <err.h>

#include "who.h"

static struct who *who_find(struct whos *, const char *);
static void	 who_grow(struct whos *);
static size_t	 who_hash(const char *);
static void	 who_host(char *, size_t, const char *);
static int	 who_compare(const void *, const void *);

static int	 (*who_order)(const struct who *, const struct who *);

struct who *
who_add(struct whos *t, const struct rec *r)
{
	const char *client = rec_get(r, "client");
	char host[128];
	struct who *w;

	who_host(host, sizeof(host), client != NULL ? client : "-");
	w = who_find(t, host);
	w->sessions++;
	w->in += rec_number(r, "in");
	w->out += rec_number(r, "out");
	w->oldest_ms = MAX(w->oldest_ms, rec_number(r, "age_ms"));
	return w;
}

/* "1.2.3.4:80", "[::1]:80" without the port; "unix" has none. */
static void
who_host(char *host, size_t size, const char *client)
{
	char *colon;

	if (*client == '[') {
		strlcpy(host, client + 1, size);
		host[strcspn(host, "]")] = '\0';
		return;
	}
	strlcpy(host, client, size);
	if ((colon = strrchr(host, ':')) != NULL)
		*colon = '\0';
}

static struct who *
who_find(struct whos *t, const char *host)
{
	size_t at;

	if (t->n * 2 >= t->room)
		who_grow(t);
	at = who_hash(host) & (t->room - 1);
	while (t->all[at].host != NULL && strcmp(t->all[at].host, host) != 0)
		at = (at + 1) & (t->room - 1);
	if (t->all[at].host == NULL) {
		if ((t->all[at].host = strdup(host)) == NULL)
			err(1, "clients");
		t->n++;
	}
	return &t->all[at];
}

static void
who_grow(struct whos *t)
{
	struct who *old = t->all;
	const size_t room = t->room;
	size_t i, at;

	t->room = room == 0 ? 256 : room * 2;
	if ((t->all = calloc(t->room, sizeof(*t->all))) == NULL)
		err(1, "clients");
	for (i = 0; i < room; i++) {
		if (old[i].host == NULL)
			continue;
		at = who_hash(old[i].host) & (t->room - 1);
		while (t->all[at].host != NULL)
			at = (at + 1) & (t->room - 1);
		t->all[at] = old[i];
	}
	free(old);
}

/* FNV; who chooses addresses so that they collide has to have them. */
static size_t
who_hash(const char *s)
{
	uint64_t h = 14695981039346656037ULL;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return (size_t)(h ^ h >> 32);
}

void
who_sort(struct whos *t, int (*order)(const struct who *,
    const struct who *))
{
	who_order = order;
	if (t->n != 0)
		qsort(t->all, t->room, sizeof(*t->all), who_compare);
}

static int
who_compare(const void *a, const void *b)
{
	const struct who *x = a, *y = b;
	int order;

	if (x->host == NULL || y->host == NULL)
		return (x->host == NULL) - (y->host == NULL);
	order = who_order(x, y);
	return order != 0 ? order : strcmp(x->host, y->host);
}

void
who_free(struct whos *t)
{
	size_t i;

	for (i = 0; i < t->room; i++)
		free(t->all[i].host);
	free(t->all);
	*t = (struct whos){ .all = NULL };
}
