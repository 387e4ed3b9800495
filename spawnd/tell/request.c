#include "compat.h"

#include <inttypes.h>

#include "board.h"
#include "conf/conf.h"
#include "life.h"
#include "log.h"
#include "master.h"
#include "pending.h"
#include "proc/admin.h"
#include "proc/generation.h"
#include "proc/level.h"
#include "proc/live.h"
#include "proc/load.h"
#include "proc/logproc.h"
#include "proc/recproc.h"
#include "proc/reload.h"
#include "proc/statproc.h"
#include "proc/worker.h"
#include "tell/control.h"
#include "tell/list.h"
#include "tell/request.h"
#include "tell/show.h"
#include "tell/trace.h"

static bool	request_look(FILE *, const char *, bool);
static void	request(struct client *);
static void	request_show(struct client *, const char *, const char *);
static void	request_reload(struct client *, const char *, const char *);
static void	request_upgrade(struct client *, const char *, const char *);
static void	request_drain(struct client *, const char *, const char *);
static void	request_reopen(struct client *, const char *, const char *);
static void	request_stop(struct client *, const char *, const char *);
static void	request_remote(struct client *, const char *, const char *);
static void	request_fault(struct client *, const char *, const char *);
static bool	request_filter(struct client *, const char *,
		    enum conf_filter_kind, struct conf_filter *);
static void	request_record(struct client *, const char *, const char *);
static void	request_list(struct client *, const char *, const char *);
static void	request_trace(struct client *, const char *, const char *);
static void	request_kill(struct client *, const char *, const char *);
static void	request_log(struct client *, const char *, const char *);
static void	request_words(char *, size_t, const char *, const char *);
static const struct conf_remote *remote_of(const char *, char *);
static const char *remote_change(const char *, uint32_t *);
static void	remote_set(struct client *, const char *,
		    const struct conf_remote *, uint32_t);

static const struct {
	const char	*verb;
	unsigned	 args;		/* at least */
	bool		 looks;		/* and no more */
	void		(*run)(struct client *, const char *, const char *);
} requests[] = {
	{ "show",	1, true, request_show },
	{ "reload",	0, false, request_reload },
	{ "upgrade",	0, false, request_upgrade },
	{ "drain",	1, false, request_drain },
	{ "reopen",	0, false, request_reopen },
	{ "stop",	0, false, request_stop },
	{ "remote",	2, false, request_remote },
	{ "fault",	2, false, request_fault },
	{ "record",	2, false, request_record },
	{ "log",	2, false, request_log },
	{ "trace",	2, false, request_trace },
	{ "list",	0, true, request_list },
	{ "kill",	2, false, request_kill },
};

void
request_begin(void)
{
	control_begin(request);
	statproc_begin(request_look);
}

/* For the status process. */
static bool
request_look(FILE *f, const char *view, bool json)
{
	if (master.gen == NULL || !show_known(view))
		return false;
	show_write(f, view, json);
	return true;
}

static void
request(struct client *c)
{
	char *rest = c->line, *verb, *arg, *opt;
	size_t i;

	verb = strsep(&rest, " ");
	arg = strsep(&rest, " ");
	opt = rest;
	for (i = 0; i < nitems_of(requests); i++) {
		if (strcmp(verb, requests[i].verb) == 0 &&
		    (unsigned)(arg != NULL) + (opt != NULL) >=
		    requests[i].args) {
			if (c->reader && !requests[i].looks)
				break;
			requests[i].run(c, arg, opt);
			return;
		}
	}
	control_answer(c, i < nitems_of(requests) ? "this socket is for those "
	    "who look; another one, control, is for this" :
	    "unknown request", NULL, 0);
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
	recproc_reopen();
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

static void
request_remote(struct client *c, const char *arg, const char *opt)
{
	char relay[CONF_NAME];
	const struct conf_remote *remote = remote_of(arg, relay);
	const char *error;
	uint32_t admin;

	if (remote == NULL) {
		control_answer(c, "there is no such remote; \"spawnctl show "
		    "remotes\" lists them", NULL, 0);
		return;
	}
	admin = admin_of(relay, remote->name);
	if ((error = remote_change(opt, &admin)) != NULL)
		control_answer(c, error, NULL, 0);
	else
		remote_set(c, relay, remote, admin);
}

static void
request_list(struct client *c, const char *arg, const char *opt)
{
	char words[sizeof(c->line)];

	request_words(words, sizeof(words), arg, opt);
	list_request(c, *words == '\0' ? NULL : words, false);
}

static void
request_trace(struct client *c, const char *arg, const char *opt)
{
	char words[sizeof(c->line)];

	request_words(words, sizeof(words), arg, opt);
	trace_request(c, words);
}

static void
request_kill(struct client *c, const char *arg, const char *opt)
{
	char words[sizeof(c->line)];

	request_words(words, sizeof(words), arg, opt);
	log_info("ends sessions by request of spawnctl: %s", words);
	list_request(c, words, true);
}

static void
request_log(struct client *c, const char *arg, const char *opt)
{
	const int level = log_level_of(opt), before = log_get_level();
	char note[128];

	if (strcmp(arg, "level") != 0 || level == -1) {
		control_answer(c, "log needs level and one of error, warning, "
		    "notice, info and debug", NULL, 0);
		return;
	}
	log_info("log level %s: set by spawnctl", opt);
	level_set(level);
	snprintf(note, sizeof(note), "log level %s until the next reload; it "
	    "was %s\n", opt, log_level_name(before));
	control_answer(c, NULL, note, strlen(note));
}

/* What a request was cut into, in one. */
static void
request_words(char *words, size_t size, const char *arg, const char *opt)
{
	snprintf(words, size, "%s%s%s", arg != NULL ? arg : "",
	    opt != NULL ? " " : "", opt != NULL ? opt : "");
}

/* "NAME MILLISECONDS new|existing OPTION=VALUE ..." */
static void
request_fault(struct client *c, const char *name, const char *rest)
{
	struct conf_filter filter;
	uint64_t serial, limit = 0;
	const char *err;
	char how[16];
	int at = 0;

	if (!request_filter(c, name, CONF_FILTER_FAULT, &filter))
		return;
	if (sscanf(rest, "%" SCNu64 " %15s %n", &limit, how, &at) != 2 ||
	    rest[at] == '\0')
		control_answer(c, "unknown change; use enable, disable or set "
		    "OPTION=VALUE", NULL, 0);
	else if (live_set(&filter, c->line + (rest + at - c->line),
	    strcmp(how, "existing") == 0, &serial, &err) == -1)
		control_answer(c, err, NULL, 0);
	else {
		log_info("fault %s: set by spawnctl, for %s sessions", name,
		    how);
		live_wait(&c->live, serial, limit);
	}
}

/* The filter of that name and kind; false: it is answered. */
static bool
request_filter(struct client *c, const char *name, enum conf_filter_kind kind,
    struct conf_filter *filter)
{
	char why[128];

	if (master.gen != NULL && master.gen->conf->exec == NULL &&
	    conf_filter_of(master.gen->conf, name, filter) &&
	    filter->kind == kind && reload_idle())
		return true;
	snprintf(why, sizeof(why), "there is no such %s; sections of the "
	    "file that are one have names", conf_filter_kind_name(kind));
	control_answer(c, master.gen != NULL && !reload_idle() ?
	    "a reload is under way; ask again when it is done" : why, NULL, 0);
	return false;
}

/* "NAME MILLISECONDS on|off NETWORK|all MILLISECONDS" */
static void
request_record(struct client *c, const char *name, const char *rest)
{
	struct conf_filter filter;
	uint64_t serial, limit, ms;
	const char *err;
	char on[4], net[64], words[160];

	if (!request_filter(c, name, CONF_FILTER_RECORD, &filter))
		return;
	if (sscanf(rest, "%" SCNu64 " %3s %63s %" SCNu64, &limit, on, net,
	    &ms) != 4) {
		control_answer(c, "unknown change; use on or off", NULL, 0);
		return;
	}
	snprintf(words, sizeof(words), "enabled=%s only=%s until=%" PRIu64,
	    strcmp(on, "on") == 0 ? "yes" : "no", net,
	    ms == 0 ? 0 : ev_now() + ms);
	if (live_set(&filter, words, true, &serial, &err) == -1) {
		control_answer(c, err, NULL, 0);
		return;
	}
	log_info("record %s: %s by spawnctl, for clients: %s", name, on, net);
	live_wait(&c->live, serial, limit);
}

/* The remote RELAY/NAME of the current generation, and its section's name. */
static const struct conf_remote *
remote_of(const char *name, char *relay)
{
	const char *slash = strrchr(name, '/');
	const struct conf_relay *r;
	unsigned i;

	if (master.gen == NULL || slash == NULL)
		return NULL;
	for (i = 0; i < master.gen->conf->nrelays; i++) {
		r = &master.gen->conf->relays[i];
		if (strlen(r->name) != (size_t)(slash - name) ||
		    strncmp(r->name, name, strlen(r->name)) != 0)
			continue;
		strlcpy(relay, r->name, CONF_NAME);
		for (i = 0; i < r->nremotes; i++)
			if (strcmp(r->remotes[i].name, slash + 1) == 0)
				return &r->remotes[i];
		return NULL;
	}
	return NULL;
}

/* What is set besides stays. */
static const char *
remote_change(const char *what, uint32_t *admin)
{
	enum conf_state state = BOARD_ADMIN_STATE(*admin);
	unsigned weight = BOARD_ADMIN_WEIGHT(*admin);
	const char *err = NULL;

	if (strcmp(what, "enable") == 0)
		state = STATE_ENABLED;
	else if (strcmp(what, "drain") == 0)
		state = STATE_DRAIN;
	else if (strcmp(what, "disable") == 0)
		state = STATE_DISABLED;
	else if (strncmp(what, "weight ", 7) == 0)
		weight = (unsigned)strtonum(what + 7, 1, 256, &err);
	else
		return "unknown change; use enable, drain, disable or "
		    "weight N";
	if (err != NULL)
		return "a weight is 1 to 256";
	*admin = BOARD_ADMIN(state, weight);
	return NULL;
}

/* When the answer comes every worker has it. */
static void
remote_set(struct client *c, const char *relay,
    const struct conf_remote *remote, uint32_t admin)
{
	const uint32_t state = BOARD_ADMIN_STATE(admin);
	char what[ADMIN_STRLEN];

	log_info("remote %s/%s: set by spawnctl: %s", relay, remote->name,
	    admin_str(admin, what));
	if (state == remote->state)
		admin = BOARD_ADMIN(BOARD_ADMIN_NONE,
		    BOARD_ADMIN_WEIGHT(admin));
	if (admin_set(relay, remote->name, admin) == -1) {
		control_answer(c, strerror(errno), NULL, 0);
		return;
	}
	load_admin(relay, remote->name, admin);
	control_answer(c, NULL, NULL, 0);
}
