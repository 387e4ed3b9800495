/*
 * A packet of any bytes to the logger: it becomes one line, without anything
 * that a terminal would obey, under the process that has sent it.
 */
#include "compat.h"

#include "../../helpers/logger/logger.h"
#include "log.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What lines.c needs of the other files. */
static enum target_style style;

bool
share_allows(struct writer *w, size_t n)
{
	(void)w;
	(void)n;
	return true;
}

enum target_style
target_style(void)
{
	return style;
}

bool
target_lost(void)
{
	return true;
}

void
writers_warned(const struct writer *w, int level, const char *text)
{
	if (level > LOG_WARNING || strlen(text) > LOG_LINE || w->master)
		abort();
}

void
writers_open(void)
{
}

size_t
target_put(const char *text, size_t n)
{
	size_t i;

	if (n == 0 || text[n - 1] != '\n')
		abort();
	for (i = 0; i < n - 1; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			abort();
	if (memmem(text, n, "relay[4711]: ", 13) == NULL)
		abort();
	return 0;
}

void
target_syslog(int level, char *text)
{
	if (level < 0 || level > 7 || strchr(text, '\n') != NULL)
		abort();
}

/* The first byte chooses the target. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct writer w = { .who = "relay[4711]: " };
	char packet[LOG_LINE + 1];
	size_t n;

	if (size < 2)
		return 0;
	n = size - 1 < sizeof(packet) - 1 ? size - 1 : sizeof(packet) - 1;
	style = (enum target_style)(data[0] % (TARGET_SYSLOG + 1));
	memcpy(packet, data + 1, n);
	lines_take(&w, packet, n);
	if (lines_waiting() > 1)
		abort();
	if (lines_waiting() == 1)
		lines_write();
	return 0;
}
