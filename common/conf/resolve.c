#include "compat.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>

#include "conf/resolve.h"

static int	 resolve_fail(const char **, const char *, ...)
		    printf_like(2, 3);
static int	 resolve_no_service(const char *, struct addr *, size_t,
		    const char **);
static int	 resolve_any(int, struct addr *, size_t);
static bool	 resolve_has_family(int);
static void	 resolve_zero(int, struct addr *);
static int	 resolve_number(const char *, struct addr *, const char **);
static int	 resolve_number6(const char *, struct addr *);
static uint32_t	 resolve_scope(const char *);
static int	 resolve_not_six(const char *, const char **);
static int	 resolve_name(const char *, bool, struct addr *, size_t,
		    const char **);
static size_t	 resolve_add(struct addr *, size_t, const struct addrinfo *);

/* The sentence of the latest failure; every errp of this file points here. */
static char resolve_error[512];
static bool asked, silent;	/* the latest resolve_host() */

int (*resolve_service)(const char *, struct addr *, size_t, const char **) =
    resolve_no_service;

static int
resolve_no_service(const char *name, struct addr *out, size_t max,
    const char **errp)
{
	(void)out;
	(void)max;
	return resolve_fail(errp, "\"%.64s\" is a service, which only who "
	    "starts spawnd asks for", name);
}

bool
resolve_is_wrong(void)
{
	return !asked;
}

bool
resolve_is_silent(void)
{
	return silent;
}

static int
resolve_fail(const char **errp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(resolve_error, sizeof(resolve_error), fmt, ap);
	va_end(ap);
	*errp = resolve_error;
	return -1;
}

int
resolve_host(const char *host, const char *service, bool passive,
    struct addr *out, size_t max, const char **errp)
{
	int i, n, port;

	asked = silent = false;
	if ((port = resolve_port(service, true, errp)) == -1)
		return -1;
	if (max == 0)
		return 0;
	if (host == NULL) {
		if ((n = resolve_any(AF_INET6, out, max)) < (int)max)
			n += resolve_any(AF_INET, out + n, max - n);
		if (n == 0)
			return resolve_fail(errp,
			    "this machine has neither IPv6 nor IPv4");
	} else if ((n = resolve_number(host, out, errp)) == 0)
		n = resolve_name(host, passive, out, max, errp);
	for (i = 0; i < n; i++)
		addr_set_port(&out[i], port);
	return n;
}

static int
resolve_any(int family, struct addr *out, size_t max)
{
	if (max == 0 || !resolve_has_family(family))
		return 0;
	resolve_zero(family, out);
	return 1;
}

static bool
resolve_has_family(int family)
{
	int fd;

	if ((fd = socket(family, SOCK_STREAM, 0)) == -1)
		return errno != EAFNOSUPPORT && errno != EPROTONOSUPPORT;
	close(fd);
	return true;
}

static void
resolve_zero(int family, struct addr *a)
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
resolve_number(const char *host, struct addr *a, const char **errp)
{
	if (*host == '$')
		return resolve_fail(errp, "\"%.64s\" is no name; a variable "
		    "is written ${%.64s}", host, host + 1);
	if (strchr(host, '/') != NULL)
		return resolve_fail(errp, "\"%.64s\" is %s", host,
		    *host == '/' ? "a path; write path = instead of address =" :
		    "a network, not an address");
	resolve_zero(AF_INET, a);
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1)
		return 1;
	if (strchr(host, ':') != NULL) {
		if (resolve_number6(host, a) == 0)
			return 1;
		return resolve_not_six(host, errp);
	}
	if (*host != '\0' && host[strspn(host, "0123456789.")] == '\0')
		return resolve_fail(errp, "\"%.64s\" is not an IPv4 address",
		    host);
	return 0;
}

static int
resolve_number6(const char *host, struct addr *a)
{
	char text[INET6_ADDRSTRLEN];
	const char *percent;
	size_t len;

	resolve_zero(AF_INET6, a);
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
	a->in6.sin6_scope_id = resolve_scope(percent + 1);
	return a->in6.sin6_scope_id == 0 ? -1 : 0;
}

static uint32_t
resolve_scope(const char *text)
{
	const char *err;
	long long number;

	number = strtonum(text, 1, UINT32_MAX, &err);
	if (err == NULL && isdigit((unsigned char)*text))
		return number;
	return if_nametoindex(text);
}

/* What people mean who write a port behind an address, or brackets. */
static int
resolve_not_six(const char *host, const char **errp)
{
	const char *from = host, *colon = strrchr(host, ':'), *to = colon;

	if (*host == '[' && host[strlen(host) - 1] == ']' && host[1] != ']')
		return resolve_fail(errp, "\"%.64s\" has brackets; write it "
		    "without them", host);
	if (*host == '[' && colon[-1] == ']') {
		from++;
		to--;
	} else if (strchr(host, ':') != colon)
		to = from;
	if (to > from && colon[1] != '\0' &&
	    colon[1 + strspn(colon + 1, "0123456789")] == '\0')
		return resolve_fail(errp, "\"%.64s\" has a port in it; write "
		    "address = \"%.*s\" port = %.8s", host,
		    (int)MIN(to - from, 64), from, colon + 1);
	return resolve_fail(errp, "\"%.64s\" is not an IPv6 address", host);
}

static int
resolve_name(const char *host, bool passive, struct addr *out, size_t max,
    const char **errp)
{
	struct addrinfo hints, *res, *ai;
	size_t n = 0;
	int error;

	if (*host == '\0')
		return resolve_fail(errp, "one of the hosts is empty");
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = passive ? AI_PASSIVE : 0;
	asked = true;
	error = getaddrinfo(host, NULL, &hints, &res);
	silent = error == EAI_AGAIN;
	if (error != 0)
		return resolve_fail(errp, "host \"%.255s\": %s", host,
		    error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error));
	for (ai = res; ai != NULL && n < max; ai = ai->ai_next)
		n = resolve_add(out, n, ai);
	freeaddrinfo(res);
	if (n == 0)
		return resolve_fail(errp,
		    "host \"%.255s\" has no IPv6 or IPv4 address", host);
	return n;
}

static size_t
resolve_add(struct addr *out, size_t n, const struct addrinfo *ai)
{
	size_t i;

	if (ai->ai_family != AF_INET6 && ai->ai_family != AF_INET)
		return n;
	resolve_zero(ai->ai_family, &out[n]);
	memcpy(&out[n].sa, ai->ai_addr, out[n].len);
	for (i = 0; i < n; i++)
		if (addr_cmp(&out[i], &out[n]) == 0)
			return n;
	return n + 1;
}

int
resolve_port(const char *service, bool zero_ok, const char **errp)
{
	const struct servent *se;
	size_t digits;
	unsigned long port;

	digits = strspn(service + (*service == '-'), "0123456789");
	if (digits != 0 && service[digits + (*service == '-')] == '\0') {
		port = strtoul(service, NULL, 10);
		if (*service != '-' && port <= 65535 && (port != 0 || zero_ok))
			return port;
		return resolve_fail(errp, "port %.64s is out of range; "
		    "use 1 to 65535%s", service,
		    zero_ok ? " or 0 for any free port" : "");
	}
	if (*service == '$')
		return resolve_fail(errp, "port \"%.64s\" is no number; a "
		    "variable is written ${%.64s}", service, service + 1);
	if ((se = getservbyname(service, "tcp")) == NULL)
		return resolve_fail(errp, "port \"%.64s\" is neither a number "
		    "nor the name of a TCP service", service);
	return ntohs(se->s_port);
}

int
resolve_ports(const char *text, bool zero_ok, uint16_t *low, uint16_t *high,
    const char **errp)
{
	const size_t first = strspn(text, "0123456789");
	const size_t second = text[first] != '-' ? 0 :
	    strspn(text + first + 1, "0123456789");
	unsigned long from, to;
	int port;

	if (first == 0 || second == 0 || text[first + 1 + second] != '\0') {
		if ((port = resolve_port(text, zero_ok, errp)) == -1)
			return -1;
		*low = *high = (uint16_t)port;
		return 0;
	}
	from = strtoul(text, NULL, 10);
	to = strtoul(text + first + 1, NULL, 10);
	if (from == 0 || from > to || to > UINT16_MAX)
		return resolve_fail(errp, "port \"%.64s\" is no range; use two "
		    "numbers from 1 to 65535, the lower one first", text);
	*low = (uint16_t)from;
	*high = (uint16_t)to;
	return 0;
}
