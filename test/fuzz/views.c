/*
 * Any bytes as a view of spawnctl show, the first of which says which: as a
 * page, and as metrics, of which every line is one.
 */
#include "compat.h"

#include <event2/buffer.h>

#include "metrics.h"
#include "page.h"
#include "sight.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char	*text_of(struct evbuffer *);
static void	 check_metrics(char *);
static const char *check_labels(const char *);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sight sight = { .views = { { .text = NULL } } };
	struct evbuffer *b;
	char *text;

	if (size == 0)
		return 0;
	if ((b = evbuffer_new()) == NULL || (text =
	    strndup((const char *)data + 1, size - 1)) == NULL)
		abort();
	if (sight_put(&sight, data[0] % SIGHT_VIEWS, text) == -1 ||
	    metrics_write(b, &sight) == -1)
		abort();
	text = text_of(b);
	check_metrics(text);
	free(text);
	page_write(b, &sight, "nonce");
	evbuffer_free(b);
	sight_clear(&sight);
	return 0;
}

static char *
text_of(struct evbuffer *b)
{
	const size_t n = evbuffer_get_length(b);
	char *text = calloc(1, n + 1);

	if (text == NULL || evbuffer_remove(b, text, n) != (int)n)
		abort();
	return text;
}

static void
check_metrics(char *text)
{
	const char *p;
	char *line, *end;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '#' || *line == '\0')
			continue;
		if (strncmp(line, "spawnd_", 7) != 0)
			abort();
		p = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_");
		if (*p == '{')
			p = check_labels(p);
		if (*p != ' ')
			abort();
		strtod(p + 1, &end);
		if (end == p + 1 || *end != '\0' || strstr(p, "nan") != NULL)
			abort();
	}
}

/* Returns what is behind them. */
static const char *
check_labels(const char *p)
{
	do {
		p = strchr(p, '=');
		if (p == NULL || p[1] != '"')
			abort();
		for (p += 2; *p != '"'; p++)
			if (*p == '\0' || (*p == '\\' &&
			    strchr("\\n\"", *++p) == NULL))
				abort();
	} while (*++p == ',');
	if (*p != '}')
		abort();
	return p + 1;
}
