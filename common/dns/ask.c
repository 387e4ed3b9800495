#include "compat.h"

#include <netdb.h>

#include "conf/conf.h"
#include "dns/ask.h"
#include "dns/srv.h"

#define TYPE_SRV	33
#define CLASS_IN	1
#define WEIGHT_MOST	256

struct ask {
	ares_channel	 channel;
	void		(*done)(void *, const struct answer *);
	void		*arg;
	unsigned	 pending;	/* questions, and one while it starts */
	struct answer	 answer;
	unsigned	 room;
	uint16_t	 most;		/* weight of all */
	char		 why[160];
};

/* A name that is asked for. */
struct host {
	struct ask	*ask;
	uint16_t	 port, weight;
	bool		 backup, service;
	char		 name[CONF_HOST];
};

static void	 start_list(struct ask *, const char *, uint16_t);
static void	 start_host(struct ask *, const struct host *);
static void	 got_service(void *, int, int, unsigned char *, int);
static void	 take_services(struct ask *, const struct srv *, int);
static void	 got_host(void *, int, int, struct ares_addrinfo *);
static void	 add_number(struct ask *, const struct host *);
static void	 add(struct ask *, const struct host *, const struct sockaddr *,
		    socklen_t);
static void	 failed(struct ask *, const char *, const char *);
static void	 over(struct ask *);

struct ask *
ask_start(ares_channel channel, const char *list, uint16_t port,
    void (*done)(void *, const struct answer *), void *arg)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->channel = channel;
	a->done = done;
	a->arg = arg;
	a->answer.ttl = UINT32_MAX;
	a->pending = 1;
	start_list(a, list, port);
	return a;
}

void
ask_stop(struct ask *a)
{
	if (a != NULL)
		a->done = NULL;
}

/* All at once; an answer may be there at once, too. */
static void
start_list(struct ask *a, const char *list, uint16_t port)
{
	struct host h = { .ask = a, .port = port };
	bool number;

	while (conf_next_host(&list, h.name, &number) != NULL) {
		h.service = *h.name == '_';
		if (number)
			add_number(a, &h);
		else
			start_host(a, &h);
	}
	over(a);
}

static void
start_host(struct ask *a, const struct host *which)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT };
	struct host *h = malloc(sizeof(*h));

	if (h == NULL) {
		failed(a, which->name, strerror(ENOMEM));
		return;
	}
	*h = *which;
	a->pending++;
	if (h->service)
		ares_query(a->channel, h->name, CLASS_IN, TYPE_SRV,
		    got_service, h);
	else
		ares_getaddrinfo(a->channel, h->name, NULL, &hints, got_host,
		    h);
}

static void
got_service(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct host *h = arg;
	struct ask *a = h->ask;
	struct srv *all;
	uint32_t ttl;
	int n;

	(void)timeouts;
	if (status != ARES_SUCCESS)
		failed(a, h->name, ares_strerror(status));
	else if ((all = calloc(SRV_MOST, sizeof(*all))) == NULL)
		failed(a, h->name, strerror(ENOMEM));
	else {
		n = srv_parse(buf, (size_t)len, all, SRV_MOST, &ttl);
		if (n <= 0)
			failed(a, h->name, n == 0 ? "it is nowhere" :
			    "the answer makes no sense");
		else {
			a->answer.ttl = MIN(a->answer.ttl, ttl);
			take_services(a, all, n);
		}
		free(all);
	}
	free(h);
	over(a);
}

/* Weights are shares, of 65535 at most; so are ours, of 256. */
static void
take_services(struct ask *a, const struct srv *all, int n)
{
	struct host h = { .ask = a };
	unsigned most = 1;
	int i;

	for (i = 0; i < n; i++)
		most = MAX(most, all[i].weight);
	for (i = 0; i < n && a->done != NULL; i++) {
		h.port = all[i].port;
		h.backup = all[i].priority != all[0].priority;
		h.weight = (uint16_t)(most <= WEIGHT_MOST ? all[i].weight :
		    (unsigned)all[i].weight * WEIGHT_MOST / most);
		h.weight = MAX(h.weight, 1);
		strlcpy(h.name, all[i].host, sizeof(h.name));
		start_host(a, &h);
	}
}

static void
got_host(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *node;
	struct host *h = arg;
	struct ask *a = h->ask;

	(void)timeouts;
	if (status != ARES_SUCCESS)
		failed(a, h->name, ares_strerror(status));
	else if (info->nodes == NULL)
		failed(a, h->name, "it has no address");
	else
		for (node = info->nodes; node != NULL; node = node->ai_next) {
			a->answer.ttl = MIN(a->answer.ttl,
			    (uint32_t)MAX(node->ai_ttl, 0));
			add(a, h, node->ai_addr, node->ai_addrlen);
		}
	if (info != NULL)
		ares_freeaddrinfo(info);
	free(h);
	over(a);
}

/* As the configuration reads it. */
static void
add_number(struct ask *a, const struct host *h)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *ai;

	if (getaddrinfo(h->name, NULL, &hints, &ai) != 0)
		return;
	add(a, h, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
}

static void
add(struct ask *a, const struct host *h, const struct sockaddr *sa,
    socklen_t len)
{
	struct asked one = { .weight = h->weight, .backup = h->backup }, *more;
	struct answer *w = &a->answer;
	unsigned i;

	if (len > sizeof(one.addr.in6) ||
	    (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return;
	memcpy(&one.addr.sa, sa, len);
	one.addr.len = len;
	addr_set_port(&one.addr, h->port);
	for (i = 0; i < w->n; i++)
		if (addr_cmp(&w->addrs[i].addr, &one.addr) == 0)
			return;
	if (w->n == ASK_MOST)
		return;
	if (w->n == a->room) {
		more = reallocarray(w->addrs, a->room + 64, sizeof(*more));
		if (more == NULL) {
			failed(a, h->name, strerror(ENOMEM));
			return;
		}
		w->addrs = more;
		a->room += 64;
	}
	w->addrs[w->n++] = one;
}

/* The first reason is the one. */
static void
failed(struct ask *a, const char *name, const char *why)
{
	if (a->answer.why != NULL)
		return;
	snprintf(a->why, sizeof(a->why), "\"%.64s\": %s", name, why);
	a->answer.why = a->why;
}

static void
over(struct ask *a)
{
	if (--a->pending > 0)
		return;
	if (a->done != NULL)
		a->done(a->arg, &a->answer);
	free(a->answer.addrs);
	free(a);
}
