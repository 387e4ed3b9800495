#include "compat.h"

#include <arpa/inet.h>

#include "dest.h"

static int	 dest_set_six(struct dest *, const char *, size_t, uint16_t);
static int	 dest_set_four(struct dest *, uint16_t);

int
dest_set_host(struct dest *d, const void *text, size_t len, uint16_t port)
{
	const char *p = text;

	memset(d, 0, sizeof(*d));
	d->port = port;
	if (len > 2 && p[0] == '[' && p[len - 1] == ']')
		return dest_set_six(d, p + 1, len - 2, port);
	if (memchr(p, ':', len) != NULL)
		return dest_set_six(d, p, len, port);
	if (host_normal(p, len, d->host) == -1) {
		d->host[0] = '\0';
		return -1;
	}
	return host_is_number(d->host) ? dest_set_four(d, port) : 0;
}

/* No scope: which interfaces there are is not the client's affair. */
static int
dest_set_six(struct dest *d, const char *text, size_t len, uint16_t port)
{
	char buf[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (len >= sizeof(buf) || memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (inet_pton(AF_INET6, buf, &ip) != 1)
		return -1;
	dest_set_ip(d, AF_INET6, &ip, port);
	return 0;
}

static int
dest_set_four(struct dest *d, uint16_t port)
{
	struct in_addr ip;

	if (inet_aton(d->host, &ip) == 0) {
		d->host[0] = '\0';
		return -1;
	}
	dest_set_ip(d, AF_INET, &ip, port);
	return 0;
}

void
dest_set_ip(struct dest *d, int family, const void *ip, uint16_t port)
{
	struct source s = { .family = (uint8_t)family, .port = port };

	memset(d, 0, sizeof(*d));
	d->port = port;
	memcpy(s.ip, ip, family == AF_INET ? 4 : 16);
	source_addr(&s, &d->addr);
}

char *
dest_str(const struct dest *d, char buf[DEST_STRLEN])
{
	char addr[ADDR_STRLEN];

	if (d->host[0] != '\0')
		snprintf(buf, DEST_STRLEN, "%s:%u", d->host, d->port);
	else
		strlcpy(buf, d->addr.len == 0 ? "?" : addr_str(&d->addr, addr),
		    DEST_STRLEN);
	return buf;
}
