#include "compat.h"

#include "special.h"

/* A network, by its first bytes. */
struct block {
	uint8_t		 bits;
	uint8_t		 ip[16];
};

static bool	 block_has(const struct block *, const uint8_t *);
static bool	 blocks_have(const struct block *, size_t, const uint8_t *);
static unsigned	 carried(const uint8_t ip[16], unsigned at[2]);

static const struct block not_public4[] = {
	{ 8, { 0 } },			/* this network, RFC 791 */
	{ 8, { 10 } },			/* private, RFC 1918 */
	{ 10, { 100, 64 } },		/* shared, RFC 6598 */
	{ 8, { 127 } },			/* loopback, RFC 1122 */
	{ 32, { 168, 63, 129, 16 } },	/* a cloud's own */
	{ 16, { 169, 254 } },		/* link local, RFC 3927; metadata */
	{ 12, { 172, 16 } },		/* private */
	{ 24, { 192, 0, 0 } },		/* protocols, RFC 6890 */
	{ 24, { 192, 0, 2 } },		/* documentation, RFC 5737 */
	{ 24, { 192, 88, 99 } },	/* relays of 6to4, RFC 7526 */
	{ 16, { 192, 168 } },		/* private */
	{ 15, { 198, 18 } },		/* benchmarks, RFC 2544 */
	{ 24, { 198, 51, 100 } },	/* documentation */
	{ 24, { 203, 0, 113 } },	/* documentation */
	{ 4, { 224 } },			/* multicast, RFC 5771 */
	{ 4, { 240 } },			/* reserved, RFC 1112; broadcast */
};

/* All else is loopback, mapped, unique local (fc00::/7, where metadata is as
 * well), link local, multicast, or nobody's. */
static const struct block global6 = { 3, { 0x20 } };
static const struct block nat64 = { 96, { 0, 0x64, 0xff, 0x9b } };

static const struct block not_public6[] = {
	{ 23, { 0x20, 0x01 } },		/* protocols, RFC 2928: Teredo,
					   benchmarks, ORCHID */
	{ 32, { 0x20, 0x01, 0x0d, 0xb8 } }, /* documentation, RFC 3849 */
	{ 16, { 0x20, 0x02 } },		/* 6to4, RFC 7526 */
	{ 20, { 0x3f, 0xff } },		/* documentation, RFC 9637 */
};

static const struct block mapped = { 96, { [10] = 0xff, 0xff } };
/* :: and ::1, which carry nothing. */
static const struct block itself = { 127, { 0 } };
static const struct block compatible = { 96, { 0 } };
static const struct block translated = { 96, { [8] = 0xff, 0xff } };
static const struct block nat64_local = { 48, { 0, 0x64, 0xff, 0x9b, 0, 1 } };
static const struct block six_to_four = { 16, { 0x20, 0x02 } };
static const struct block teredo = { 32, { 0x20, 0x01 } };

unsigned
special_forms(const struct source *s, struct source forms[SPECIAL_FORMS])
{
	unsigned n = 1, at[2], i, k, count;

	forms[0] = *s;
	if (s->family != AF_INET6)
		return n;
	if (block_has(&mapped, s->ip)) {
		memset(&forms[0], 0, sizeof(forms[0]));
		forms[0].family = AF_INET;
		forms[0].port = s->port;
		memcpy(forms[0].ip, s->ip + 12, 4);
		return n;
	}
	count = carried(s->ip, at);
	for (i = 0; i < count; i++, n++) {
		memset(&forms[n], 0, sizeof(forms[n]));
		forms[n].family = AF_INET;
		forms[n].port = s->port;
		memcpy(forms[n].ip, s->ip + at[i], 4);
		/* A client of Teredo stands there inverted. */
		for (k = 0; i == 1 && k < 4; k++)
			forms[n].ip[k] ^= 0xff;
	}
	return n;
}

/* Where IPv4 addresses begin in one of IPv6; how many there are. */
static unsigned
carried(const uint8_t ip[16], unsigned at[2])
{
	static const uint8_t isatap[] = { 0, 0x5e, 0xfe };

	if (block_has(&teredo, ip)) {
		at[0] = 4;
		at[1] = 12;
		return 2;
	}
	if (block_has(&itself, ip))
		return 0;
	at[0] = block_has(&six_to_four, ip) ? 2 : 12;
	return at[0] == 2 || block_has(&compatible, ip) ||
	    block_has(&translated, ip) || block_has(&nat64, ip) ||
	    block_has(&nat64_local, ip) ||
	    ((ip[8] & ~2) == 0 && memcmp(ip + 9, isatap, sizeof(isatap)) == 0);
}

bool
special_is_public(const struct source *s)
{
	if (s->family == AF_INET)
		return !blocks_have(not_public4, nitems_of(not_public4),
		    s->ip);
	return block_has(&nat64, s->ip) || (block_has(&global6, s->ip) &&
	    !blocks_have(not_public6, nitems_of(not_public6), s->ip));
}

static bool
blocks_have(const struct block *b, size_t n, const uint8_t *ip)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (block_has(&b[i], ip))
			return true;
	return false;
}

static bool
block_has(const struct block *b, const uint8_t *ip)
{
	const unsigned whole = b->bits / 8, rest = b->bits % 8;

	if (memcmp(b->ip, ip, whole) != 0)
		return false;
	return rest == 0 || (b->ip[whole] ^ ip[whole]) >> (8 - rest) == 0;
}
