/*
 * A filter program of spawnd(8): see spawnd-filter(7). It looks at what comes
 * first in each direction: where that begins with a word, the session is reset,
 * else nothing more of the direction is looked at.
 *
 *	cc -o filter filter.c
 *	program first { command = "/usr/libexec/filter SSH-" }
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { DATA = 2, FIN = 3, RESET = 4, END = 18, SKIP = 19, ABORT = 21 };

static int
take(uint8_t *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n)
		if ((n = read(STDIN_FILENO, buf, len)) <= 0)
			return 0;
	return 1;
}

int
main(int argc, char *argv[])
{
	static uint8_t head[16], contents[65536];
	const char *word = argc > 1 ? argv[1] : "";
	size_t len;

	while (take(head, sizeof(head))) {
		len = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
		    (size_t)head[2] << 8 | head[3];
		if (len > sizeof(contents) || !take(contents, len))
			return 1;
		if (head[4] == DATA)
			head[4] = len >= strlen(word) && memcmp(contents, word,
			    strlen(word)) == 0 ? ABORT : SKIP;
		else if (head[4] == FIN || head[4] == RESET)
			head[4] = END;
		else
			continue;
		/* The answer is about the same session and direction. */
		memset(head, 0, 4);
		if (write(STDOUT_FILENO, head, sizeof(head)) != sizeof(head))
			return 1;
	}
	return 0;
}
