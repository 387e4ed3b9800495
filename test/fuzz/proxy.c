/*
 * Any bytes as a header of the PROXY protocol. A refusal has a reason; what is
 * taken is within the limits, and as long whatever follows; what lacks more
 * says how much. Whom it names is read again from what we would write of it.
 */
#include "compat.h"

#include "proxy.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 again(const struct proxy *, bool);
static void	 shorter(const uint8_t *, size_t);

static void
again(const struct proxy *p, bool v2)
{
	char buf[PROXY_MAX];
	size_t n = v2 ? proxy_put_v2(buf, p, NULL) : proxy_put_v1(buf, p);
	struct proxy q;
	const char *err;

	if (proxy_parse((uint8_t *)buf, n, &q, &err) != (int)n ||
	    q.named != p->named)
		abort();
	if (p->named && p->from.family == p->to.family &&
	    (memcmp(&p->from, &q.from, sizeof(q.from)) != 0 ||
	    memcmp(&p->to, &q.to, sizeof(q.to)) != 0))
		abort();
}

/* A part of what is a header is never another one, nor wrong. */
static void
shorter(const uint8_t *data, size_t size)
{
	struct proxy p;
	const char *err;
	size_t n;

	for (n = 0; n < size; n++)
		if (proxy_parse(data, n, &p, &err) != 0 ||
		    proxy_need(data, n) <= n || proxy_need(data, n) > size)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *err = NULL;
	struct proxy p;
	int n = proxy_parse(data, size, &p, &err);

	if (n > (int)size || n > PROXY_MAX || n < -1)
		abort();
	if (n == -1 && (err == NULL || *err == '\0'))
		abort();
	if (n == 0 && proxy_need(data, size) <= size)
		abort();
	if (n > 0) {
		again(&p, false);
		again(&p, true);
		shorter(data, (size_t)n);
	}
	return 0;
}
