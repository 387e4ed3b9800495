#include "compat.h"

#include <ctype.h>

#include "conf/int.h"
#include "ipc.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/worker.h"
#include "tell/list.h"

/* A session's name is that of its worker and a number of the worker's. */
struct wanted {
	pid_t		 pid;
	uint64_t	 id;
};

struct list {
	struct proto_list	 what;
	struct wanted		 ids[PROTO_LIST_IDS];
	uint32_t		 nids;
};

static const char *list_words(struct list *, char *);
static const char *list_word(struct list *, const char *, const char *);
static const char *list_client(struct list *, const char *);
static const char *list_listener(struct list *, const char *);
static const char *list_remote(struct list *, const char *);
static const char *list_older(struct list *, const char *);
static const char *list_idle(struct list *, const char *);
static const char *list_id(struct list *, const char *);
static const char *list_verbose(struct list *, const char *);
static int	 list_hex(const char **, uint64_t *);
static const char *list_time(const char *, uint64_t *);
static void	 list_pass(FILE *, const struct list *, int);
static bool	 list_wants(const struct list *, const struct worker *);
static const char *list_send(const struct list *, const struct worker *, int);

static const struct {
	const char	*name;
	const char	*(*take)(struct list *, const char *);
} takers[] = {
	{ "client", list_client }, { "listener", list_listener },
	{ "remote", list_remote }, { "older", list_older },
	{ "idle", list_idle }, { "id", list_id },
	{ "verbose", list_verbose }
};

void
list_request(struct client *c, char *words, bool kill)
{
	struct list l = { .what.what = kill ? LIST_KILL : LIST_SHOW,
	    .what.guest = c->reader };
	const char *error = list_words(&l, words);
	char *text = NULL;
	size_t len = 0;
	FILE *f = NULL;
	int sv[2];

	if (error == NULL && ipc_pair(sv) == -1)
		error = strerror(errno);
	else if (error == NULL && (f = open_memstream(&text, &len)) == NULL) {
		error = strerror(errno);
		close(sv[0]);
		close(sv[1]);
	}
	if (error != NULL) {
		control_answer(c, error, NULL, 0);
		return;
	}
	list_pass(f, &l, sv[1]);
	close(sv[1]);
	if (fclose(f) == EOF) {
		close(sv[0]);
		control_answer(c, "out of memory", NULL, 0);
	} else
		control_answer_fd(c, text, len, sv[0]);
	free(text);
}

/* NULL, or what is wrong (static storage). */
static const char *
list_words(struct list *l, char *words)
{
	const char *name, *value, *error = NULL;

	while (words != NULL && error == NULL) {
		name = strsep(&words, " ");
		if ((value = strsep(&words, " ")) == NULL || *value == '\0')
			return "a word has no value";
		error = list_word(l, name, value);
	}
	return error;
}

static const char *
list_word(struct list *l, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < nitems_of(takers); i++)
		if (strcmp(takers[i].name, name) == 0)
			return takers[i].take(l, value);
	return "unknown word; use client, listener, remote, older, idle or id";
}

static const char *
list_client(struct list *l, const char *value)
{
	const char *err;

	if (acl_parse_network(value, &l->what.rule, &err) == -1)
		return err;
	l->what.net = 1;
	return NULL;
}

static const char *
list_listener(struct list *l, const char *value)
{
	return strlcpy(l->what.listener, value, sizeof(l->what.listener)) >=
	    sizeof(l->what.listener) ? "no listener has such a long name" :
	    NULL;
}

static const char *
list_remote(struct list *l, const char *value)
{
	const char *slash = strchr(value, '/');
	const size_t n = slash == NULL ? strlen(value) :
	    (size_t)(slash - value);

	if (n == 0 || n >= sizeof(l->what.relay) || (slash != NULL &&
	    strlcpy(l->what.remote, slash + 1, sizeof(l->what.remote)) >=
	    sizeof(l->what.remote)))
		return "a remote is RELAY or RELAY/NAME";
	memcpy(l->what.relay, value, n);
	l->what.relay[n] = '\0';
	return NULL;
}

static const char *
list_older(struct list *l, const char *value)
{
	return list_time(value, &l->what.older_ms);
}

static const char *
list_idle(struct list *l, const char *value)
{
	return list_time(value, &l->what.idle_ms);
}

static const char *
list_time(const char *value, uint64_t *ms)
{
	const char *err;

	if (conf_duration_of(value, ms, &err) == -1)
		return err;
	return *ms > UINT64_MAX / 1000 ? "that is too long" : NULL;
}

static const char *
list_id(struct list *l, const char *value)
{
	const char *wrong = "a session is two numbers with - between, as in "
	    "the log";
	struct wanted *w;
	uint64_t pid;

	if (l->nids == PROTO_LIST_IDS)
		return "too many sessions at once";
	w = &l->ids[l->nids];
	if (list_hex(&value, &pid) == -1 || *value++ != '-' ||
	    list_hex(&value, &w->id) == -1 || *value != '\0' ||
	    pid > INT32_MAX)
		return wrong;
	w->pid = (pid_t)pid;
	l->nids++;
	return NULL;
}

static int
list_hex(const char **text, uint64_t *n)
{
	const char *p = *text;

	for (*n = 0; isxdigit((unsigned char)*p); p++)
		*n = *n << 4 | (uint64_t)(isdigit((unsigned char)*p) ?
		    *p - '0' : tolower((unsigned char)*p) - 'a' + 10);
	if (p == *text || p - *text > 12)
		return -1;
	*text = p;
	return 0;
}

static const char *
list_verbose(struct list *l, const char *value)
{
	(void)value;
	l->what.verbose = 1;
	return NULL;
}

/* Another program than relay knows nothing of it. */
static void
list_pass(FILE *f, const struct list *l, int fd)
{
	const struct generation *g;
	const struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry) {
		if (g->conf->exec != NULL)
			continue;
		TAILQ_FOREACH(w, &g->workers, entry)
			if (list_wants(l, w))
				fprintf(f, "%s\t%ld\t%u\t%llu\n",
				    list_send(l, w, fd), (long)w->child.pid,
				    g->number,
				    (unsigned long long)worker_users(w));
	}
}

static bool
list_wants(const struct list *l, const struct worker *w)
{
	uint32_t i = 0;

	if (w->state == WORKER_DEAD)
		return false;
	while (i < l->nids && l->ids[i].pid != w->child.pid)
		i++;
	return l->nids == 0 || i < l->nids;
}

static const char *
list_send(const struct list *l, const struct worker *w, int fd)
{
	struct proto_list what = l->what;
	uint32_t i;

	for (i = 0; i < l->nids; i++)
		if (l->ids[i].pid == w->child.pid)
			what.ids[what.nids++] = l->ids[i].id;
	if (w->broken || w->full)
		return "busy";
	return ipc_send(w->chan.fd, MSG_LIST, &what, 1, &fd) == 0 ? "asked" :
	    "busy";
}
