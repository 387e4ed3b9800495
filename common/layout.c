#include "compat.h"

#include "conf/near.h"
#include "layout.h"

static int	 parse_field(struct layout_part *, const char **,
		    const char **);
static int	 parse_how(struct layout_part *, const char *, size_t,
		    const char **);
static int	 unknown(const char *, size_t, const char **);
static void	 print_field(struct line *, const struct layout_part *,
		    const char *);
static void	 print_quoted(struct line *, const char *);
static void	 print_ms(struct line *, const char *);

static const char *const hows[] = {
	[LAYOUT_QUOTED] = "quoted", [LAYOUT_JSON] = "json", [LAYOUT_MS] = "ms"
};
static char why[192];

int
layout_parse(struct layout *l, const char *text, const char **errp)
{
	struct layout_part *part;

	for (l->n = 0; *text != '\0'; l->n++) {
		if (l->n == LAYOUT_PARTS) {
			snprintf(why, sizeof(why), "has more than %d parts",
			    LAYOUT_PARTS);
			*errp = why;
			return -1;
		}
		part = &l->parts[l->n];
		part->text = text;
		part->field = FIELD_NONE;
		while (*text != '\0' && *text != '%')
			text++;
		part->len = (uint16_t)(text - part->text);
		if (*text == '\0')
			continue;
		if (text[1] == '%') {	/* one of the two is text */
			part->len++;
			text += 2;
		} else if (parse_field(part, &text, errp) == -1)
			return -1;
	}
	return 0;
}

static int
parse_field(struct layout_part *part, const char **text, const char **errp)
{
	const char *name = *text + 2, *end;
	size_t len;

	if ((*text)[1] != '{' || (end = strchr(name, '}')) == NULL) {
		*errp = "has a \"%\" without a name; write %{field}, or %% for "
		    "one \"%\"";
		return -1;
	}
	len = strcspn(name, ":}");
	*text = end + 1;
	if ((part->field = (uint8_t)field_of(name, len)) == FIELD_NONE)
		return unknown(name, len, errp);
	part->how = LAYOUT_PLAIN;
	return name[len] == '}' ? 0 : parse_how(part, name + len + 1,
	    (size_t)(end - name) - len - 1, errp);
}

static int
parse_how(struct layout_part *part, const char *word, size_t len,
    const char **errp)
{
	size_t i;

	for (i = LAYOUT_QUOTED; i < nitems_of(hows); i++)
		if (strlen(hows[i]) == len && memcmp(hows[i], word, len) == 0)
			part->how = (uint8_t)i;
	if (part->how == LAYOUT_MS &&
	    field_rows[part->field].kind != FIELD_SECONDS) {
		snprintf(why, sizeof(why), "has %%{%s:ms}, and that is no time "
		    "that something took", field_rows[part->field].name);
		*errp = why;
		return -1;
	}
	if (part->how != LAYOUT_PLAIN)
		return 0;
	snprintf(why, sizeof(why), "has \":%.*s\" behind a field, which is "
	    "nothing; use :quoted, :json or :ms", (int)MIN(len, 20), word);
	*errp = why;
	return -1;
}

static int
unknown(const char *name, size_t len, const char **errp)
{
	char word[24];
	struct near near;
	unsigned i;

	snprintf(word, sizeof(word), "%.*s", (int)MIN(len, 23), name);
	near_init(&near, word);
	for (i = 0; i < FIELD_NONE; i++)
		near_try(&near, field_rows[i].name);
	snprintf(why, sizeof(why), "has \"%s\", which is no field%s", word,
	    near_hint(&near));
	*errp = why;
	return -1;
}

void
layout_print(struct line *l, const struct layout *layout,
    const struct record *r)
{
	const struct layout_part *p;

	for (p = layout->parts; p < layout->parts + layout->n; p++) {
		line_bytes(l, p->text, p->len);
		if (p->field != FIELD_NONE)
			print_field(l, p, r->value[p->field]);
	}
}

static void
print_field(struct line *l, const struct layout_part *p, const char *value)
{
	if (p->how == LAYOUT_JSON)
		layout_json(l, p->field, value);
	else if (value == NULL)
		line_byte(l, '-');
	else if (p->how == LAYOUT_QUOTED)
		print_quoted(l, value);
	else if (p->how == LAYOUT_MS)
		print_ms(l, value);
	else
		line_text(l, value);
}

static void
print_quoted(struct line *l, const char *s)
{
	line_byte(l, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			line_byte(l, '\\');
		line_byte(l, *s);
	}
	line_byte(l, '"');
}

static void
print_ms(struct line *l, const char *seconds)
{
	uint64_t us;

	if (fields_us(seconds, &us))
		line_number(l, us / 1000);
	else
		line_byte(l, '-');
}

/* "-" is how a text says that there is none. */
void
layout_json(struct line *l, enum field f, const char *value)
{
	if (value == NULL || strcmp(value, "-") == 0)
		line_text(l, "null");
	else if (field_rows[f].kind == FIELD_NUMBER ||
	    field_rows[f].kind == FIELD_SECONDS)
		line_text(l, value);
	else
		line_json(l, value);
}
