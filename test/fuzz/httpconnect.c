/*
 * Any bytes as the head of a request. What is taken is as long whatever
 * follows; what lacks more says how much, and a part of a head is no other one.
 * There is an answer to all that is wrong.
 */
#include "compat.h"

#include "parse/httpconnect.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 answered(const uint8_t *, size_t, enum http_status);
static void	 shorter(const uint8_t *, size_t);

static void
answered(const uint8_t *data, size_t size, enum http_status status)
{
	char reply[HTTP_REPLY];
	const size_t n = http_reply(reply, status, http_is_1_0(data, size));

	if (n >= sizeof(reply) || memcmp(reply, "HTTP/1.", 7) != 0 ||
	    strlen(reply) != n)
		abort();
}

static void
shorter(const uint8_t *data, size_t size)
{
	size_t n, need, step = size / 64 + 1;
	enum http_status status;
	struct request r;

	for (n = 0; n < size; n += step)
		if (http_request(data, n, &r, &status, &need) != 0 ||
		    need <= n || need > size)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum http_status status, other;
	struct request r, again;
	size_t need = 0;
	int n = http_request(data, size, &r, &status, &need);

	if (n < -1 || n > (int)size || n > HTTP_MAX)
		abort();
	if (n == 0) {
		if (need <= size || need > HTTP_MAX + 1)
			abort();
		return 0;
	}
	answered(data, size, status);
	if (n == -1) {
		if (status == HTTP_OK)
			abort();
		return 0;
	}
	if (status == HTTP_OK && (r.to.port == 0 ||
	    (r.to.host[0] == '\0') == (r.to.addr.len == 0)))
		abort();
	shorter(data, (size_t)n);
	if (http_request(data, (size_t)n, &again, &other, &need) != n ||
	    status != other || memcmp(&r, &again, sizeof(r)) != 0)
		abort();
	return 0;
}
