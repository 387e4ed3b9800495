/*
 * Any bytes as a request for the status. What is taken stays the same whatever
 * follows, a part of it is no other one, and its path is one.
 */
#include "compat.h"

#include "http.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 shorter(const char *, size_t, int,
		    const struct http_request *);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request r;
	int status;

	status = http_read(&r, (const char *)data, size);
	if (status != -1 && status != 0 && status != 400 && status != 404 &&
	    status != 405 && status != 431 && status != 505)
		abort();
	if (status == 0 && (*r.path != '/' || strchr(r.path, '?') != NULL ||
	    strlen(r.path) >= HTTP_PATH_MAX))
		abort();
	shorter((const char *)data, size, status, &r);
	return 0;
}

static void
shorter(const char *s, size_t size, int status, const struct http_request *r)
{
	struct http_request part;
	size_t n;
	int first;

	for (n = 0; n < size && n < HTTP_HEAD_MAX; n += 1 + size / 64) {
		first = http_read(&part, s, n);
		if (first == -1)
			continue;
		if (first != status)
			abort();
		if (first == 0 && (part.head != r->head ||
		    strcmp(part.path, r->path) != 0))
			abort();
	}
}
