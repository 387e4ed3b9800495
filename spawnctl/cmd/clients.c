#include "compat.h"

#include <err.h>

#include "cmd.h"
#include "line.h"
#include "list.h"
#include "out.h"

static bool	 clients_own(const char *, const char *);
static void	 clients_take(const struct rec *);
static struct who *clients_find(const char *);
static void	 clients_grow(void);
static size_t	 clients_hash(const char *);
static void	 clients_host(char *, size_t, const char *);
static int	 clients_order(const void *, const void *);
static uint64_t	 clients_key(const struct who *);
static void	 clients_print(void);
static void	 clients_json(const struct who *);
static void	 clients_row(struct out_table *, const struct who *);

/* All sessions of an address. */
struct who {
	char		*host;		/* NULL: a free place */
	uint64_t	 sessions, in, out, oldest_ms;
};

/* A table with open addresses, never more than half full. */
static struct {
	const char	*sort;
	uint64_t	 limit;
	struct who	*all;
	size_t		 n, room;
} clients = { .sort = "sessions", .limit = UINT64_MAX };

int
cmd_clients(const struct cmd *c, int argc, char **argv)
{
	char line[LIST_LINE] = "list";
	int status;

	(void)c;
	list_words(line, argc - 1, argv + 1, clients_own);
	status = list_run(line, clients_take, NULL);
	clients_print();
	return status;
}

static bool
clients_own(const char *word, const char *value)
{
	static const char *const orders[3] = { "sessions", "bytes", "age" };

	return list_order(word, value, &clients.limit, &clients.sort, orders);
}

static void
clients_take(const struct rec *r)
{
	const char *client = rec_get(r, "client");
	char host[128];
	struct who *w;

	clients_host(host, sizeof(host), client != NULL ? client : "-");
	w = clients_find(host);
	w->sessions++;
	w->in += rec_number(r, "in");
	w->out += rec_number(r, "out");
	w->oldest_ms = MAX(w->oldest_ms, rec_number(r, "age_ms"));
}

/* "1.2.3.4:80", "[::1]:80" without the port; "unix" has none. */
static void
clients_host(char *host, size_t size, const char *client)
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
clients_find(const char *host)
{
	size_t at;

	if (clients.n * 2 >= clients.room)
		clients_grow();
	at = clients_hash(host) & (clients.room - 1);
	while (clients.all[at].host != NULL &&
	    strcmp(clients.all[at].host, host) != 0)
		at = (at + 1) & (clients.room - 1);
	if (clients.all[at].host == NULL) {
		if ((clients.all[at].host = strdup(host)) == NULL)
			err(1, "clients");
		clients.n++;
	}
	return &clients.all[at];
}

static void
clients_grow(void)
{
	struct who *old = clients.all;
	const size_t room = clients.room;
	size_t i, at;

	clients.room = room == 0 ? 256 : room * 2;
	clients.all = calloc(clients.room, sizeof(*clients.all));
	if (clients.all == NULL)
		err(1, "clients");
	for (i = 0; i < room; i++) {
		if (old[i].host == NULL)
			continue;
		at = clients_hash(old[i].host) & (clients.room - 1);
		while (clients.all[at].host != NULL)
			at = (at + 1) & (clients.room - 1);
		clients.all[at] = old[i];
	}
	free(old);
}

/* FNV; who chooses addresses so that they collide has to have them. */
static size_t
clients_hash(const char *s)
{
	uint64_t h = 14695981039346656037ULL;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return (size_t)(h ^ h >> 32);
}

static uint64_t
clients_key(const struct who *w)
{
	return *clients.sort == 's' ? w->sessions :
	    *clients.sort == 'b' ? w->in + w->out : w->oldest_ms;
}

static int
clients_order(const void *a, const void *b)
{
	const struct who *x = a, *y = b;

	if (x->host == NULL || y->host == NULL)
		return (x->host == NULL) - (y->host == NULL);
	return clients_key(x) < clients_key(y) ? 1 :
	    clients_key(x) > clients_key(y) ? -1 : strcmp(x->host, y->host);
}

static void
clients_print(void)
{
	const struct out_col cols[] = {
		out_column("client"), out_column("sessions"),
		out_column("in"), out_column("out"), out_column("oldest")
	};
	struct out_table t = { .cols = cols, .ncols = nitems_of(cols) };
	size_t i;

	if (clients.n != 0)
		qsort(clients.all, clients.room, sizeof(*clients.all),
		    clients_order);
	for (i = 0; i < clients.n; i++) {
		if (i < clients.limit && ctl.json)
			clients_json(&clients.all[i]);
		else if (i < clients.limit)
			clients_row(&t, &clients.all[i]);
		free(clients.all[i].host);
	}
	if (!ctl.json)
		out_columns(&t);
	out_free(&t);
	free(clients.all);
}

static void
clients_json(const struct who *w)
{
	fputs("{\"client\": ", stdout);
	line_json_write(stdout, w->host);
	printf(", \"sessions\": %llu, \"in\": %llu, \"out\": %llu, "
	    "\"oldest\": %llu.%03u}\n", (unsigned long long)w->sessions,
	    (unsigned long long)w->in, (unsigned long long)w->out,
	    (unsigned long long)(w->oldest_ms / 1000),
	    (unsigned)(w->oldest_ms % 1000));
}

static void
clients_row(struct out_table *t, const struct who *w)
{
	out_cell(t, w->host);
	out_cell_number(t, w->sessions);
	out_cell_number(t, w->in);
	out_cell_number(t, w->out);
	out_cell_number(t, w->oldest_ms / 1000);
}
