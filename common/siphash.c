#include "compat.h"

#include "siphash.h"

static void	 rounds(uint64_t v[4], int);
static uint64_t	 rotate(uint64_t, int);
static uint64_t	 word(const uint8_t *);
static uint64_t	 rest(const uint8_t *, size_t);

void
siphash_key(struct siphash_key *key)
{
	arc4random_buf(key, sizeof(*key));
}

uint64_t
siphash(const struct siphash_key *key, const void *bytes, size_t len)
{
	uint64_t v[4] = { key->k[0] ^ UINT64_C(0x736f6d6570736575),
	    key->k[1] ^ UINT64_C(0x646f72616e646f6d),
	    key->k[0] ^ UINT64_C(0x6c7967656e657261),
	    key->k[1] ^ UINT64_C(0x7465646279746573) };
	const uint8_t *p = bytes;
	uint64_t m = 0;
	size_t left;

	for (left = len; left >= 8; p += 8, left -= 8) {
		m = word(p);
		v[3] ^= m;
		rounds(v, 2);
		v[0] ^= m;
	}
	m = rest(p, left) | (uint64_t)len << 56;
	v[3] ^= m;
	rounds(v, 2);
	v[0] ^= m;
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void
rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

/* Little end first, whatever the machine has; one load where that has it. */
static uint64_t
word(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	    (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t
rest(const uint8_t *p, size_t len)
{
	uint64_t m = 0;
	size_t i;

	for (i = 0; i < len; i++)
		m |= (uint64_t)p[i] << 8 * i;
	return m;
}
