#include "compat.h"

#include "host.h"

#define LABEL_MAX	63

static int	 host_byte(uint8_t);

int
host_normal(const void *buf, size_t len, char name[HOST_LEN])
{
	const uint8_t *p = buf;
	size_t i, label = 0;
	int c;

	if (len > 0 && p[len - 1] == '.')
		len--;
	if (len >= HOST_LEN)
		return -1;
	for (i = 0; i < len; i++) {
		if ((c = host_byte(p[i])) == -1 ||
		    (c == '.' ? label == 0 : label == LABEL_MAX))
			return -1;
		label = c == '.' ? 0 : label + 1;
		name[i] = (char)c;
	}
	name[len] = '\0';
	return label == 0 ? -1 : 0;
}

/* In lower case; -1: no name has it. */
static int
host_byte(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 'a';
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_' || c == '.')
		return c;
	return -1;
}

bool
host_is_number(const char *name)
{
	const char *last = strrchr(name, '.');

	last = last == NULL ? name : last + 1;
	if (last[0] == '0' && last[1] == 'x')
		return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
	return last[strspn(last, "0123456789")] == '\0';
}
