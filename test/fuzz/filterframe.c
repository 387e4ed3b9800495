/*
 * What a filter program says: no frame is longer than what has come, none means
 * something else when less of it has come, and what is none has a sentence.
 */
#include "compat.h"

#include "parse/filterframe.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 pieces(const uint8_t *, size_t, ssize_t);

/* Less of it is the beginning of a frame, or wrong already. */
static void
pieces(const uint8_t *data, size_t size, ssize_t whole)
{
	struct filterframe f;
	const char *err;
	size_t n;

	for (n = 0; n < size && n < 32; n++)
		if (filterframe_parse(data, n, &f, &err) > (whole > 0 &&
		    n >= (size_t)whole ? whole : 0))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[FILTERFRAME_HEAD];
	struct filterframe f;
	const char *err = NULL;
	ssize_t n;

	while ((n = filterframe_parse(data, size, &f, &err)) > 0) {
		if ((size_t)n > size || f.way > 1 || f.type < FRAME_PASS ||
		    f.type > FRAME_ABORT || f.bytes + f.nbytes > data + n ||
		    (f.nbytes != 0 && f.type != FRAME_REPLACE))
			abort();
		filterframe_head(head, f.type, f.way, f.session,
		    (size_t)n - FILTERFRAME_HEAD);
		if (memcmp(head, data, sizeof(head)) != 0)
			abort();
		pieces(data, size, n);
		data += n;
		size -= (size_t)n;
	}
	if (n == -1 && (err == NULL || *err == '\0'))
		abort();
	pieces(data, size, n);
	return 0;
}
