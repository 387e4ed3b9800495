#include "compat.h"

#include "parse/filterframe.h"

static const char *frame_wrong(const struct filterframe *, size_t);
static uint32_t	 get32(const uint8_t *);

ssize_t
filterframe_parse(const uint8_t *p, size_t n, struct filterframe *f,
    const char **errp)
{
	size_t len;

	if (n < FILTERFRAME_HEAD)
		return 0;
	len = get32(p);
	f->type = p[4];
	f->way = p[5];
	f->session = (uint64_t)get32(p + 8) << 32 | get32(p + 12);
	*errp = p[6] != 0 || p[7] != 0 ? "a frame has no zeros where they "
	    "belong" : frame_wrong(f, len);
	if (*errp != NULL)
		return -1;
	if (n < FILTERFRAME_HEAD + len)
		return 0;
	f->count = len >= 4 ? get32(p + FILTERFRAME_HEAD) : 0;
	f->bytes = p + FILTERFRAME_HEAD + MIN(len, 4);
	f->nbytes = len - MIN(len, 4);
	return (ssize_t)(FILTERFRAME_HEAD + len);
}

/* By its head, so that nothing is waited for in vain. */
static const char *
frame_wrong(const struct filterframe *f, size_t len)
{
	size_t least, most;

	switch (f->type) {
	case FRAME_PASS:
		least = most = 4;
		break;
	case FRAME_REPLACE:
		least = 4;
		most = FILTERFRAME_MAX;
		break;
	case FRAME_ENDED:
	case FRAME_SKIP:
	case FRAME_SHUT:
	case FRAME_ABORT:
		least = most = 0;
		break;
	default:
		return "a frame has a type that no program may say";
	}
	if (len < least || len > most)
		return "a frame has a length that its type cannot have";
	return f->way > 1 ? "a frame is of no direction" : NULL;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

void
filterframe_number(uint8_t p[4], uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

void
filterframe_head(uint8_t p[FILTERFRAME_HEAD], enum filterframe_type type,
    unsigned way, uint64_t session, size_t contents)
{
	filterframe_number(p, (uint32_t)contents);
	p[4] = (uint8_t)type;
	p[5] = (uint8_t)way;
	p[6] = p[7] = 0;
	filterframe_number(p + 8, (uint32_t)(session >> 32));
	filterframe_number(p + 12, (uint32_t)session);
}
