#include "compat.h"

#include <arpa/inet.h>

#include "conf/parse.h"
#include "conf/resolve.h"

static int	 local_network(struct conf_check *, const struct conf_at *,
		    const char *, struct conf_local *);
static int	 local_range(struct conf_check *, const struct conf_at *,
		    const char *, struct conf_local *);
static int	 local_host(struct conf_check *, const struct conf_at *,
		    const char *, struct conf_local *);
static int	 local_number(const char *, size_t, struct addr *);
static const uint8_t *local_bytes(const struct addr *, unsigned *);
static bool	 local_count(const struct addr *, const struct addr *,
		    unsigned *);
static int	 local_is_none(struct conf_check *, const struct conf_at *,
		    const char *);
static int	 local_is_large(struct conf_check *, const struct conf_at *,
		    const char *);
static bool	 local_has(const struct conf_local *, unsigned, int);
static void	 local_remote(struct conf_check *, unsigned,
		    const struct conf_relay *, struct conf_remote *);
static void	 local_narrow(struct conf_remote *, const struct conf_local *,
		    unsigned);

/* A range is two numbers, so that names may have a "-". */
int
conf_read_local(struct conf_check *c, const struct conf_at *at,
    const char *text, struct conf_array *a)
{
	struct conf_local *all = (void *)a->items, *l = &all[a->n];
	const char *dash = strchr(text, '-');
	struct addr from;
	int done;

	l->text = text;
	l->n = 1;
	if (strchr(text, '/') != NULL)
		done = local_network(c, at, text, l);
	else if (dash != NULL &&
	    local_number(text, (size_t)(dash - text), &from) == 0)
		done = local_range(c, at, text, l);
	else
		done = local_host(c, at, text, l);
	if (done == 0 && local_has(all, a->n, l->addr.sa.sa_family)) {
		conf_check_fail(c, at->line, "%s \"%.64s\" is the second of "
		    "its family; give one, or a range", at->name, text);
		done = -1;
	}
	if (done == 0)
		a->n++;
	return done;
}

static int
local_network(struct conf_check *c, const struct conf_at *at,
    const char *text, struct conf_local *l)
{
	const char *slash = strchr(text, '/'), *err;
	unsigned width, bits, i;
	const uint8_t *ip;

	if (local_number(text, (size_t)(slash - text), &l->addr) == -1)
		return local_is_none(c, at, text);
	ip = local_bytes(&l->addr, &width);
	bits = (unsigned)strtonum(slash + 1, 0, width, &err);
	if (err != NULL || slash[1 + strspn(slash + 1, "0123456789")] != '\0')
		return local_is_none(c, at, text);
	if (width - bits > 16)
		return local_is_large(c, at, text);
	l->n = 1u << (width - bits);
	for (i = bits; i < width; i++)
		if (ip[i / 8] & 0x80 >> i % 8) {
			conf_check_fail(c, at->line, "%s \"%.64s\" does not "
			    "begin where a network of %u addresses does",
			    at->name, text, l->n);
			return -1;
		}
	return 0;
}

static int
local_range(struct conf_check *c, const struct conf_at *at, const char *text,
    struct conf_local *l)
{
	const char *dash = strchr(text, '-');
	struct addr last;

	if (local_number(text, (size_t)(dash - text), &l->addr) == -1 ||
	    local_number(dash + 1, strlen(dash + 1), &last) == -1 ||
	    last.sa.sa_family != l->addr.sa.sa_family ||
	    addr_cmp(&l->addr, &last) > 0)
		return local_is_none(c, at, text);
	return local_count(&l->addr, &last, &l->n) ? 0 :
	    local_is_large(c, at, text);
}

static int
local_host(struct conf_check *c, const struct conf_at *at, const char *text,
    struct conf_local *l)
{
	struct addr some[2];
	const char *err;
	int n = resolve_host(text, "0", false, some, nitems_of(some), &err);

	if (n == -1)
		conf_check_fail(c, at->line, "%s: %s", at->name, err);
	else if (n > 1)
		conf_check_fail(c, at->line, "%s \"%.64s\" stands for more "
		    "than 1 address", at->name, text);
	l->addr = some[0];
	return n == 1 ? 0 : -1;
}

static int
local_number(const char *text, size_t len, struct addr *a)
{
	char number[INET6_ADDRSTRLEN];

	memset(a, 0, sizeof(*a));
	if (len >= sizeof(number))
		return -1;
	memcpy(number, text, len);
	number[len] = '\0';
	if (inet_pton(AF_INET, number, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->len = sizeof(a->in);
	} else if (inet_pton(AF_INET6, number, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->len = sizeof(a->in6);
	} else
		return -1;
	return 0;
}

static const uint8_t *
local_bytes(const struct addr *a, unsigned *bits)
{
	*bits = a->sa.sa_family == AF_INET6 ? 128 : 32;
	return a->sa.sa_family == AF_INET6 ? a->in6.sin6_addr.s6_addr :
	    (const uint8_t *)&a->in.sin_addr;
}

/* The last one is not less. False: more than may be. */
static bool
local_count(const struct addr *first, const struct addr *last, unsigned *n)
{
	unsigned bits, i;
	const uint8_t *a = local_bytes(first, &bits);
	const uint8_t *b = local_bytes(last, &bits);
	int more = 0;

	for (i = 0; i < bits / 8 && more <= CONF_LOCAL_MAX; i++)
		more = more * 256 + b[i] - a[i];
	*n = (unsigned)more + 1;
	return more < CONF_LOCAL_MAX;
}

static int
local_is_none(struct conf_check *c, const struct conf_at *at,
    const char *text)
{
	conf_check_fail(c, at->line, "%s \"%.64s\" is no range of addresses; "
	    "write it as \"10.0.0.8-10.0.0.12\" or \"10.0.0.8/30\"", at->name,
	    text);
	return -1;
}

static int
local_is_large(struct conf_check *c, const struct conf_at *at,
    const char *text)
{
	conf_check_fail(c, at->line, "%s \"%.64s\" is more than %d addresses",
	    at->name, text, CONF_LOCAL_MAX);
	return -1;
}

static bool
local_has(const struct conf_local *l, unsigned n, int family)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (l[i].addr.sa.sa_family == family)
			return true;
	return false;
}

void
conf_check_locals(struct conf_check *c, const struct cfg_t *root)
{
	const struct conf *conf = c->conf;
	const struct cfg_t *sec;
	const struct conf_value *v, *own;
	struct conf_relay *r;
	unsigned i, k;

	for (i = 0; i < conf->nrelays; i++) {
		r = &conf->relays[i];
		sec = conf_child(root, "relay", i);
		v = conf_value(sec, "local-address", 0);
		for (k = 0; k < r->nremotes; k++) {
			own = conf_value(conf_child(sec, "remote", k),
			    "local-address", 0);
			own = own != NULL ? own : v;
			if (own != NULL)
				local_remote(c, own->line, r, &r->remotes[k]);
		}
	}
}

/* Addresses that cannot be reached from there are not used; a remote must have
 * others. */
static void
local_remote(struct conf_check *c, unsigned line, const struct conf_relay *r,
    struct conf_remote *remote)
{
	unsigned n;
	const struct conf_local *l = conf_locals(r, remote, &n);
	int number;

	if (n == 0 || remote->naddr == 0)
		return;
	number = l->addr.sa.sa_family == AF_INET6 ? 6 : 4;
	local_narrow(remote, l, n);
	if (remote->naddr == 0)
		conf_check_fail(c, line, "local-address is IPv%d, but remote "
		    "\"%s\" has no IPv%d address", number, remote->name,
		    number);
}

static void
local_narrow(struct conf_remote *r, const struct conf_local *l, unsigned nl)
{
	unsigned i, n = 0;

	for (i = 0; i < r->naddr; i++)
		if (r->addr[i].sa.sa_family == AF_UNIX ||
		    local_has(l, nl, r->addr[i].sa.sa_family))
			r->addr[n++] = r->addr[i];
	r->naddr = n;
}
