#include "compat.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "pattern.h"

#define BEHIND_MIN	2	/* of "^" behind a line's end of two bytes */
#define SPAN		4096	/* searched at once, beside two windows */
#define STEPS		10000	/* of a search that begins at one place */
#define WINDOW_STEPS	4	/* more for each byte of the window */
#define HEAP		1024	/* KiB */
#define STACK_MIN	32768	/* bytes, of compiled patterns */
#define STACK_MAX	262144
#define TURN_TRIES	64	/* searches of one call */

struct pattern {
	pcre2_code		*code;	/* for what may go on */
	pcre2_code		*tail;	/* for the end of a direction */
	pcre2_match_data	*match;
	pcre2_match_context	*context;
	pcre2_jit_stack		*stack;
	char			*with;
	size_t			 window;
	size_t			 behind;
	bool			 newlines; /* it may take "\r\n" as one */
	/* The search that has found the last match. */
	const pcre2_code	*used;
	const char		*text;
	size_t			 len;
	size_t			 from;
};

static bool	 compile(struct pattern *, const char *, const char **);
static pcre2_code *compile_with(const char *, const char *, int *,
		    PCRE2_SIZE *);
static const char *sentence(int, size_t);
static const char *unfit(const char *);
static bool	 escapes(const char *, const char *);
static const char *check_with(const char *, const char *);
static bool	 make(struct pattern *);
static size_t	 whole(const struct pattern *, const struct pattern_view *,
		    size_t);
static size_t	 span_end(const struct pattern *, const struct pattern_view *,
		    size_t, size_t);
static int	 look(struct pattern *, const struct pattern_view *, size_t,
		    size_t);
static int	 search(struct pattern *, const pcre2_code *, const char *,
		    size_t, size_t, bool);
static bool	 certain(struct pattern *, const struct pattern_view *, size_t);

struct pattern *
pattern_new(const char *text, const char *with, size_t window, bool *in_with,
    const char **errp)
{
	struct pattern *p;
	uint32_t behind = 0;

	*in_with = false;
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		*errp = strerror(errno);
		return NULL;
	}
	p->window = window;
	p->newlines = escapes(text, "RX");
	if (!compile(p, text, errp))
		goto fail;
	pcre2_pattern_info(p->code, PCRE2_INFO_MAXLOOKBEHIND, &behind);
	p->behind = behind + BEHIND_MIN;
	if (p->behind > PATTERN_BEHIND) {
		*errp = "looks further behind than 4094 bytes";
		goto fail;
	}
	if (with != NULL && (*errp = check_with(text, with)) != NULL) {
		*in_with = true;
		goto fail;
	}
	*errp = strerror(ENOMEM);
	if (make(p) && (with == NULL || (p->with = strdup(with)) != NULL))
		return p;
fail:
	pattern_free(&p);
	return NULL;
}

/*
 * A direction is bytes, whatever they stand for. What looks behind keeps PCRE2
 * from two mistakes: the interpreter does not take "(?s).{2}" at the end of a
 * piece for the beginning of a match, and a last byte that "(?=b)b?b" is
 * thought to need is looked for behind the first, where nothing can follow.
 */
static bool
compile(struct pattern *p, const char *text, const char **errp)
{
	PCRE2_SIZE at;
	int error;

	if ((*errp = unfit(text)) != NULL)
		return false;
	p->code = compile_with(text, "", &error, &at);
	if (p->code != NULL)
		p->tail = compile_with(text, "\\E|(?<=[\\s\\S])(*FAIL)",
		    &error, &at);
	if (p->tail == NULL)
		*errp = sentence(error, at);
	return p->tail != NULL;
}

/* With something behind it. */
static pcre2_code *
compile_with(const char *text, const char *more, int *error, PCRE2_SIZE *at)
{
	pcre2_code *code = NULL;
	char *both;

	*error = PCRE2_ERROR_NOMEMORY;
	*at = 0;
	if (asprintf(&both, "%s%s", text, more) == -1)
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)both, PCRE2_ZERO_TERMINATED,
	    PCRE2_NEVER_UTF | PCRE2_ALT_CIRCUMFLEX, error, at, NULL);
	free(both);
	return code;
}

static const char *
sentence(int error, size_t at)
{
	static char text[256];
	PCRE2_UCHAR why[160];

	pcre2_get_error_message(error, why, sizeof(why));
	snprintf(text, sizeof(text), "is wrong at offset %zu: %s", at,
	    (const char *)why);
	return text;
}

/* What stands for where a search begins depends on how the bytes come. */
static const char *
unfit(const char *text)
{
	if (escapes(text, "G"))
		return "has \\G, which means nothing in a stream";
	return strstr(text, "(*COMMIT") != NULL ? "has (*COMMIT), which means "
	    "nothing in a stream" : NULL;
}

/* Is there a backslash before one of these? */
static bool
escapes(const char *text, const char *which)
{
	for (; (text = strchr(text, '\\')) != NULL && text[1] != '\0';
	    text += 2)
		if (strchr(which, text[1]) != NULL)
			return true;
	return false;
}

/* With all groups, none of which is set. */
static const char *
check_with(const char *text, const char *with)
{
	PCRE2_SIZE room = PATTERN_TEXT, at;
	PCRE2_UCHAR *out = malloc(room);
	int error;
	pcre2_code *code = compile_with(text, "\\E\n|", &error, &at);

	if (code != NULL && out != NULL)
		error = pcre2_substitute(code, (PCRE2_SPTR)"", 0, 0,
		    PCRE2_SUBSTITUTE_UNSET_EMPTY, NULL, NULL,
		    (PCRE2_SPTR)with, PCRE2_ZERO_TERMINATED, out, &room);
	pcre2_code_free(code);
	free(out);
	return error >= 0 ? NULL : sentence(error, room);
}

static bool
make(struct pattern *p)
{
	const uint32_t steps = (uint32_t)(STEPS + WINDOW_STEPS * p->window);

	p->match = pcre2_match_data_create_from_pattern(p->code, NULL);
	p->context = pcre2_match_context_create(NULL);
	if (p->match == NULL || p->context == NULL)
		return false;
	pcre2_set_match_limit(p->context, steps);
	pcre2_set_depth_limit(p->context, steps);
	pcre2_set_heap_limit(p->context, HEAP);
	return true;
}

void
pattern_free(struct pattern **pp)
{
	struct pattern *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	pcre2_jit_stack_free(p->stack);
	pcre2_match_context_free(p->context);
	pcre2_match_data_free(p->match);
	if (p->code != p->tail)
		pcre2_code_free(p->code);
	pcre2_code_free(p->tail);
	free(p->with);
	free(p);
}

void
pattern_ready(struct pattern *p)
{
	size_t size = 0;

	if (pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE |
	    PCRE2_JIT_PARTIAL_HARD) == 0)
		pcre2_pattern_info(p->code, PCRE2_INFO_JITSIZE, &size);
	if (size == 0) {
		pcre2_code_free(p->code);
		p->code = p->tail;
		return;
	}
	p->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
	pcre2_jit_stack_assign(p->context, NULL, p->stack);
}

size_t
pattern_behind(const struct pattern *p)
{
	return p->behind;
}

/* --- the search --- */

enum pattern_found
pattern_find(struct pattern *p, const struct pattern_view *v, size_t *start,
    size_t *end)
{
	const PCRE2_SIZE *found = pcre2_get_ovector_pointer(p->match);
	const size_t len = whole(p, v, v->len);
	size_t from = v->from, at, cut;
	unsigned tries;
	int rc;

	for (tries = 0; from < len && tries < TURN_TRIES; tries++) {
		cut = span_end(p, v, from, len);
		rc = look(p, v, from, cut);
		*start = rc == PCRE2_ERROR_NOMATCH ? cut : found[0];
		at = rc > 0 ? pcre2_get_startchar(p->match) : *start;
		if (rc < 0 && rc != PCRE2_ERROR_PARTIAL &&
		    rc != PCRE2_ERROR_NOMATCH) {
			*start = cut;
			return PATTERN_LIMIT;
		}
		if (rc > 0 && (cut - at < p->window || certain(p, v, at))) {
			*start = found[0];
			*end = found[1];
			return PATTERN_MATCH;
		}
		if (rc == PCRE2_ERROR_PARTIAL && cut == len &&
		    cut - at < p->window)
			return PATTERN_WAIT;
		from = rc != PCRE2_ERROR_NOMATCH && cut - at >= p->window ?
		    at + 1 : at;
	}
	*start = from;
	if (from < len)
		return PATTERN_MORE;
	return len == v->len ? PATTERN_NONE : PATTERN_WAIT;
}

/* Without what may be half of a "\r\n": PCRE2 does not always say that it would
 * like to see more. */
static size_t
whole(const struct pattern *p, const struct pattern_view *v, size_t len)
{
	const size_t least = len - MIN(len, p->window);

	if (p->newlines && !(v->last && len == v->len))
		while (len > least && v->text[len - 1] == '\r')
			len--;
	return len;
}

/* In spans, so that what cannot become certain is not followed to the end of
 * all that has come, from each of its bytes. */
static size_t
span_end(const struct pattern *p, const struct pattern_view *v, size_t from,
    size_t len)
{
	const size_t span = SPAN + 2 * p->window;

	return len - from <= span ? len : whole(p, v, from + span);
}

static int
look(struct pattern *p, const struct pattern_view *v, size_t from, size_t cut)
{
	const size_t *found = pcre2_get_ovector_pointer(p->match);
	int rc = search(p, p->code, v->text, cut, from, false);

	if (rc == PCRE2_ERROR_PARTIAL && v->last &&
	    v->len - *found < p->window)
		rc = search(p, p->tail, v->text, v->len, *found, true);
	return rc;
}

/* The end of the bytes is not one in itself, but for the tail. */
static int
search(struct pattern *p, const pcre2_code *code, const char *text,
    size_t len, size_t from, bool last)
{
	p->used = code;
	p->text = text;
	p->len = len;
	p->from = from;
	return pcre2_match(code, (PCRE2_SPTR)text, len, from, PCRE2_NOTEMPTY |
	    (last ? 0 : PCRE2_PARTIAL_HARD), p->match, p->context);
}

/* Is what was found at a place found there without a look beyond the window?
 * Else it depends on how much has come. */
static bool
certain(struct pattern *p, const struct pattern_view *v, size_t at)
{
	return search(p, p->code, v->text, at + p->window, at,
	    false) > 0 &&
	    pcre2_get_startchar(p->match) == at;
}

ssize_t
pattern_with(struct pattern *p, char text[PATTERN_TEXT])
{
	PCRE2_SIZE len = PATTERN_TEXT;

	return pcre2_substitute(p->used, (PCRE2_SPTR)p->text, p->len, p->from,
	    PCRE2_NOTEMPTY | PCRE2_SUBSTITUTE_MATCHED |
	    PCRE2_SUBSTITUTE_REPLACEMENT_ONLY | PCRE2_SUBSTITUTE_UNSET_EMPTY,
	    p->match, p->context, (PCRE2_SPTR)p->with, PCRE2_ZERO_TERMINATED,
	    (PCRE2_UCHAR *)text, &len) < 0 ? -1 : (ssize_t)len;
}
