/*
 * Any bytes as each message of SOCKS. What is taken is as long whatever
 * follows, and is text; what lacks more says how much, and a part of a message
 * is no other one, nor wrong.
 */
#include "compat.h"

#include "parse/socks.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	 parse(int, const uint8_t *, size_t, struct request *,
		    size_t *);
static void	 harmless(const struct request *);
static void	 one(int, const uint8_t *, size_t);

static int
parse(int which, const uint8_t *data, size_t size, struct request *r,
    size_t *need)
{
	enum socks_wrong wrong;
	unsigned offers;

	memset(r, 0, sizeof(*r));
	switch (which) {
	case 0: return socks4_request(data, size, r, &wrong, need);
	case 1: return socks5_methods(data, size, &offers, need);
	case 2: return socks5_login(data, size, r, need);
	default: return socks5_request(data, size, r, &wrong, need);
	}
}

static void
harmless(const struct request *r)
{
	char name[HOST_LEN];

	if (memchr(r->to.host, '\0', sizeof(r->to.host)) == NULL ||
	    memchr(r->user, '\0', sizeof(r->user)) == NULL ||
	    memchr(r->password, '\0', sizeof(r->password)) == NULL)
		abort();
	if (r->to.host[0] != '\0' && (r->to.addr.len != 0 ||
	    host_normal(r->to.host, strlen(r->to.host), name) == -1 ||
	    strcmp(r->to.host, name) != 0))
		abort();
}

static void
one(int which, const uint8_t *data, size_t size)
{
	struct request r, again;
	size_t need = 0, k;
	int n = parse(which, data, size, &r, &need);

	if (n < -1 || n > (int)size || n > SOCKS_MAX)
		abort();
	if (n == 0 && (need <= size || need > SOCKS_MAX))
		abort();
	if (n <= 0)
		return;
	harmless(&r);
	if (parse(which, data, (size_t)n, &again, &need) != n ||
	    memcmp(&r, &again, sizeof(r)) != 0)
		abort();
	for (k = 0; k < (size_t)n; k++)
		if (parse(which, data, k, &again, &need) != 0 || need <= k ||
		    need > (size_t)n)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int which;

	for (which = 0; which < 4; which++)
		one(which, data, size);
	return 0;
}
