#include "compat.h"

#include "fields.h"
#include "utf8.h"

static void	 begin_field(struct line *, enum field);
static void	 take_field(struct record *, char *, size_t);
static bool	 is_good(enum field_kind, const char *);

#define X(code, name, kind, text)	{ name, FIELD_##kind, text },
const struct field_row field_rows[FIELD_NONE] = { FIELDS(X) };
#undef X

enum field
field_of(const char *name, size_t len)
{
	unsigned i;

	for (i = 0; i < FIELD_NONE; i++)
		if (strncmp(field_rows[i].name, name, len) == 0 &&
		    field_rows[i].name[len] == '\0')
			break;
	return (enum field)i;
}

void
fields_begin(struct line *l, int level, const char *event)
{
	line_byte(l, '<');
	line_byte(l, (char)('0' + level));
	line_byte(l, '>');
	line_byte(l, FIELDS_MARK);
	line_text(l, event);
}

static void
begin_field(struct line *l, enum field f)
{
	line_byte(l, FIELDS_NEXT);
	line_text(l, field_rows[f].name);
	line_byte(l, '=');
}

/* Nothing in a value makes another field of it. */
void
fields_text(struct line *l, enum field f, const char *text)
{
	size_t i;

	begin_field(l, f);
	i = l->len;
	line_text(l, text);
	for (; i < l->len; i++)
		if (l->text[i] == FIELDS_MARK || l->text[i] == FIELDS_NEXT)
			l->text[i] = '?';
}

void
fields_word(struct line *l, enum field f, const char *text)
{
	begin_field(l, f);
	for (; *text != '\0'; text++)
		line_byte(l, *text > ' ' && *text <= '~' ? *text : '?');
}

void
fields_number(struct line *l, enum field f, uint64_t n)
{
	begin_field(l, f);
	line_number(l, n);
}

void
fields_seconds(struct line *l, enum field f, uint64_t us)
{
	begin_field(l, f);
	line_seconds(l, us);
}

bool
fields_read(struct record *r, char *packet, size_t n)
{
	char *end = packet + n, *next;

	memset(r, 0, sizeof(*r));
	if (n == 0 || *packet++ != FIELDS_MARK)
		return false;
	*end = '\0';
	for (r->event = NULL; packet <= end; packet = next + 1) {
		next = memchr(packet, FIELDS_NEXT, (size_t)(end - packet));
		if (next == NULL)
			next = end;
		*next = '\0';
		utf8_clean(packet, (size_t)(next - packet));
		if (r->event == NULL)
			r->event = packet;
		else
			take_field(r, packet, (size_t)(next - packet));
	}
	return true;
}

static void
take_field(struct record *r, char *text, size_t len)
{
	const char *is = memchr(text, '=', len);
	enum field f;

	if (is == NULL)
		return;
	f = field_of(text, (size_t)(is - text));
	if (f != FIELD_NONE && is_good(field_rows[f].kind, is + 1))
		r->value[f] = is + 1;
}

/* What is said to be a number is one. */
static bool
is_good(enum field_kind kind, const char *value)
{
	const size_t n = strspn(value, "0123456789");

	switch (kind) {
	case FIELD_TEXT:
	case FIELD_QUOTED:
		return true;
	case FIELD_NUMBER:
		return n > 0 && n <= 20 && value[n] == '\0' &&
		    (n == 1 || *value != '0');
	default:
		return n > 0 && n <= 20 && value[n] == '.' &&
		    (n == 1 || *value != '0') &&
		    strspn(value + n + 1, "0123456789") == 3 &&
		    value[n + 4] == '\0';
	}
}

bool
fields_us(const char *seconds, uint64_t *us)
{
	char *point;
	uint64_t whole;

	*us = 0;
	if (seconds == NULL || !is_good(FIELD_SECONDS, seconds))
		return false;
	whole = strtoull(seconds, &point, 10);
	if (whole > UINT32_MAX)
		return false;
	*us = whole * 1000000 + strtoull(point + 1, NULL, 10) * 1000;
	return true;
}

void
fields_print(struct line *l, const struct record *r, bool tcp)
{
	const char *gap = "", *quote;
	unsigned i;

	if (strcmp(r->event, "session") != 0) {
		line_text(l, r->event);
		gap = ": ";
	}
	for (i = 0; i < FIELD_NONE; i++) {
		if (r->value[i] == NULL || !(field_rows[i].text ||
		    (tcp && field_is_tcp((enum field)i))))
			continue;
		quote = field_rows[i].kind == FIELD_QUOTED ? "\"" : "";
		line_text(l, gap);
		line_text(l, field_rows[i].name);
		line_byte(l, '=');
		line_text(l, quote);
		line_text(l, r->value[i]);
		line_text(l, quote);
		gap = " ";
	}
}
