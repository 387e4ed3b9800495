/*
 * hash.h - where a name is in a table (FNV-1a) in which no client chooses what
 * there is; siphash.h is for what clients choose.
 */
#ifndef HASH_H
#define HASH_H

#include "compat.h"

#define HASH_BEGIN	2166136261u

/* That, or what the bytes before have made, and these bytes. */
uint32_t hash_bytes(uint32_t, const void *, size_t);
/* The same of a text, without its NUL. */
uint32_t hash_text(uint32_t, const char *);

#endif
