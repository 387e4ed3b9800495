#include "compat.h"

#include <stddef.h>

#include <openssl/crypto.h>

#include "layer/tls_mem.h"
#include "store.h"

/* What stands before each piece: how large it is. */
union head {
	size_t		 size;
	max_align_t	 align;
};

static void	*mem_get(size_t, const char *, int);
static void	*mem_resize(void *, size_t, const char *, int);
static void	 mem_put(void *, const char *, int);

void
tls_mem_start(void)
{
	CRYPTO_set_mem_functions(mem_get, mem_resize, mem_put);
}

static void *
mem_get(size_t size, const char *file, int line)
{
	return mem_resize(NULL, size, file, line);
}

static void *
mem_resize(void *old, size_t size, const char *file, int line)
{
	union head *h = old == NULL ? NULL : (union head *)old - 1;
	const size_t before = h == NULL ? 0 : sizeof(*h) + h->size;

	if (size == 0) {
		mem_put(old, file, line);
		return NULL;
	}
	if (size > SIZE_MAX - sizeof(*h) ||
	    (h = realloc(h, sizeof(*h) + size)) == NULL)
		return NULL;
	h->size = size;
	store_count((int64_t)(sizeof(*h) + size) - (int64_t)before);
	return h + 1;
}

static void
mem_put(void *old, const char *file, int line)
{
	union head *h = old == NULL ? NULL : (union head *)old - 1;

	(void)file;
	(void)line;
	if (h == NULL)
		return;
	store_count(-(int64_t)(sizeof(*h) + h->size));
	free(h);
}
