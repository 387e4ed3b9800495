/*
 * siphash.h - a hash with a key: who does not know it cannot choose what falls
 * together (SipHash-2-4, Aumasson and Bernstein 2012).
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include "compat.h"

struct siphash_key {
	uint64_t k[2];
};

/* One that nobody knows. */
void	 siphash_key(struct siphash_key *);
uint64_t siphash(const struct siphash_key *, const void *, size_t);

#endif
