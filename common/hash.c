#include "compat.h"

#include "hash.h"

uint32_t
hash_bytes(uint32_t h, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619u;
	return h;
}

uint32_t
hash_text(uint32_t h, const char *text)
{
	return hash_bytes(h, text, strlen(text));
}
