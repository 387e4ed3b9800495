#include "compat.h"

#include <err.h>

#include "rec.h"
#include "utf8.h"

static char	*rec_append(char *, const char *);
static bool	 rec_name(const char *);

int
rec_parse(char *line, struct rec *r)
{
	char *field, *value;

	memset(r, 0, sizeof(*r));
	field = strsep(&line, "\t");
	if (field == NULL || field[0] == '\0' || field[1] != '\0')
		return -1;
	r->kind = *field;
	while (r->n < REC_FIELDS && (field = strsep(&line, "\t")) != NULL) {
		if ((value = strchr(field, '=')) == NULL)
			return -1;
		*value++ = '\0';
		if (!rec_name(field) || rec_get(r, field) != NULL)
			return -1;
		utf8_clean(value, strlen(value));
		r->fields[r->n].name = field;
		r->fields[r->n++].value = value;
	}
	return line == NULL ? 0 : -1;
}

/* As keys of JSON need not be looked at again. */
static bool
rec_name(const char *s)
{
	return *s != '\0' &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

const char *
rec_get(const struct rec *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->fields[i].name, name) == 0)
			return r->fields[i].value;
	return NULL;
}

uint64_t
rec_number(const struct rec *r, const char *name)
{
	const char *value = rec_get(r, name), *why;
	long long n;

	if (value == NULL)
		return 0;
	n = strtonum(value, 0, INT64_MAX, &why);
	return why == NULL ? (uint64_t)n : 0;
}

char *
rec_line(const struct rec *r)
{
	size_t i, len = 2;
	char *line, *p;

	for (i = 0; i < r->n; i++)
		len += strlen(r->fields[i].name) + 2 +
		    strlen(r->fields[i].value);
	if ((line = malloc(len)) == NULL)
		err(1, "sessions");
	p = line;
	*p++ = r->kind;
	for (i = 0; i < r->n; i++) {
		p = rec_append(rec_append(p, "\t"), r->fields[i].name);
		p = rec_append(rec_append(p, "="), r->fields[i].value);
	}
	*p = '\0';
	return line;
}

static char *
rec_append(char *p, const char *text)
{
	const size_t n = strlen(text);

	memcpy(p, text, n);
	return p + n;
}
