#include "compat.h"

#include <arpa/inet.h>

#include "logdest.h"

static int	 parse_inet(const char *, struct addr *);
static int	 parse_numbers(const char *, const char *, struct addr *);

int
log_dest_parse(const char *text, struct log_dest *dest, const char **errp)
{
	const char *err;

	memset(dest, 0, sizeof(*dest));
	dest->type = SOCK_DGRAM;
	if (strncmp(text, "unix://", 7) == 0) {
		*errp = "is no socket; write unix:///PATH";
		return text[7] != '/' ? -1 :
		    addr_unix(text + 7, &dest->addr, &err) == 0 ? 0 : -1;
	}
	*errp = "is no address; write udp://ADDRESS:PORT or "
	    "tcp://ADDRESS:PORT in numbers, an IPv6 address in brackets, or "
	    "unix:///PATH";
	if (strncmp(text, "tcp://", 6) == 0)
		dest->type = SOCK_STREAM;
	else if (strncmp(text, "udp://", 6) != 0)
		return -1;
	return parse_inet(text + 6, &dest->addr);
}

static int
parse_inet(const char *text, struct addr *out)
{
	const bool bracket = *text == '[';
	const char *start = text + bracket;
	const char *end = strchr(start, bracket ? ']' : ':');
	const char *port = end == NULL ? NULL : end + bracket;
	char host[64];

	if (port == NULL || *port != ':' ||
	    (size_t)(end - start) >= sizeof(host))
		return -1;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	return (strchr(host, ':') != NULL) != bracket ? -1 :
	    parse_numbers(host, port + 1, out);
}

static int
parse_numbers(const char *host, const char *port, struct addr *out)
{
	if (strspn(port, "0123456789") != strlen(port) || *port == '\0' ||
	    strlen(port) > 5 || atoi(port) == 0 || atoi(port) > UINT16_MAX)
		return -1;
	if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
		out->sa.sa_family = AF_INET;
		out->len = sizeof(out->in);
	} else if (inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1) {
		out->sa.sa_family = AF_INET6;
		out->len = sizeof(out->in6);
	} else
		return -1;
	addr_set_port(out, (uint16_t)atoi(port));
	return 0;
}
