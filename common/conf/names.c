#include "compat.h"

#include <arpa/inet.h>

#include "conf/conf.h"

static bool	 has_names(const char *);

bool
conf_is_service(const struct conf_remote *r)
{
	return r->address != NULL && *r->address == '_';
}

bool
conf_looks_up(const struct conf_relay *relay, const struct conf_remote *r)
{
	if (r->path != NULL || r->address == NULL)
		return false;
	return conf_is_service(r) || r->naddr == 0 ||
	    (relay->resolve != 0 && has_names(r->address));
}

static bool
has_names(const char *list)
{
	char host[CONF_HOST];
	bool number = true;

	while (number && conf_next_host(&list, host, &number) != NULL)
		continue;
	return !number;
}

const char *
conf_next_host(const char **list, char host[CONF_HOST], bool *number)
{
	unsigned char ip[16];
	const char *p = *list;
	size_t len;

	p += strspn(p, ", \t\n");
	if (*p == '\0')
		return NULL;
	len = strcspn(p, ", \t\n");
	snprintf(host, CONF_HOST, "%.*s", (int)MIN(len, CONF_HOST - 1), p);
	*list = p + len;
	*number = strchr(host, ':') != NULL ||
	    inet_pton(AF_INET, host, ip) == 1;
	return host;
}
