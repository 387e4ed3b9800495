#include "compat.h"

#include "dest/lookup.h"
#include "dns/resolver.h"

struct asking {
	void		(*got)(void *, const struct name_answer *, uint32_t);
	void		*arg;
};

static void	 lookup_got(void *, int, int, struct ares_addrinfo *);
static uint32_t	 lookup_take(const struct ares_addrinfo *,
		    struct name_answer *);
static enum dest_fault fault_of(int);

int
lookup_start(const char **errp)
{
	return resolver_start(true, errp);
}

void
lookup(const char *host, void (*got)(void *, const struct name_answer *,
    uint32_t), void *arg)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT };
	const struct name_answer lacks = { .fault = DEST_LACKS };
	struct asking *a = malloc(sizeof(*a));

	if (a == NULL) {
		got(arg, &lacks, 0);
		return;
	}
	a->got = got;
	a->arg = arg;
	ares_getaddrinfo(resolver_channel(), host, NULL, &hints, lookup_got,
	    a);
	resolver_go_on();
}

static void
lookup_got(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct name_answer answer = { .fault = (uint8_t)fault_of(status) };
	struct asking *a = arg;
	uint32_t ttl = 0;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		ttl = lookup_take(info, &answer);
	if (status == ARES_SUCCESS && answer.n == 0)
		answer.fault = DEST_NO_NAME;
	if (info != NULL)
		ares_freeaddrinfo(info);
	a->got(a->arg, &answer, ttl);
	free(a);
}

/* Returns for how long all of it holds. */
static uint32_t
lookup_take(const struct ares_addrinfo *info, struct name_answer *answer)
{
	const struct ares_addrinfo_cname *alias;
	const struct ares_addrinfo_node *node;
	int ttl = INT32_MAX;

	for (alias = info->cnames; alias != NULL; alias = alias->next)
		ttl = MIN(ttl, alias->ttl);
	for (node = info->nodes; node != NULL; node = node->ai_next) {
		ttl = MIN(ttl, node->ai_ttl);
		if (answer->n < DEST_ADDRS && (node->ai_family == AF_INET ||
		    node->ai_family == AF_INET6))
			source_set(&answer->addrs[answer->n++], node->ai_addr);
	}
	return (uint32_t)MAX(ttl, 0);
}

static enum dest_fault
fault_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return DEST_OK;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_EBADNAME:
		return DEST_NO_NAME;
	case ARES_ETIMEOUT:
		return DEST_NAME_TIMEOUT;
	case ARES_ENOMEM:
		return DEST_LACKS;
	default:
		return DEST_NAME_FAILED;
	}
}
