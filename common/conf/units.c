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
static int	 conf_share_fail(const char *, const char *, const char **);
static const char *conf_share_digits(const char *, uint64_t *, int *);

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

/* Billionths, without the zeros behind the last other digit. */
char *
conf_share_str(uint64_t parts, char buf[CONF_UNITLEN])
{
	char *end;

	snprintf(buf, CONF_UNITLEN, "%llu.%09llu",
	    (unsigned long long)(parts / CONF_WHOLE),
	    (unsigned long long)(parts % CONF_WHOLE));
	end = buf + strlen(buf);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
	return buf;
}

int
conf_share_of(const char *text, uint64_t *parts, const char **errp)
{
	uint64_t less = 0, n;
	int places = 9;
	const char *end = conf_share_digits(text, &n, &places);

	if (end == NULL)
		return conf_share_fail(text, "is not a share; use a number "
		    "such as 0.5 or 1e-6", errp);
	if (*end == 'e' && (end[1] != '-' ||
	    conf_units_number(end + 2, &less, &end) == -1 || less > 9))
		return conf_share_fail(text, "is not a share from 1e-9 to 1",
		    errp);
	if (*end != '\0')
		return conf_share_fail(text, "is not a share; use a number "
		    "such as 0.5 or 1e-6", errp);
	for (places -= (int)less; places > 0; places--)
		n *= 10;
	for (; places < 0 && n % 10 == 0; places++)
		n /= 10;
	*parts = n;
	return places == 0 ? 0 : conf_share_fail(text, "is finer than 1e-9",
	    errp);
}

/* Digits with a point: the number without it, and how many places of *places
 * are left. NULL: there is none, or it has too many of them. */
static const char *
conf_share_digits(const char *text, uint64_t *n, int *places)
{
	const char *p = text;
	bool point = false;

	for (*n = 0; isdigit((unsigned char)*p) || (*p == '.' && !point &&
	    p > text); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		if (*n >= (uint64_t)CONF_WHOLE || *places == -9)
			return NULL;
		*n = *n * 10 + (uint64_t)(*p - '0');
		*places -= point;
	}
	return p > text && p[-1] != '.' ? p : NULL;
}

static int
conf_share_fail(const char *text, const char *what, const char **errp)
{
	static char error[128];

	snprintf(error, sizeof(error), "\"%.64s\" %s", text, what);
	*errp = error;
	return -1;
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
