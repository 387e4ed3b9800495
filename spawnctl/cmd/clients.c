#include "compat.h"

#include "cmd.h"
#include "line.h"
#include "list.h"
#include "out.h"
#include "who.h"

static bool	 clients_own(const char *, const char *);
static void	 clients_take(const struct rec *);
static int	 clients_order(const struct who *, const struct who *);
static uint64_t	 clients_key(const struct who *);
static void	 clients_print(void);
static void	 clients_json(const struct who *);
static void	 clients_row(struct out_table *, const struct who *);

static struct {
	const char	*sort;
	uint64_t	 limit;
	struct whos	 whos;
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
	who_add(&clients.whos, r);
}

static uint64_t
clients_key(const struct who *w)
{
	return *clients.sort == 's' ? w->sessions :
	    *clients.sort == 'b' ? w->in + w->out : w->oldest_ms;
}

static int
clients_order(const struct who *x, const struct who *y)
{
	return clients_key(x) < clients_key(y) ? 1 :
	    clients_key(x) > clients_key(y) ? -1 : 0;
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

	who_sort(&clients.whos, clients_order);
	for (i = 0; i < clients.whos.n && i < clients.limit; i++) {
		if (ctl.json)
			clients_json(&clients.whos.all[i]);
		else
			clients_row(&t, &clients.whos.all[i]);
	}
	if (!ctl.json)
		out_columns(&t);
	out_free(&t);
	who_free(&clients.whos);
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
