/*
 * A packet of any bytes to the logger: it becomes one line at each target, in
 * whatever format, without anything that a terminal would obey, and as JSON it
 * is one object, whatever it says.
 */
#include "compat.h"

#include "../../helpers/logger/logger.h"
#include "conf/conf.h"
#include "log.h"
#include "utf8.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What lines.c needs of the other files. */
static struct target target;
static unsigned added;

bool
share_allows(struct writer *w, size_t n)
{
	(void)w;
	(void)n;
	return true;
}

struct target *
target_of(unsigned i)
{
	return i == 0 ? &target : NULL;
}

void
writers_open(unsigned i)
{
	(void)i;
	abort();
}

bool
target_due(struct target *t, int64_t now)
{
	(void)t;
	(void)now;
	return false;
}

void
writers_warned(const struct writer *w, int level, const char *text)
{
	if (level > LOG_WARNING || strlen(text) > LOG_LINE || w->master)
		abort();
}

void
target_write(struct target *t)
{
	(void)t;
}

/* An object with strings and numbers, which nothing is behind. */
static void
is_json(const char *s, size_t n)
{
	bool in = false;
	size_t i;

	if (n < 2 || s[0] != '{' || s[n - 1] != '}')
		abort();
	for (i = 0; i < n; i++)
		if (in && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			in = !in;
		else if (!in && ((s[i] == '{' && i != 0) ||
		    (s[i] == '}' && i != n - 1) || s[i] == ' '))
			abort();
	if (in)
		abort();
}

static void
is_clean(const char *s, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i += len)
		if ((len = utf8_len(s + i, n - i)) == 0 ||
		    (unsigned char)s[i] < ' ' || s[i] == 0x7f)
			abort();
}

void
target_add(struct target *t, const struct note *note, const struct line *l)
{
	size_t n = l->len;
	const char *nl;

	(void)note;
	added++;
	if ((n == 0 && t->kind != TARGET_SYSLOG) || n > TARGET_LINE)
		abort();
	if (t->kind == TARGET_JOURNALD) {
		nl = memchr(l->text, '\n', n);
		if (nl == NULL || l->text[n - 1] != '\n')
			abort();
		is_clean(l->text, (size_t)(nl - l->text));
		return;
	}
	if (t->kind == TARGET_FILE && l->text[--n] != '\n')
		abort();
	is_clean(l->text, n);
	if (t->format == CONF_FORMAT_JSON && t->kind == TARGET_FILE)
		is_json(l->text, n);
	if (t->format == CONF_FORMAT_TEXT && t->kind == TARGET_FILE &&
	    memmem(l->text, n, "relay[4711]: ", 13) == NULL)
		abort();
}

/* The first byte chooses the target. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct writer w = { .who = "relay[4711]: ", .name = "relay",
	    .pid = "4711" };
	char packet[LOG_LINE + 1];
	const char *err;
	size_t n;

	if (size < 2)
		return 0;
	n = size - 1 < sizeof(packet) - 1 ? size - 1 : sizeof(packet) - 1;
	memset(&target, 0, sizeof(target));
	target.kind = (enum target_kind)(data[0] % (TARGET_JOURNALD + 1));
	target.format = data[0] / 8 % (CONF_FORMAT_CUSTOM + 1);
	target.level = 7;
	target.sessions = true;
	target.sample = CONF_WHOLE;
	if (layout_parse(&target.layout, "%{client} %{why:json} "
	    "%{total:ms} %{sni:quoted} %{start} %{event}", &err) == -1)
		abort();
	format_start();
	memcpy(packet, data + 1, n);
	added = 0;
	lines_take(&w, packet, n);
	if (added > 1)
		abort();
	lines_write();
	return 0;
}
