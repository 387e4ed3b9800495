#include "compat.h"

#include <ctype.h>

#include "conf/int.h"

struct conf_unit {
	const char	*name;
	uint64_t	 factor;
};

static char	*conf_unit_str(uint64_t, const struct conf_unit *, char *);
static int	 conf_unit_of(const char *, uint64_t *,
		    const struct conf_unit *, const char *, const char **);
static const struct conf_unit
		*conf_unit_find(const struct conf_unit *, const char *);

/* Largest first: the first that divides a number prints it. */
static const struct conf_unit durations[] = {
	{ "d", 86400 * 1000 },
	{ "h", 3600 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ NULL, 1000 }
};

static const struct conf_unit sizes[] = {
	{ "g", 1 << 30 },
	{ "m", 1 << 20 },
	{ "k", 1 << 10 },
	{ "G", 1 << 30 },
	{ "M", 1 << 20 },
	{ "K", 1 << 10 },
	{ NULL, 1 }
};

char *
conf_duration_str(uint64_t ms, char buf[CONF_UNITLEN])
{
	return conf_unit_str(ms, durations, buf);
}

char *
conf_size_str(uint64_t bytes, char buf[CONF_UNITLEN])
{
	return conf_unit_str(bytes, sizes, buf);
}

static char *
conf_unit_str(uint64_t value, const struct conf_unit *unit, char *buf)
{
	if (value == 0) {
		strlcpy(buf, "0", CONF_UNITLEN);
		return buf;
	}
	while (unit->name != NULL && value % unit->factor != 0)
		unit++;
	snprintf(buf, CONF_UNITLEN, "%llu%s",
	    (unsigned long long)(value / unit->factor),
	    unit->name == NULL ? "" : unit->name);
	return buf;
}

int
conf_duration_of(const char *text, uint64_t *ms, const char **errp)
{
	return conf_unit_of(text, ms, durations, "a time; use a number and "
	    "ms, s, m, h or d; a bare number is seconds", errp);
}

int
conf_size_of(const char *text, uint64_t *bytes, const char **errp)
{
	return conf_unit_of(text, bytes, sizes, "a size; use a number and "
	    "k, m or g; a bare number is bytes", errp);
}

static int
conf_unit_of(const char *text, uint64_t *value, const struct conf_unit *units,
    const char *what, const char **errp)
{
	static char error[256];
	const struct conf_unit *unit;
	const char *end;

	if (conf_units_number(text, value, &end) == -1) {
		unit = NULL;
		if (isdigit((unsigned char)*text))
			end = NULL;
	} else
		unit = conf_unit_find(units, end);
	if (end != NULL && unit == NULL) {
		snprintf(error, sizeof(error), "\"%.64s\" is not %s", text,
		    what);
		*errp = error;
		return -1;
	}
	if (end == NULL || *value > UINT64_MAX / unit->factor) {
		snprintf(error, sizeof(error), "%.64s is too much", text);
		*errp = error;
		return -1;
	}
	*value *= unit->factor;
	return 0;
}

/* The empty name is the last entry, the unit of a bare number. */
static const struct conf_unit *
conf_unit_find(const struct conf_unit *unit, const char *name)
{
	for (; unit->name != NULL; unit++)
		if (strcmp(unit->name, name) == 0)
			return unit;
	return *name == '\0' ? unit : NULL;
}

int
conf_units_number(const char *text, uint64_t *value, const char **end)
{
	unsigned long long n;

	*end = text + strspn(text, "0123456789");
	if (*end == text)
		return -1;
	errno = 0;
	n = strtoull(text, NULL, 10);
	if (errno == ERANGE)
		return -1;
	*value = n;
	return 0;
}
