#include "compat.h"

#include "pattern.h"

/* Without PCRE2 there is none, so that nobody has one to ask of. */

struct pattern *
pattern_new(const char *text, const char *with, size_t window, bool *in_with,
    const char **errp)
{
	(void)text;
	(void)with;
	(void)window;
	*in_with = false;
	*errp = "needs PCRE2, which this spawnd was built without; build it "
	    "with libpcre2-dev";
	return NULL;
}

void
pattern_free(struct pattern **pp)
{
	*pp = NULL;
}

void
pattern_ready(struct pattern *p)
{
	(void)p;
}

size_t
pattern_behind(const struct pattern *p)
{
	(void)p;
	return 0;
}

enum pattern_found
pattern_find(struct pattern *p, const struct pattern_view *v, size_t *start,
    size_t *end)
{
	(void)p;
	*start = *end = v->len;
	return PATTERN_NONE;
}

ssize_t
pattern_with(struct pattern *p, char text[PATTERN_TEXT])
{
	(void)p;
	(void)text;
	return -1;
}
