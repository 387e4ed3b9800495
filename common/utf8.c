#include "compat.h"

#include "utf8.h"

static bool	utf8_tail(const unsigned char *, size_t);
static bool	utf8_control(const char *, size_t);

static bool
utf8_tail(const unsigned char *u, size_t n)
{
	while (n-- > 0)
		if ((*u++ & 0xc0) != 0x80)
			return false;
	return true;
}

/* What is longer than it must be, a surrogate, or above 10ffff is none. */
size_t
utf8_len(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 :
	    u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > n || !utf8_tail(u + 1, len - 1))
		return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return len;
}

static bool
utf8_control(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	return len == 1 ? u[0] < ' ' || u[0] == 0x7f :
	    u[0] == 0xc2 && u[1] < 0xa0;
}

void
utf8_clean(char *s, size_t n)
{
	size_t len;

	for (; n > 0; s += len, n -= len) {
		len = utf8_len(s, n);
		if (len == 0)
			*s = '?';
		else if (utf8_control(s, len))
			memset(s, '?', len);
		len = MAX(len, 1);
	}
}
