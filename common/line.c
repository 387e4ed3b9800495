#include "compat.h"

#include "line.h"
#include "utf8.h"

static bool	 line_json_plain(char);
static const char *line_json_char(const char *, size_t, size_t *, char [8]);

void
line_bytes(struct line *l, const void *bytes, size_t n)
{
	n = MIN(n, l->size - l->len);
	memcpy(l->text + l->len, bytes, n);
	l->len += n;
}

void
line_text(struct line *l, const char *text)
{
	line_bytes(l, text, strlen(text));
}

void
line_byte(struct line *l, char c)
{
	if (l->len < l->size)
		l->text[l->len++] = c;
}

void
line_number(struct line *l, uint64_t n)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	line_bytes(l, p, (size_t)(digits + sizeof(digits) - p));
}

void
line_seconds(struct line *l, uint64_t us)
{
	const uint64_t ms = us / 1000 + (us % 1000 >= 500);
	const char part[] = { '.', (char)('0' + ms / 100 % 10),
	    (char)('0' + ms / 10 % 10), (char)('0' + ms % 10) };

	line_number(l, ms / 1000);
	line_bytes(l, part, sizeof(part));
}

void
line_json(struct line *l, const char *s)
{
	size_t left = strlen(s), used;
	char out[8];

	line_byte(l, '"');
	for (; left > 0; s += used, left -= used) {
		if (line_json_plain(*s)) {
			used = 1;
			line_byte(l, *s);
			continue;
		}
		line_text(l, line_json_char(s, left, &used, out));
	}
	line_byte(l, '"');
}

void
line_json_write(FILE *f, const char *s)
{
	size_t left = strlen(s), used;
	char out[8];

	fputc('"', f);
	for (; left > 0; s += used, left -= used) {
		for (used = 0; line_json_plain(s[used]); used++)
			;
		if (used > 0)
			fwrite(s, 1, used, f);
		else
			fputs(line_json_char(s, left, &used, out), f);
	}
	fputc('"', f);
}

/* It is the same inside of such quotes. */
static bool
line_json_plain(char c)
{
	return (unsigned char)c >= ' ' && (unsigned char)c < 0x7f &&
	    c != '"' && c != '\\';
}

/* One character, n > 0 bytes being left, as it is inside of such quotes; sets
 * *used to its bytes. Returns out. */
static const char *
line_json_char(const char *s, size_t n, size_t *used, char out[8])
{
	const size_t len = utf8_len(s, n);

	*used = MAX(len, 1);
	if (len == 0)
		strlcpy(out, "\\ufffd", 8);
	else if (*s == '"' || *s == '\\')
		snprintf(out, 8, "\\%c", *s);
	else if ((unsigned char)*s < ' ' || *s == 0x7f)
		snprintf(out, 8, "\\u%04x", (unsigned char)*s);
	else {
		memcpy(out, s, len);
		out[len] = '\0';
	}
	return out;
}
