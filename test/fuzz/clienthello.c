/*
 * Any bytes as the first message of TLS. What is taken is as long whatever
 * follows, and its texts are fit for a log; what lacks more says how much; a
 * part of a message is no other one, nor wrong.
 */
#include "compat.h"

#include "parse/clienthello.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 harmless(const char *, size_t);
static void	 shorter(const uint8_t *, size_t);

static void
harmless(const char *s, size_t size)
{
	if (memchr(s, '\0', size) == NULL)
		abort();
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '"' ||
		    (*s >= 'A' && *s <= 'Z' && size == HOST_LEN))
			abort();
}

static void
shorter(const uint8_t *data, size_t size)
{
	size_t n, step = size / 64 + 1;
	struct hello h;

	for (n = 0; n < size; n += step)
		if (hello_parse(data, n, &h) != 0 || h.need <= n ||
		    h.need > size)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello h, again;
	int n = hello_parse(data, size, &h);

	harmless(h.name, sizeof(h.name));
	harmless(h.alpn, sizeof(h.alpn));
	if (n < -1 || n > (int)size || n > HELLO_MAX)
		abort();
	if (n == 0 && (h.need <= size || h.need > HELLO_MAX))
		abort();
	if (n > 0) {
		shorter(data, (size_t)n);
		if (hello_parse(data, (size_t)n, &again) != n ||
		    strcmp(h.name, again.name) != 0 ||
		    strcmp(h.alpn, again.alpn) != 0)
			abort();
	}
	return 0;
}
