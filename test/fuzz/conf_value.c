/*
 * An encoded configuration of any bytes: it is refused with a sentence, or a
 * value that can be printed and encoded.
 */
#include "compat.h"

#include "conf/conf.h"

#define LENGTH_AT	12	/* where the length of all stands */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
use(const struct conf *c)
{
	FILE *f = fopen("/dev/null", "w");
	const char *err;
	struct conf *d;
	size_t len;
	void *value;

	if (f == NULL || conf_print(c, CONF_AS_WRITTEN, f) == -1 ||
	    conf_print(c, CONF_RESOLVED, f) == -1 ||
	    conf_print_json(c, f) == -1)
		abort();
	fclose(f);
	value = conf_encode(c, &len);
	if (value == NULL || (d = conf_decode(value, len, &err)) == NULL)
		abort();
	conf_free(&d);
	free(value);
}

/* The length is put right: it would be wrong nearly always. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = malloc(size);
	uint32_t len = (uint32_t)size;
	const char *err = NULL;
	struct conf *c;

	if (value == NULL)
		return 0;
	memcpy(value, data, size);
	if (size >= LENGTH_AT + sizeof(len))
		memcpy(value + LENGTH_AT, &len, sizeof(len));
	c = conf_decode(value, size, &err);
	if (c == NULL && (err == NULL || *err == '\0'))
		abort();
	if (c != NULL)
		use(c);
	conf_free(&c);
	free(value);
	return 0;
}
