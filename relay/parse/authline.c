#include "compat.h"

#include "parse/authline.h"

#define DIGITS	20	/* of a number, most */

static bool	 plain(char);
static void	 put(struct authline *, const char *, size_t);
static bool	 reply_id(const char **, const char *, uint64_t *);
static bool	 is(const char *, size_t, const char *);
static enum answer reply_relay(const char *, size_t, char *);

void
authline_add(struct authline *l, const char *name, const char *value)
{
	char escaped[4];

	if (value == NULL || strlen(value) > AUTHLINE_VALUE)
		return;
	put(l, " ", 1);
	put(l, name, strlen(name));
	put(l, "=", 1);
	for (; *value != '\0'; value++) {
		if (plain(*value)) {
			put(l, value, 1);
			continue;
		}
		snprintf(escaped, sizeof(escaped), "%%%02X",
		    (unsigned char)*value);
		put(l, escaped, 3);
	}
}

void
authline_number(struct authline *l, const char *name, unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	authline_add(l, name, text);
}

/* What no shell takes for anything else, whatever the locale is. */
static bool
plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("._:,/@+-", c));
}

/* A NUL stands behind the text. */
static void
put(struct authline *l, const char *s, size_t len)
{
	const size_t size = l->size == 0 ? 256 : l->size * 2;
	char *text;

	if (l->len + len + 1 > l->size && !l->failed) {
		if ((text = realloc(l->text, size)) == NULL)
			l->failed = true;
		else {
			l->text = text;
			l->size = size;
		}
	}
	if (l->failed)
		return;
	memcpy(l->text + l->len, s, len);
	l->len += len;
	l->text[l->len] = '\0';
}

int
authline_reply(const char *line, size_t len, struct reply *r)
{
	const char *end = line + len;

	if (!reply_id(&line, end, &r->id))
		return -1;
	len = (size_t)(end - line);
	r->relay[0] = '\0';
	if (is(line, len, "permit"))
		r->answer = ANSWER_PERMIT;
	else if (is(line, len, "deny"))
		r->answer = ANSWER_DENY;
	else
		r->answer = reply_relay(line, len, r->relay);
	return 0;
}

/* "id=17 "; *p is behind it then. */
static bool
reply_id(const char **p, const char *end, uint64_t *id)
{
	static const char word[] = "id=";
	const char *s = *p;
	size_t n;

	if ((size_t)(end - s) < sizeof(word) ||
	    memcmp(s, word, sizeof(word) - 1) != 0)
		return false;
	s += sizeof(word) - 1;
	*id = 0;
	for (n = 0; s < end && *s >= '0' && *s <= '9' && n < DIGITS; n++) {
		if (*id > (UINT64_MAX - 9) / 10)
			return false;
		*id = *id * 10 + (uint64_t)(*s++ - '0');
	}
	if (n == 0 || s == end || *s != ' ')
		return false;
	*p = s + 1;
	return true;
}

static bool
is(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

/* Whether there is such a section is not known here. */
static enum answer
reply_relay(const char *s, size_t len, char *name)
{
	static const char word[] = "relay=";
	const size_t skip = sizeof(word) - 1;
	size_t i;

	if (len <= skip || len - skip >= CONF_NAME ||
	    memcmp(s, word, skip) != 0)
		return ANSWER_UNKNOWN;
	for (i = skip; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return ANSWER_UNKNOWN;
	memcpy(name, s + skip, len - skip);
	name[len - skip] = '\0';
	return ANSWER_RELAY;
}
