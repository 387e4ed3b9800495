/*
 * fault_random.h - numbers that are the same for the same seed, on every
 * machine: the generator is SplitMix64 (Steele, Lea and Flood, 2014).
 */
#ifndef FAULT_RANDOM_H
#define FAULT_RANDOM_H

#include "compat.h"

/* A number that has nothing to see of that one, and only of it. */
uint64_t	 random_mix(uint64_t);
/* The next one. */
uint64_t	 random_next(uint64_t *state);
/* One within spread of middle, and not below 0. */
uint64_t	 random_near(uint64_t *state, uint64_t middle, uint64_t spread);
/* How many fail in a row before one with that chance, above 0 to 1, does not.
 */
uint64_t	 random_gap(uint64_t *state, double chance);

#endif
