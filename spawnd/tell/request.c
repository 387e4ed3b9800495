#include "compat.h"

#include "life.h"
#include "log.h"
#include "master.h"
#include "pending.h"
#include "proc/logproc.h"
#include "proc/worker.h"
#include "tell/control.h"
#include "tell/request.h"
#include "tell/show.h"

static void	request(struct client *);
static void	request_show(struct client *, const char *, const char *);
static void	request_reload(struct client *, const char *, const char *);
static void	request_upgrade(struct client *, const char *, const char *);
static void	request_drain(struct client *, const char *, const char *);
static void	request_reopen(struct client *, const char *, const char *);
static void	request_stop(struct client *, const char *, const char *);

static const struct {
	const char	*verb;
	unsigned	 args;		/* at least */
	void		(*run)(struct client *, const char *, const char *);
} requests[] = {
	{ "show",	1, request_show },
	{ "reload",	0, request_reload },
	{ "upgrade",	0, request_upgrade },
	{ "drain",	1, request_drain },
	{ "reopen",	0, request_reopen },
	{ "stop",	0, request_stop },
};

void
request_begin(void)
{
	control_begin(request);
}

static void
request(struct client *c)
{
	char *rest = c->line, *verb, *arg, *opt;
	size_t i;

	verb = strsep(&rest, " ");
	arg = strsep(&rest, " ");
	opt = strsep(&rest, " ");
	for (i = 0; i < nitems_of(requests); i++) {
		if (strcmp(verb, requests[i].verb) == 0 &&
		    (requests[i].args == 0 || arg != NULL)) {
			requests[i].run(c, arg, opt);
			return;
		}
	}
	control_answer(c, "unknown request", NULL, 0);
}

static void
request_show(struct client *c, const char *view, const char *opt)
{
	const bool json = opt != NULL && strcmp(opt, "json") == 0;
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	if (master.gen == NULL)
		control_answer(c, "spawnd does not serve yet", NULL, 0);
	else if (!show_known(view))
		control_answer(c, "unknown view; use summary, workers, "
		    "generations, listeners or remotes", NULL, 0);
	else if ((f = open_memstream(&text, &len)) == NULL)
		control_answer(c, strerror(errno), NULL, 0);
	else {
		show_write(f, view, json);
		if (fclose(f) == EOF)
			control_answer(c, strerror(errno), NULL, 0);
		else
			control_answer(c, NULL, text, len);
		free(text);
	}
}

static void
request_reload(struct client *c, const char *arg, const char *opt)
{
	(void)arg;
	(void)opt;
	pending_ask(PENDING_RELOAD, &c->pending);
}

static void
request_upgrade(struct client *c, const char *arg, const char *opt)
{
	(void)arg;
	(void)opt;
	pending_ask(PENDING_UPGRADE, &c->pending);
}

static void
request_drain(struct client *c, const char *arg, const char *opt)
{
	const char *err;
	struct worker *w;
	long long pid = strtonum(arg, 1, INT32_MAX, &err);

	(void)opt;
	if (err != NULL || (w = worker_find((pid_t)pid)) == NULL) {
		control_answer(c, "no worker has that process id", NULL, 0);
		return;
	}
	log_info("worker %lld: drain asked for by spawnctl", pid);
	worker_replace(w);
	control_answer(c, NULL, NULL, 0);
}

static void
request_reopen(struct client *c, const char *arg, const char *opt)
{
	(void)arg;
	(void)opt;
	logproc_reopen();
	control_answer(c, NULL, NULL, 0);
}

static void
request_stop(struct client *c, const char *arg, const char *opt)
{
	(void)arg;
	(void)opt;
	control_answer(c, NULL, NULL, 0);
	life_stop(master.stopping);
}
