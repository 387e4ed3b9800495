#include "compat.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>

#include "addr.h"

#define ADDR_ERRLEN	512

static int	 addr_fail(const char **, const char *, ...) printf_like(2, 3);
static int	 addr_wildcard(int, struct addr *, size_t);
static bool	 addr_has_family(int);
static void	 addr_any(int, struct addr *);
static int	 addr_number(const char *, struct addr *, const char **);
static int	 addr_number6(const char *, struct addr *);
static uint32_t	 addr_scope(const char *);
static int	 addr_lookup(const char *, bool, struct addr *, size_t,
		    const char **);
static size_t	 addr_add(struct addr *, size_t, const struct addrinfo *);
static void	 addr_ip_str(int, const void *, uint32_t, char *);
static void	 addr_port_str(char *, int, const char *, unsigned);

/* The sentence of the latest failure; every errp of this file points here. */
static char addr_error[ADDR_ERRLEN];

static int
addr_fail(const char **errp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(addr_error, sizeof(addr_error), fmt, ap);
	va_end(ap);
	*errp = addr_error;
	return -1;
}

int
addr_resolve(const char *host, const char *service, bool passive,
    struct addr *out, size_t max, const char **errp)
{
	int i, n, port;

	if ((port = addr_port(service, true, errp)) == -1)
		return -1;
	if (max == 0)
		return 0;
	if (host == NULL) {
		if ((n = addr_wildcard(AF_INET6, out, max)) < (int)max)
			n += addr_wildcard(AF_INET, out + n, max - n);
		if (n == 0)
			return addr_fail(errp,
			    "this machine has neither IPv6 nor IPv4");
	} else if ((n = addr_number(host, out, errp)) == 0)
		n = addr_lookup(host, passive, out, max, errp);
	for (i = 0; i < n; i++)
		addr_set_port(&out[i], port);
	return n;
}

static int
addr_wildcard(int family, struct addr *out, size_t max)
{
	if (max == 0 || !addr_has_family(family))
		return 0;
	addr_any(family, out);
	return 1;
}

static bool
addr_has_family(int family)
{
	int fd;

	if ((fd = socket(family, SOCK_STREAM, 0)) == -1)
		return errno != EAFNOSUPPORT && errno != EPROTONOSUPPORT;
	close(fd);
	return true;
}

static void
addr_any(int family, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	if (family == AF_INET6) {
		a->in6.sin6_family = AF_INET6;
		a->len = sizeof(a->in6);
	} else {
		a->in.sin_family = AF_INET;
		a->len = sizeof(a->in);
	}
}

/*
 * 1: host is a number; 0: it is a name; -1: it wants to be a number and is
 * none. Numbers never reach the resolver: it would take "10.1" and "0x7f.1",
 * ask the network about "10.0.0.256", and may be out of reach of a worker.
 */
static int
addr_number(const char *host, struct addr *a, const char **errp)
{
	addr_any(AF_INET, a);
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1)
		return 1;
	if (strchr(host, ':') != NULL) {
		if (addr_number6(host, a) == 0)
			return 1;
		return addr_fail(errp, "\"%.64s\" is not an IPv6 address",
		    host);
	}
	if (*host != '\0' && host[strspn(host, "0123456789.")] == '\0')
		return addr_fail(errp, "\"%.64s\" is not an IPv4 address",
		    host);
	return 0;
}

static int
addr_number6(const char *host, struct addr *a)
{
	char text[INET6_ADDRSTRLEN];
	const char *percent;
	size_t len;

	addr_any(AF_INET6, a);
	percent = strchr(host, '%');
	len = percent == NULL ? strlen(host) : (size_t)(percent - host);
	if (len >= sizeof(text))
		return -1;
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) != 1)
		return -1;
	if (percent == NULL)
		return 0;
	a->in6.sin6_scope_id = addr_scope(percent + 1);
	return a->in6.sin6_scope_id == 0 ? -1 : 0;
}

static uint32_t
addr_scope(const char *text)
{
	const char *err;
	long long number;

	number = strtonum(text, 1, UINT32_MAX, &err);
	if (err == NULL && isdigit((unsigned char)*text))
		return number;
	return if_nametoindex(text);
}

static int
addr_lookup(const char *host, bool passive, struct addr *out, size_t max,
    const char **errp)
{
	struct addrinfo hints, *res, *ai;
	size_t n = 0;
	int error;

	if (*host == '\0')
		return addr_fail(errp, "one of the hosts is empty");
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = passive ? AI_PASSIVE : 0;
	if ((error = getaddrinfo(host, NULL, &hints, &res)) != 0)
		return addr_fail(errp, "host \"%.255s\": %s", host,
		    error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error));
	for (ai = res; ai != NULL && n < max; ai = ai->ai_next)
		n = addr_add(out, n, ai);
	freeaddrinfo(res);
	if (n == 0)
		return addr_fail(errp,
		    "host \"%.255s\" has no IPv6 or IPv4 address", host);
	return n;
}

static size_t
addr_add(struct addr *out, size_t n, const struct addrinfo *ai)
{
	size_t i;

	if (ai->ai_family != AF_INET6 && ai->ai_family != AF_INET)
		return n;
	addr_any(ai->ai_family, &out[n]);
	memcpy(&out[n].sa, ai->ai_addr, out[n].len);
	for (i = 0; i < n; i++)
		if (addr_cmp(&out[i], &out[n]) == 0)
			return n;
	return n + 1;
}

int
addr_unix(const char *path, struct addr *out, const char **errp)
{
	size_t len = strlen(path);

	memset(out, 0, sizeof(*out));
	if (len >= sizeof(out->un.sun_path))
		return addr_fail(errp, "path \"%.255s\" is too long for a unix "
		    "socket; use at most %zu characters", path,
		    sizeof(out->un.sun_path) - 1);
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, len + 1);
	out->len = offsetof(struct sockaddr_un, sun_path) + len + 1;
	return 0;
}

int
addr_port(const char *service, bool zero_ok, const char **errp)
{
	const struct servent *se;
	size_t digits;
	unsigned long port;

	digits = strspn(service + (*service == '-'), "0123456789");
	if (digits != 0 && service[digits + (*service == '-')] == '\0') {
		port = strtoul(service, NULL, 10);
		if (*service != '-' && port <= 65535 && (port != 0 || zero_ok))
			return port;
		return addr_fail(errp, "port %.64s is out of range; "
		    "use 1 to 65535%s", service,
		    zero_ok ? " or 0 for any free port" : "");
	}
	if ((se = getservbyname(service, "tcp")) == NULL)
		return addr_fail(errp, "port \"%.64s\" is neither a number "
		    "nor the name of a TCP service", service);
	return ntohs(se->s_port);
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
