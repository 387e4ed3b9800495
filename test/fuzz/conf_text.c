/*
 * A configuration file of any bytes: it is refused with a sentence or good,
 * and what is good prints, loads, encodes and decodes to the same again.
 */
#include "compat.h"

#include "../unit/fake_netdb.h"
#include "conf/conf.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static unsigned said;

static void
say(void *arg, enum conf_kind kind, const char *file, int line,
    const char *text)
{
	(void)arg;
	(void)file;
	(void)line;
	if (*text == '\0' || strpbrk(text, "\n\r") != NULL)
		abort();
	said += kind == CONF_MISTAKE;
}

static char *
print(const struct conf *conf, enum conf_style style)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL || conf_print(conf, style, f) == -1 || fclose(f) == EOF)
		abort();
	return text;
}

static void
same(const struct conf *a, const struct conf *b)
{
	char *x = print(a, CONF_RESOLVED), *y = print(b, CONF_RESOLVED);

	if (strcmp(x, y) != 0)
		abort();
	free(x);
	free(y);
}

static void
again(const struct conf *c)
{
	char *text = print(c, CONF_AS_WRITTEN), *value;
	struct conf *d = conf_load_text(text, "again", say, NULL);
	const char *err;
	size_t len;

	if (d == NULL)
		abort();
	same(c, d);
	conf_free(&d);
	value = conf_encode(c, &len);
	if (value == NULL || (d = conf_decode(value, len, &err)) == NULL)
		abort();
	same(c, d);
	conf_free(&d);
	free(value);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct conf *c;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	said = 0;
	c = conf_load_text(text, "fuzz", say, NULL);
	if ((c == NULL) != (said > 0))
		abort();
	if (c != NULL)
		again(c);
	conf_free(&c);
	free(text);
	return 0;
}
