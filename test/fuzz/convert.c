/*
 * A configuration of another program, of any bytes: what is not understood is
 * listed, and what comes of the rest has no option that does not exist and no
 * value that cannot be. The first byte says whose it is.
 */
#include "compat.h"

#include "../unit/fake_netdb.h"
#include "convert/conv.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
say(void *arg, enum conf_kind kind, const char *file, int line,
    const char *text)
{
	static const char *const never[] = { "unknown option",
	    "unknown section", "out of range", "is not a number",
	    "should be", "never closed",
	    "there twice", "is no name for", "there is no relay",
	    "there is no tls", "nested" };
	size_t i;

	(void)arg;
	(void)kind;
	(void)file;
	(void)line;
	for (i = 0; i < nitems_of(never); i++)
		if (strstr(text, never[i]) != NULL)
			abort();
}

static void
outcome(const struct conv *c)
{
	struct conf *conf;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	conv_tell(c, f);
	if (fclose(f) == EOF || (len != 0) != (c->nleft > 0))
		abort();
	free(text);
	if ((f = open_memstream(&text, &len)) == NULL)
		abort();
	conv_print(c, f);
	fclose(f);
	conf = conf_load_text(text, "fuzz", say, NULL);
	conf_free(&conf);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conv c;
	char *text;

	if (size == 0 || (text = malloc(size)) == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (conv_init(&c, "fuzz", text) == -1)
		abort();
	switch (data[0]) {
	case 'r': rinetd_convert(&c); break;
	case 't': tcprelay_convert(&c); break;
	default: haproxy_convert(&c); break;
	}
	outcome(&c);
	conv_free(&c);
	free(text);
	return 0;
}
