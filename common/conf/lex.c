#include "compat.h"

#include <ctype.h>
#include <limits.h>

#include "conf/lex.h"

#define LEX_TOKEN	65536	/* bytes of one string */
/* libconfuse's word: anything but these. */
#define LEX_WORD_ENDS	" #\"'\t\n\r={}()+,*"

static int	 lex_fail(struct lex *, unsigned, const char *, ...)
		    printf_like(3, 4);
static int	 lex_bad(struct lex *, struct token *, const char *);
static int	 lex_space(struct lex *);
static int	 lex_comment(struct lex *);
static int	 lex_symbol(struct lex *, struct token *);
static int	 lex_word(struct lex *, struct token *);
static const char
		*lex_word_end(const struct lex *, const char *,
		    const char *);
static int	 lex_quoted(struct lex *, struct token *);
static int	 lex_escape(struct lex *, struct token *, const char *);
static int	 lex_variable(struct lex *, struct token *, const char *,
		    const char **);
static bool	 lex_left(const struct lex *, const char *, size_t);

static int
lex_fail(struct lex *l, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_text_vmistake(l->text, line, fmt, ap);
	va_end(ap);
	return -1;
}

/* What makes no sense stands for a value that nobody knows. */
static int
lex_bad(struct lex *l, struct token *tok, const char *end)
{
	tok->type = TOKEN_STRING;
	tok->quote = '"';
	tok->len = 0;
	tok->unset = true;
	l->src->p = end;
	return 0;
}

void
conf_lex_start(struct input *src, const char *name, unsigned file,
    const char *p, size_t len)
{
	src->name = name;
	src->file = file;
	src->line = 1;
	src->p = p;
	src->end = p + len;
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		src->p += 3;
}

int
conf_lex_next(struct lex *l, struct token *tok)
{
	struct input *src = l->src;
	int rc;

	if (l->nback > 0) {
		*tok = l->back[--l->nback];
		return 0;
	}
	memset(tok, 0, sizeof(*tok));
	if (lex_space(l) == -1)
		return -1;
	tok->line = src->line;
	tok->flat = conf_text_sync(l->text, src->file, src->line);
	if (l->text->nomem)
		return -1;
	if (src->p == src->end) {
		tok->type = TOKEN_END;
		return 0;
	}
	tok->s = src->p;
	if (*src->p == '"' || *src->p == '\'')
		rc = lex_quoted(l, tok);
	else if (strchr("{}(),=+*", *src->p) != NULL)
		rc = lex_symbol(l, tok);
	else
		rc = lex_word(l, tok);
	if (rc == 0 && tok->len > LEX_TOKEN)
		return lex_fail(l, tok->flat,
		    "a value is longer than %d bytes", CONF_VALUE_MAX);
	return rc;
}

void
conf_lex_back(struct lex *l, const struct token *tok)
{
	l->back[l->nback++] = *tok;
}

static int
lex_space(struct lex *l)
{
	struct input *src = l->src;

	for (; src->p < src->end; src->p++) {
		if (*src->p == '\n')
			src->line++;
		else if (*src->p == '#' || lex_left(l, "//", 2) ||
		    lex_left(l, "/*", 2)) {
			if (lex_comment(l) == -1)
				return -1;
		} else if (strchr(" \t\r", *src->p) == NULL ||
		    *src->p == '\0')
			break;
	}
	if (src->p < src->end && *src->p == '\0')
		return lex_fail(l,
		    conf_text_sync(l->text, src->file, src->line),
		    "the file has a NUL byte; it is no text");
	return 0;
}

/* Leaves p at the last byte of the comment. */
static int
lex_comment(struct lex *l)
{
	struct input *src = l->src;
	unsigned start;

	if (!lex_left(l, "/*", 2)) {
		while (src->p + 1 < src->end && src->p[1] != '\n')
			src->p++;
		return 0;
	}
	start = conf_text_sync(l->text, src->file, src->line);
	for (src->p += 2; src->p < src->end; src->p++) {
		if (lex_left(l, "*/", 2)) {
			src->p++;
			return 0;
		}
		src->line += *src->p == '\n';
	}
	return lex_fail(l, start, "the comment is never closed");
}

static int
lex_symbol(struct lex *l, struct token *tok)
{
	static const char symbols[] = "{}(),=";
	static const enum token_type types[] = {
		TOKEN_OPEN, TOKEN_CLOSE, TOKEN_LPAREN, TOKEN_RPAREN,
		TOKEN_COMMA, TOKEN_ASSIGN
	};
	const char *found;

	tok->len = 1;
	if ((found = strchr(symbols, *l->src->p)) != NULL)
		tok->type = types[found - symbols];
	else if (lex_left(l, "+=", 2)) {
		tok->type = TOKEN_APPEND;
		tok->len = 2;
	} else {
		lex_fail(l, tok->flat,
		    "\"%c\" must be in quotes to be part of a value",
		    *l->src->p);
		return lex_bad(l, tok, lex_word_end(l, tok->s, " \t\r\n},"));
	}
	l->src->p += tok->len;
	return 0;
}

static int
lex_word(struct lex *l, struct token *tok)
{
	struct input *src = l->src;
	const char *end = src->p;

	tok->type = TOKEN_STRING;
	if (lex_left(l, "${", 2)) {
		if (lex_variable(l, tok, src->p, &end) == -1)
			return lex_bad(l, tok, lex_word_end(l, end, "\n"));
	} else {
		end = lex_word_end(l, end, LEX_WORD_ENDS);
		if (end[-1] == '$' && end < src->end && *end == '{') {
			lex_fail(l, tok->flat, "a variable inside a "
			    "word needs double quotes around the word");
			return lex_bad(l, tok, lex_word_end(l, end,
			    " \t\r\n"));
		}
	}
	tok->len = end - src->p;
	src->p = end;
	return 0;
}

/* The first of these at p or behind it, or where no text is any more. */
static const char *
lex_word_end(const struct lex *l, const char *p, const char *ends)
{
	while (p < l->src->end && *p != '\0' && strchr(ends, *p) == NULL)
		p++;
	return p;
}

static int
lex_quoted(struct lex *l, struct token *tok)
{
	struct input *src = l->src;
	const char *p;
	bool bad = false;

	tok->type = TOKEN_STRING;
	tok->quote = *src->p;
	tok->s = src->p + 1;
	/* No value has lines: what goes on behind one was never closed. */
	for (p = tok->s; p < src->end && *p != tok->quote && *p != '\n'; p++) {
		if (*p == '\\' && p + 1 < src->end && p[1] != '\0') {
			bad |= tok->quote == '"' &&
			    lex_escape(l, tok, p) == -1;
			src->line += *++p == '\n';
		} else if (tok->quote == '"' && *p == '$' &&
		    p + 1 < src->end && p[1] == '{') {
			if (lex_variable(l, tok, p, &p) == -1)
				bad = true;
			else
				p--;
		} else if (*p == '\0')
			return lex_fail(l, tok->flat,
			    "the file has a NUL byte; it is no text");
	}
	if (p == src->end || *p == '\n') {
		if (!bad)
			lex_fail(l, tok->flat, "the string that starts here "
			    "is not closed on its line");
		return lex_bad(l, tok, p);
	}
	if (bad)
		return lex_bad(l, tok, p + 1);
	tok->len = p - tok->s;
	src->p = p + 1;
	return 0;
}

/* What libconfuse stops at, and what would cut the string short. */
static int
lex_escape(struct lex *l, struct token *tok, const char *p)
{
	const char *start = ++p, *end = l->src->end;
	char *stop, digits[4];
	unsigned long value;
	bool hex = *p == 'x';
	size_t len;

	for (p += hex; p < end && isdigit((unsigned char)*p); p++)
		continue;
	while (hex && p < end && isxdigit((unsigned char)*p))
		p++;
	len = p - start - hex;
	if (len == 0)
		return 0;
	if (hex && len > 2)
		len = 2;
	snprintf(digits, sizeof(digits), "%.*s", (int)MIN(len, 3),
	    start + hex);
	value = strtoul(digits, &stop, hex ? 16 : 8);
	if (len <= 3 && *stop == '\0' && value > 0 && value <= 0xff)
		return 0;
	return lex_fail(l, tok->flat, "\"\\%.*s\" is no character; use "
	    "\"\\1\" to \"\\377\" or \"\\x01\" to \"\\xff\"",
	    (int)MIN(len + hex, 8), start);
}

/* p is at "${"; *end becomes the byte behind "}". */
static int
lex_variable(struct lex *l, struct token *tok, const char *p,
    const char **end)
{
	const char *name = p + 2, *q;
	size_t len;
	bool set;

	for (q = name; q < l->src->end && *q != '}'; q++)
		if (*q == '\n' || *q == '\0')
			break;
	if (q == l->src->end || *q != '}')
		return lex_fail(l, tok->flat,
		    "\"${\" is not followed by a name and \"}\"");
	*end = q + 1;
	for (len = 0; isalnum((unsigned char)name[len]) || name[len] == '_';)
		len++;
	if (len == 0 || isdigit((unsigned char)*name) || (name[len] != '}' &&
	    !(name[len] == ':' && name[len + 1] == '-')))
		return lex_fail(l, tok->flat, "\"${%.*s}\" is no variable; "
		    "write ${NAME} or ${NAME:-DEFAULT}",
		    (int)MIN(q - name, 64), name);
	if (l->skip > 0)
		return 0;
	conf_lex_value(name, q - name, &set);
	if (!set) {
		tok->unset = true;
		conf_text_mistake(l->text, tok->flat, "the variable \"%.*s\" "
		    "is not set; set it, or write ${%.*s:-DEFAULT}",
		    (int)MIN(len, 64), name, (int)MIN(len, 64), name);
	}
	return 0;
}

const char *
conf_lex_value(const char *text, size_t len, bool *set)
{
	static char buf[PATH_MAX];
	const char *value;
	char *colon;

	snprintf(buf, sizeof(buf), "%.*s", (int)MIN(len, sizeof(buf) - 1),
	    text);
	if ((colon = strstr(buf, ":-")) != NULL)
		*colon = '\0';
	value = getenv(buf);
	*set = value != NULL || colon != NULL;
	if (value == NULL)
		value = colon == NULL ? "" : colon + 2;
	return value;
}

/* Whether text stands at p. */
static bool
lex_left(const struct lex *l, const char *text, size_t len)
{
	return (size_t)(l->src->end - l->src->p) >= len &&
	    memcmp(l->src->p, text, len) == 0;
}
