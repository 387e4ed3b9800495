#include "compat.h"

#include <ares.h>

#include "dns/srv.h"

#define HEADER		12	/* bytes (RFC 1035, 4.1.1) */
#define RECORD		10	/* of a record behind its name */
#define SRV_FIXED	6	/* of its data, before the name */
#define TYPE_SRV	33
#define CLASS_IN	1

/* What is left of an answer. */
struct view {
	const uint8_t	*all;
	int		 len;
	const uint8_t	*p, *end;
};

static int	 skip_name(struct view *);
static int	 next_record(struct view *, struct srv *, uint32_t *);
static int	 take(const struct view *, const uint8_t *, size_t,
		    struct srv *);
static uint16_t	 u16(const uint8_t *);
static int	 by_priority(const void *, const void *);

int
srv_parse(const uint8_t *buf, size_t len, struct srv *out, int max,
    uint32_t *ttl)
{
	struct view v = { buf, (int)len, buf + HEADER, buf + len };
	unsigned questions, answers;
	uint32_t t;
	int n = 0, r;

	*ttl = UINT32_MAX;
	if (len < HEADER || len > UINT16_MAX)
		return -1;
	questions = u16(buf + 4);
	answers = u16(buf + 6);
	for (; questions > 0; questions--) {
		if (skip_name(&v) == -1 || v.end - v.p < 4)
			return -1;
		v.p += 4;
	}
	for (; answers > 0 && n < max; answers--) {
		if ((r = next_record(&v, &out[n], &t)) == -1)
			return -1;
		*ttl = MIN(*ttl, t);
		n += r;
	}
	qsort(out, (size_t)n, sizeof(*out), by_priority);
	return n;
}

static int
skip_name(struct view *v)
{
	char *name;
	long used;

	if (ares_expand_name(v->p, v->all, v->len, &name, &used) !=
	    ARES_SUCCESS)
		return -1;
	ares_free_string(name);
	if (used > v->end - v->p)
		return -1;
	v->p += used;
	return 0;
}

/* 1: it is one, 0: another, such as a CNAME; its time counts, too. */
static int
next_record(struct view *v, struct srv *out, uint32_t *ttl)
{
	const uint8_t *head, *data;
	size_t len;

	if (skip_name(v) == -1 || v->end - v->p < RECORD)
		return -1;
	head = v->p;
	data = head + RECORD;
	len = u16(head + 8);
	if (len > (size_t)(v->end - data))
		return -1;
	v->p = data + len;
	*ttl = (uint32_t)u16(head + 4) << 16 | u16(head + 6);
	if (u16(head) != TYPE_SRV || u16(head + 2) != CLASS_IN)
		return 0;
	return take(v, data, len, out);
}

static int
take(const struct view *v, const uint8_t *data, size_t len, struct srv *out)
{
	char *name;
	long used;

	if (len <= SRV_FIXED || ares_expand_name(data + SRV_FIXED, v->all,
	    v->len, &name, &used) != ARES_SUCCESS)
		return -1;
	out->priority = u16(data);
	out->weight = u16(data + 2);
	out->port = u16(data + 4);
	len = strlcpy(out->host, name, sizeof(out->host));
	ares_free_string(name);
	return len > 0 && len < sizeof(out->host) && out->port != 0;
}

static uint16_t
u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Among equals the one that has more comes first, and then by name, so that an
 * answer is the same in whatever order it comes. */
static int
by_priority(const void *a, const void *b)
{
	const struct srv *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return strcmp(x->host, y->host);
}
