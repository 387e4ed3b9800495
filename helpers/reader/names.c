#include "compat.h"

#include <sys/select.h>

#include "conf/resolve.h"
#include "dns/ask.h"
#include "dns/open.h"
#include "names.h"

/* An answer that is waited for. */
struct wait {
	bool		 over;
	struct addr	*out;
	size_t		 max;
	int		 n;	/* -1: there is none */
	char		 why[256];
};

static int	 service(const char *, struct addr *, size_t, const char **);
static void	 answered(void *, const struct answer *);
static void	 wait_for(ares_channel, const struct wait *);

void
names_start(void)
{
	resolve_service = service;
}

void
names_look(struct conf_check *c, const struct cfg_t *root)
{
	(void)c;
	(void)root;
}

static int
service(const char *name, struct addr *out, size_t max, const char **errp)
{
	static struct wait w;
	ares_channel channel;
	const char *err;

	w = (struct wait){ .out = out, .max = max, .n = -1 };
	*errp = w.why;
	if (dns_open(&channel, NULL, false, &err) == -1) {
		snprintf(w.why, sizeof(w.why), "c-ares: %s", err);
		return -1;
	}
	snprintf(w.why, sizeof(w.why), "there is no memory");
	if (ask_start(channel, name, 0, answered, &w) != NULL)
		wait_for(channel, &w);
	ares_destroy(channel);
	ares_library_cleanup();
	return w.n;
}

static void
answered(void *arg, const struct answer *a)
{
	struct wait *w = arg;

	w->over = true;
	if (a->why != NULL) {
		snprintf(w->why, sizeof(w->why), "service %s", a->why);
		return;
	}
	for (w->n = 0; (unsigned)w->n < MIN(a->n, w->max); w->n++)
		w->out[w->n] = a->addrs[w->n].addr;
}

static void
wait_for(ares_channel channel, const struct wait *w)
{
	fd_set in, out;
	struct timeval tv;
	int n;

	while (!w->over) {
		FD_ZERO(&in);
		FD_ZERO(&out);
		if ((n = ares_fds(channel, &in, &out)) == 0)
			return;
		if (select(n, &in, &out, NULL,
		    ares_timeout(channel, NULL, &tv)) == -1 && errno != EINTR)
			return;
		ares_process(channel, &in, &out);
	}
}
