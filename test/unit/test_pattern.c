#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "pattern.h"

#define TEXT	16		/* bytes of a random one, most */
#define PIECES	4000		/* random patterns */

struct hit {
	size_t	start, end;
};

struct hits {
	struct hit	h[TEXT + 1];
	unsigned	n;
};

static unsigned	 rnd(unsigned);
static void	 random_text(char *, size_t);
static void	 random_atom(char *, unsigned);
static void	 random_pattern(char *, unsigned);
static void	 plain(const char *, const char *, size_t, struct hits *);
static void	 pieces(struct pattern *, const char *, size_t, unsigned,
		    struct hits *);
static size_t	 piece(struct pattern *, const struct pattern_view *, size_t,
		    struct hits *);
static void	 same(const char *, const char *, size_t, unsigned,
		    const struct hits *, const struct hits *);
static struct pattern *make(const char *, const char *, size_t, bool);
static void	 try_all(const char *, const char *, size_t, size_t, bool);

static uint32_t	 state;
static bool	 limited;	/* a search took too much */

static unsigned
rnd(unsigned n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

static void
random_text(char *t, size_t len)
{
	while (len-- > 0)
		*t++ = "aaabbbc \n\r"[rnd(10)];
}

/* Adds one to what is at p; deep: it may have others inside. */
static void
random_atom(char *p, unsigned deep)
{
	static const char *const atoms[] = { "a", "b", "c", "ab", "ba", ".",
	    "\\w", "[ab]", "[^a]", "\\s", "\\b", "\\B", "^", "$", "\\A", "\\z",
	    "\\Z", "\\R", "(?<=a)", "(?<!b)", "(?<=ab)", "(?<=(?<=a)b)", "\\K",
	    "(?=b)", "(?!a)", "\\X" };
	static const char *const open[] = { "(", "(?:", "(?|", "(?=", "(?!" };

	if (deep > 0 && rnd(3) == 0) {
		strcat(p, open[rnd(deep < 2 ? 3 : 5)]);
		random_pattern(p, deep - 1);
		strcat(p, ")");
	} else
		strcat(p, atoms[rnd(sizeof(atoms) / sizeof(atoms[0]))]);
}

static void
random_pattern(char *p, unsigned deep)
{
	static const char *const times[] = { "", "", "", "*", "+", "?", "*?",
	    "+?", "*+", "{2}", "{1,3}" };
	unsigned n = 1 + rnd(3);

	while (n-- > 0) {
		random_atom(p, deep);
		strcat(p, times[rnd(sizeof(times) / sizeof(times[0]))]);
		if (n > 0 && rnd(4) == 0)
			strcat(p, "|");
	}
}

/* As PCRE2 finds them in what has come at once. */
static void
plain(const char *text, const char *bytes, size_t len, struct hits *hits)
{
	int error;
	PCRE2_SIZE at, from = 0;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)text,
	    PCRE2_ZERO_TERMINATED, PCRE2_NO_START_OPTIMIZE |
	    PCRE2_ALT_CIRCUMFLEX, &error, &at, NULL);
	pcre2_match_data *m = pcre2_match_data_create_from_pattern(code, NULL);

	hits->n = 0;
	while (pcre2_match(code, (PCRE2_SPTR)bytes, len, from,
	    PCRE2_NOTEMPTY, m, NULL) > 0) {
		hits->h[hits->n].start = pcre2_get_ovector_pointer(m)[0];
		from = pcre2_get_ovector_pointer(m)[1];
		hits->h[hits->n++].end = from;
	}
	pcre2_match_data_free(m);
	pcre2_code_free(code);
}

/* As they are found if a piece ends before each byte whose bit is set. */
static void
pieces(struct pattern *p, const char *bytes, size_t len, unsigned cuts,
    struct hits *hits)
{
	struct pattern_view v;
	size_t decided = 0, first, n;
	char *copy;

	hits->n = 0;
	for (n = 1; n <= len; n++) {
		if (n != len && (cuts & 1U << n) == 0)
			continue;
		/* What may not be seen is not there. */
		first = decided - MIN(decided, pattern_behind(p));
		copy = malloc(n - first);
		memcpy(copy, bytes + first, n - first);
		v = (struct pattern_view){ .text = copy, .len = n - first,
		    .from = decided - first, .last = n == len };
		decided = first + piece(p, &v, first, hits);
		free(copy);
	}
}

/* Returns up to where all is decided. */
static size_t
piece(struct pattern *p, const struct pattern_view *view, size_t first,
    struct hits *hits)
{
	struct pattern_view v = *view;
	enum pattern_found found;
	size_t start, end;

	while ((found = pattern_find(p, &v, &start, &end)) == PATTERN_MATCH ||
	    found == PATTERN_MORE) {
		v.from = found == PATTERN_MORE ? start : end;
		if (found == PATTERN_MORE)
			continue;
		assert_true(start < end && end <= v.len);
		hits->h[hits->n].start = first + start;
		hits->h[hits->n++].end = first + end;
	}
	limited |= found == PATTERN_LIMIT;
	assert_true(limited || found == PATTERN_NONE || !v.last);
	return start;
}

static void
same(const char *text, const char *bytes, size_t len, unsigned cuts,
    const struct hits *a, const struct hits *b)
{
	char printed[4 * TEXT + 1];
	size_t i;

	if (a->n == b->n && memcmp(a->h, b->h, a->n * sizeof(a->h[0])) == 0)
		return;
	for (i = 0; i < len; i++)
		snprintf(printed + 4 * i, 5, "\\x%02x", (uint8_t)bytes[i]);
	fail_msg("\"%s\" on \"%.*s\", cuts 0x%x: %u and %u matches", text,
	    (int)len * 4, printed, cuts, a->n, b->n);
}

static struct pattern *
make(const char *text, const char *with, size_t window, bool fast)
{
	const char *err;
	bool in_with;
	char full[600];
	struct pattern *p;

	snprintf(full, sizeof(full), "%s%s", fast ? "" : "(*NO_JIT)", text);
	p = pattern_new(full, with, window, &in_with, &err);
	if (p != NULL)
		pattern_ready(p);
	return p;
}

static void
try_all(const char *text, const char *bytes, size_t len, size_t window,
    bool fast)
{
	struct pattern *p = make(text, NULL, window, fast);
	struct hits once, split;
	unsigned cuts;

	if (p == NULL)		/* a random one may make no sense */
		return;
	limited = false;
	pieces(p, bytes, len, 0, &once);
	if (window > len && !limited) {
		plain(text, bytes, len, &split);
		same(text, bytes, len, 0, &once, &split);
	}
	for (cuts = 0; cuts < 1U << len; cuts += 2) {
		if (len > 8 && rnd(1U << (len - 8)) != 0)
			continue;
		pieces(p, bytes, len, cuts, &split);
		if (limited)
			break;
		same(text, bytes, len, cuts, &once, &split);
	}
	pattern_free(&p);
}

static void
test_any_pieces(void **unused)
{
	char text[512], bytes[TEXT];
	unsigned i;
	size_t len;

	(void)unused;
	for (i = 0; i < PIECES; i++) {
		state = i;
		snprintf(text, sizeof(text), "%s", (const char *const[]){ "",
		    "", "(?i)", "(?s)", "(?m)", "(?ms)" }[rnd(6)]);
		random_pattern(text, 2);
		len = rnd(4) == 0 ? rnd(TEXT) : rnd(9);
		random_text(bytes, len);
		try_all(text, bytes, len, TEXT + 1, i % 2 != 0);
		try_all(text, bytes, len, 1 + rnd(TEXT), i % 2 == 0);
	}
}

static void
test_places(void **unused)
{
	(void)unused;
	try_all("^b|\\Aa", "ab\nb", 4, 32, true);
	try_all("b$|b\\z", "ab\nb", 4, 32, true);
	try_all("(?m)^b$", "b\nbb\nb", 6, 32, true);
	try_all("\\bab\\b", "ab abb a", 8, 32, true);
	try_all("(?<=\\Aab)c", "abcabc", 6, 32, true);
	try_all("c(?<=abc)x", "abcx abc", 8, 32, true);
	try_all("(?<=a(?<=ba))c", "bacaac", 6, 32, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
