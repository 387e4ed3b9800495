#include "compat.h"

#include <stdarg.h>

#include "conf/int.h"
#include "conf/near.h"

static int	 fail(const char **, const char *, ...) printf_like(2, 3);
static int	 no_value(const struct conf_opt *, const char *, const char *,
		    const char **, const char *);
static int	 no_range(const struct conf_opt *, const char *, const char *,
		    const char **);
static bool	 overflows(const struct conf_opt *, const char *);
static bool	 same_stem(const struct conf_word *, const struct conf_word *);
static int	 no_word(const struct conf_opt *, const char *, const char *,
		    const char **);

int
conf_scalar_of(const struct conf_opt *o, const char *name, const char *text,
    uint64_t *n, const char **errp)
{
	const char *err = NULL;

	if (overflows(o, text))
		return no_range(o, name, text, errp);
	if (conf_field_parse(o, text, n, &err) == -1)
		return no_value(o, name, text, errp, err);
	return conf_field_in_range(o, *n) ? 0 : no_range(o, name, text, errp);
}

static int
fail(const char **errp, const char *fmt, ...)
{
	static char sentence[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	*errp = sentence;
	return -1;
}

static int
no_value(const struct conf_opt *o, const char *name, const char *text,
    const char **errp, const char *why)
{
	switch (o->type) {
	case CONF_WORD:
		return no_word(o, name, text, errp);
	case CONF_BOOL:
		return fail(errp, "%s \"%.64s\" is neither yes nor no", name,
		    text);
	case CONF_MODE:
		return fail(errp, "%s \"%.64s\" is no file mode; use an octal "
		    "number from 0 to %04o", name, text, CONF_MODE_MAX);
	default:
		break;
	}
	if (why != NULL)
		return fail(errp, "%s %s", name, why);
	return fail(errp, "%s \"%.64s\" is not a number; use %llu to %llu%s%s",
	    name, text, (unsigned long long)o->min,
	    (unsigned long long)o->max,
	    o->words != NULL ? ", or a name such as " : "",
	    o->words != NULL ? o->words->name : "");
}

static int
no_range(const struct conf_opt *o, const char *name, const char *text,
    const char **errp)
{
	char min[CONF_UNITLEN], max[CONF_UNITLEN];

	return fail(errp, "%s %.64s is out of range; use %s to %s%s", name,
	    text, conf_field_str(o, o->min, min),
	    conf_field_str(o, o->max, max), o->zero ? ", or 0" : "");
}

/* A number in all but its size: negative, or more than fits. */
static bool
overflows(const struct conf_opt *o, const char *text)
{
	const char *digits = text + (*text == '-'), *unit, *err;
	char one[8];
	uint64_t n;

	if (o->type > CONF_SIZE || conf_field_parse(o, text, &n, &err) == 0)
		return false;
	unit = digits + strspn(digits, "0123456789");
	if (unit == digits || strlen(unit) > 4)
		return false;
	snprintf(one, sizeof(one), "1%s", unit);
	return conf_field_parse(o, one, &n, &err) == 0;
}

/* Whether both are one name with a digit: local0 and local7. */
static bool
same_stem(const struct conf_word *a, const struct conf_word *b)
{
	size_t len = strcspn(a->name, "0123456789");

	return a->name[len] != '\0' && b->name != NULL &&
	    strncmp(a->name, b->name, len) == 0;
}

/* Names with a digit are told as a range, and are near to nothing. */
static int
no_word(const struct conf_opt *o, const char *name, const char *text,
    const char **errp)
{
	const struct conf_word *w = o->words;
	struct near near;
	char list[256] = "";

	near_init(&near, text);
	for (; w->name != NULL; w++) {
		if (w != o->words && same_stem(&w[-1], w)) {
			if (same_stem(w, &w[1]))
				continue;
			strlcat(list, " to ", sizeof(list));
			strlcat(list, w->name, sizeof(list));
			continue;
		}
		if (w->name[strcspn(w->name, "0123456789")] == '\0')
			near_try(&near, w->name);
		strlcat(list, w == o->words ? "" :
		    w[1].name == NULL || same_stem(w, &w[1]) ? " or " : ", ",
		    sizeof(list));
		strlcat(list, w->name, sizeof(list));
	}
	return fail(errp, "%s \"%.64s\" is not known; use %s%s", name, text,
	    list, near_hint(&near));
}
