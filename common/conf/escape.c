#include "compat.h"

#include <ctype.h>

#include "conf/conf.h"

static int	 escape_one(const char **, uint8_t *);
static int	 escape_number(const char **, int, size_t);

/* What one letter stands for. */
static const char letters[][2] = {
	{ 'a', '\a' }, { 'b', '\b' }, { 'e', '\033' }, { 'f', '\f' },
	{ 'n', '\n' }, { 'r', '\r' }, { 't', '\t' }, { 'v', '\v' },
	{ '\\', '\\' }, { '\'', '\'' }, { '"', '"' }, { '?', '?' }
};

int
conf_escapes(const char *text, uint8_t *bytes, size_t *len, const char **errp)
{
	static char why[96];
	const char *start;

	for (*len = 0; *text != '\0'; (*len)++) {
		if (*text != '\\') {
			bytes[*len] = (uint8_t)*text++;
			continue;
		}
		start = text++;
		if (escape_one(&text, &bytes[*len]) == 0)
			continue;
		snprintf(why, sizeof(why), "has \"%.4s\", which stands for "
		    "nothing; use \\r, \\n, \\x00 to \\xff, or \\\\",
		    start);
		*errp = why;
		return -1;
	}
	return 0;
}

/* Behind the backslash. */
static int
escape_one(const char **text, uint8_t *byte)
{
	const bool hex = **text == 'x';
	size_t i;
	int n;

	for (i = 0; i < nitems_of(letters); i++)
		if (**text == letters[i][0]) {
			*byte = (uint8_t)letters[i][1];
			(*text)++;
			return 0;
		}
	*text += hex;
	if ((n = escape_number(text, hex ? 16 : 8, hex ? 2 : 3)) == -1)
		return -1;
	*byte = (uint8_t)n;
	return 0;
}

static int
escape_number(const char **text, int base, size_t most)
{
	char digits[4] = "", *end;
	unsigned long n;
	size_t len;

	for (len = 0; len < most && isxdigit((unsigned char)(*text)[len]);
	    len++)
		digits[len] = (*text)[len];
	n = strtoul(digits, &end, base);
	if (end == digits || n > UINT8_MAX)
		return -1;
	*text += end - digits;
	return (int)n;
}
