#include "compat.h"

#include <arpa/inet.h>

#include "addr.h"

static void	 addr_ip_str(int, const void *, uint32_t, char *);
static void	 addr_port_str(char *, int, const char *, unsigned);

int
addr_unix(const char *path, struct addr *out, const char **errp)
{
	static char error[512];
	size_t len = strlen(path);

	memset(out, 0, sizeof(*out));
	if (len >= sizeof(out->un.sun_path)) {
		snprintf(error, sizeof(error), "path \"%.255s\" is too long "
		    "for a unix socket; use at most %zu characters", path,
		    sizeof(out->un.sun_path) - 1);
		*errp = error;
		return -1;
	}
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, len + 1);
	out->len = offsetof(struct sockaddr_un, sun_path) + len + 1;
	return 0;
}

int
addr_cmp(const struct addr *a, const struct addr *b)
{
	int diff;

	if (a->sa.sa_family != b->sa.sa_family)
		return a->sa.sa_family < b->sa.sa_family ? -1 : 1;
	switch (a->sa.sa_family) {
	case AF_INET:
		diff = memcmp(&a->in.sin_addr, &b->in.sin_addr,
		    sizeof(a->in.sin_addr));
		break;
	case AF_INET6:
		diff = memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr,
		    sizeof(a->in6.sin6_addr));
		if (diff == 0 && a->in6.sin6_scope_id != b->in6.sin6_scope_id)
			diff = a->in6.sin6_scope_id < b->in6.sin6_scope_id ?
			    -1 : 1;
		break;
	case AF_UNIX:
		return strcmp(a->un.sun_path, b->un.sun_path);
	default:
		return memcmp(&a->sa, &b->sa, sizeof(a->sa));
	}
	return diff != 0 ? diff : addr_get_port(a) - addr_get_port(b);
}

uint16_t
addr_get_port(const struct addr *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return ntohs(a->in.sin_port);
	case AF_INET6:
		return ntohs(a->in6.sin6_port);
	default:
		return 0;
	}
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
}

void
addr_add(struct addr *a, unsigned n)
{
	uint8_t *ip = a->sa.sa_family == AF_INET6 ?
	    a->in6.sin6_addr.s6_addr : (uint8_t *)&a->in.sin_addr;
	int i = a->sa.sa_family == AF_INET6 ? 15 : 3;
	uint64_t sum = n;

	for (; i >= 0 && sum != 0; i--, sum >>= 8) {
		sum += ip[i];
		ip[i] = (uint8_t)sum;
	}
}

void
addr_set_any(struct addr *a)
{
	if (a->sa.sa_family == AF_INET) {
		a->in.sin_addr.s_addr = htonl(INADDR_ANY);
	} else if (a->sa.sa_family == AF_INET6) {
		a->in6.sin6_addr = in6addr_any;
		a->in6.sin6_scope_id = 0;
	}
}

bool
addr_is_loopback(const struct addr *a)
{
	uint32_t ip = ntohl(a->in.sin_addr.s_addr);

	if (a->sa.sa_family == AF_INET)
		return ip >> 24 == IN_LOOPBACKNET || ip == INADDR_ANY;
	return a->sa.sa_family == AF_INET6 &&
	    (IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) ||
	    IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr));
}

char *
addr_str(const struct addr *a, char buf[ADDR_STRLEN])
{
	char host[ADDR_STRLEN];

	addr_host_str(a, host);
	if (a->sa.sa_family == AF_UNIX)
		strlcpy(buf, host, ADDR_STRLEN);
	else
		addr_port_str(buf, a->sa.sa_family, host, addr_get_port(a));
	return buf;
}

char *
addr_host_str(const struct addr *a, char buf[ADDR_STRLEN])
{
	switch (a->sa.sa_family) {
	case AF_INET:
		addr_ip_str(AF_INET, &a->in.sin_addr, 0, buf);
		break;
	case AF_INET6:
		addr_ip_str(AF_INET6, &a->in6.sin6_addr,
		    a->in6.sin6_scope_id, buf);
		break;
	case AF_UNIX:
		strlcpy(buf, a->un.sun_path, ADDR_STRLEN);
		break;
	default:
		strlcpy(buf, "?", ADDR_STRLEN);
		break;
	}
	return buf;
}

static void
addr_ip_str(int family, const void *ip, uint32_t scope, char *buf)
{
	size_t len;

	if (inet_ntop(family, ip, buf, ADDR_STRLEN) == NULL)
		strlcpy(buf, "?", ADDR_STRLEN);
	len = strlen(buf);
	if (scope != 0)
		snprintf(buf + len, ADDR_STRLEN - len, "%%%u", scope);
}

static void
addr_port_str(char *buf, int family, const char *host, unsigned port)
{
	bool six = family == AF_INET6;

	snprintf(buf, ADDR_STRLEN, "%s%.100s%s:%u", six ? "[" : "", host,
	    six ? "]" : "", port);
}

void
source_set(struct source *p, const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	memset(p, 0, sizeof(*p));
	switch (sa->sa_family) {
	case AF_INET:
		p->family = AF_INET;
		memcpy(p->ip, &in->sin_addr, 4);
		p->port = ntohs(in->sin_port);
		break;
	case AF_INET6:
		p->port = ntohs(in6->sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			p->family = AF_INET;
			memcpy(p->ip, &in6->sin6_addr.s6_addr[12], 4);
			break;
		}
		p->family = AF_INET6;
		memcpy(p->ip, &in6->sin6_addr, 16);
		p->scope = in6->sin6_scope_id;
		break;
	default:
		p->family = AF_UNIX;
		break;
	}
}

void
source_addr(const struct source *p, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = p->family;
	if (p->family == AF_INET) {
		a->len = sizeof(a->in);
		memcpy(&a->in.sin_addr, p->ip, 4);
	} else {
		a->len = sizeof(a->in6);
		memcpy(&a->in6.sin6_addr, p->ip, 16);
		a->in6.sin6_scope_id = p->scope;
	}
	addr_set_port(a, p->port);
}

bool
source_same(const struct source *a, const struct source *b)
{
	return a->family == b->family && a->port == b->port &&
	    a->scope == b->scope && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

void
source_network(struct source *s, unsigned bits, unsigned bits6)
{
	const unsigned n = s->family == AF_INET ? bits : bits6;
	unsigned i;

	s->port = 0;
	s->scope = 0;
	for (i = 0; i < sizeof(s->ip); i++)
		if (i >= n / 8)
			s->ip[i] &= i == n / 8 ? 0xff00 >> n % 8 : 0;
}

char *
source_str(const struct source *p, char buf[ADDR_STRLEN])
{
	char host[ADDR_STRLEN];

	if (p->family != AF_INET && p->family != AF_INET6) {
		strlcpy(buf, "unix", ADDR_STRLEN);
		return buf;
	}
	addr_ip_str(p->family, p->ip, p->scope, host);
	addr_port_str(buf, p->family, host, p->port);
	return buf;
}
