#include "compat.h"

#include <limits.h>

#include "conf/scan.h"

#define SCAN_DEPTH	16	/* sections in sections */

static const char
		*scan_sample(const char *, int);
static void	 scan_run(struct conf_text *, struct input *);
static void	 scan_good(struct scan *);
static void	 scan_ends(struct scan *, struct token *);
static int	 scan_option(struct scan *, struct frame *,
		    const struct token *);
static void	 scan_no_value(struct scan *, const struct frame *,
		    const struct token *, const struct token *);
static int	 scan_skip(struct scan *, unsigned);
static const struct conf_opt
		*scan_find(const struct frame *, const struct token *);
static void	 scan_unknown(struct scan *, const struct frame *,
		    const struct token *, bool);
static void	 scan_twice(struct scan *, struct frame *,
		    const struct conf_opt *, const struct token *);
static int	 scan_assign(struct scan *, struct frame *,
		    const struct conf_opt *, const struct token *,
		    const struct token *);
static bool	 scan_shape(struct scan *, const struct conf_opt *,
		    const struct token *, bool, bool);
static int	 scan_forgot(struct scan *, const struct token *,
		    const struct token *, const struct token *);
static int	 scan_list(struct scan *, const struct conf_opt *);
static int	 scan_section(struct scan *, struct frame *,
		    const struct conf_opt *, const struct token *,
		    const struct token *);
static void	 scan_no_section(struct scan *, const struct frame *,
		    const struct conf_opt *, const struct token *);
static int	 scan_inside(struct scan *, struct frame *,
		    const struct conf_opt *, const struct token *,
		    const struct token *);
static void	 scan_title(struct scan *, const struct conf_opt *,
		    const struct token *, const struct token *);
static const char
		*scan_frame_str(const struct frame *, char *, size_t);
static void	 scan_put(struct scan *, const char *);
static void	 scan_put_token(struct scan *, const struct token *);

/* What to say of one that is not there yet. */
static const char *
scan_sample(const char *path, int error)
{
	if (error != ENOENT || strcmp(path, SPAWND_CONF) != 0 ||
	    access(SPAWND_CONF ".sample", R_OK) == -1)
		return "";
	return "; begin with a copy of " SPAWND_CONF ".sample, or name "
	    "another file";
}

void
conf_scan_file(struct conf_text *t, const char *path)
{
	struct input src;
	const char *err;
	char *buf;
	unsigned file;
	size_t len = 0;
	int fd, error;

	memset(&src, 0, sizeof(src));
	file = conf_text_add_file(t, path);
	if ((fd = conf_text_open(path)) == -1) {
		error = errno;
		conf_text_mistake(t, 0, "the file cannot be read: %s%s",
		    strerror(error), scan_sample(path, error));
		t->cut = true;
		return;
	}
	scan_stat(&src, fd);
	conf_trust(t, 0, fd, path);
	buf = conf_text_read(t, fd, &len, &err);
	close(fd);
	if (buf == NULL || len == 0) {
		conf_text_mistake(t, 0, "the file cannot be used: %s",
		    buf == NULL ? err : "it is empty");
		t->cut = true;
	} else {
		conf_lex_start(&src, path, file, buf, len);
		scan_run(t, &src);
	}
	free(buf);
}

void
conf_scan_string(struct conf_text *t, const char *name, const char *string)
{
	struct input src;
	size_t len = strlen(string);

	memset(&src, 0, sizeof(src));
	conf_lex_start(&src, name, conf_text_add_file(t, name), string, len);
	if (len == 0) {
		conf_text_mistake(t, 0, "the configuration is empty");
		t->cut = true;
	} else if (len > CONF_FILE_MAX) {
		conf_text_mistake(t, 0,
		    "the configuration is larger than 16 MiB");
		t->cut = true;
	} else {
		t->nread = len;
		scan_run(t, &src);
	}
}

static void
scan_run(struct conf_text *t, struct input *src)
{
	struct scan s;
	struct frame root;

	memset(&s, 0, sizeof(s));
	memset(&root, 0, sizeof(root));
	s.t = s.lex.text = t;
	s.lex.src = src;
	root.spec = &conf_spec_root;
	conf_text_sync(t, src->file, 1);
	if (scan_foreign(t, src) || scan_body(&s, &root, false) == -1) {
		t->cut = true;
		t->len = s.good;
		for (; s.good_open > 0; s.good_open--)
			conf_text_put(t, "}", 1);
	}
	conf_text_put(t, "\n", 1);
}

static void
scan_good(struct scan *s)
{
	if (s->lex.skip == 0) {
		s->good = s->t->len;
		s->good_open = s->open;
	}
}

int
scan_fail(struct scan *s, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_text_vmistake(s->t, line, fmt, ap);
	va_end(ap);
	return -1;
}

/* To the closing brace, or to the end of the file if there is none to come. */
int
scan_body(struct scan *s, struct frame *f, bool braced)
{
	struct token tok;
	char buf[64];

	for (;;) {
		if (conf_lex_next(&s->lex, &tok) == -1)
			return -1;
		if (tok.type == TOKEN_STRING) {
			scan_ends(s, &tok);
			if (tok.len == 0 && tok.quote == '\0')
				continue;
			if (tok.len == 0 && tok.unset) {
				if (scan_skip(s, tok.flat) == -1)
					return -1;
			} else if (scan_option(s, f, &tok) == -1)
				return -1;
			scan_good(s);
		} else if (tok.type == TOKEN_END && !braced)
			return 0;
		else if (tok.type == TOKEN_CLOSE && braced)
			return 0;
		else if (tok.type == TOKEN_END)
			return scan_fail(s, f->name.flat, "the section %s is "
			    "opened here and never closed",
			    scan_frame_str(f, buf, sizeof(buf)));
		else if (tok.type == TOKEN_CLOSE)
			return scan_fail(s, tok.flat,
			    "\"}\" closes no section");
		else if (scan_want(s, "the name of an option", &tok) == -1)
			return -1;
	}
}

/* A habit from other languages: what a word is without it is looked at. */
static void
scan_ends(struct scan *s, struct token *tok)
{
	if (tok->quote != '\0' || tok->len == 0 || tok->s[tok->len - 1] != ';')
		return;
	tok->len--;
	if (s->lex.skip == 0)
		conf_text_mistake(s->t, tok->flat, "there must be no \";\" "
		    "here");
}

static int
scan_option(struct scan *s, struct frame *f, const struct token *name)
{
	const struct conf_opt *opt;
	struct token next, title;
	bool is_section;
	int rc;

	if (conf_lex_next(&s->lex, &next) == -1)
		return -1;
	if (next.type == TOKEN_LPAREN && name->quote == '\0' &&
	    name->len == 7 && memcmp(name->s, "include", 7) == 0)
		return scan_include(s, f, name);
	memset(&title, 0, sizeof(title));
	if (next.type == TOKEN_STRING) {
		if (next.len > 1)
			scan_ends(s, &next);
		title = next;
		if (conf_lex_next(&s->lex, &next) == -1)
			return -1;
		if (next.type != TOKEN_OPEN) {
			conf_lex_back(&s->lex, &next);
			next = title;
		}
	}
	is_section = next.type == TOKEN_OPEN;
	if (!is_section && next.type != TOKEN_ASSIGN &&
	    next.type != TOKEN_APPEND) {
		conf_lex_back(&s->lex, &next);
		scan_no_value(s, f, name, &next);
		return scan_skip(s, name->flat);
	}
	if (f->spec == NULL)
		opt = NULL;
	else if ((opt = scan_find(f, name)) == NULL)
		scan_unknown(s, f, name, is_section);
	if (opt != NULL && is_section && title.s != NULL)
		opt = conf_field_titled(f->spec, opt);
	s->lex.skip += opt == NULL;
	rc = is_section ? scan_section(s, f, opt, name, &title) :
	    scan_assign(s, f, opt, name, &next);
	s->lex.skip -= opt == NULL;
	return rc;
}

/* Neither "=" nor "{" stands behind a name, and a word may. */
static void
scan_no_value(struct scan *s, const struct frame *f, const struct token *name,
    const struct token *word)
{
	const struct conf_opt *o = f->spec == NULL ? NULL : scan_find(f, name);
	char hint[CONF_HINTLEN], text[64];
	bool given = word->type == TOKEN_STRING && word->len > 0 &&
	    word->flat == name->flat &&
	    (o == NULL || o->type != CONF_SECRET);

	snprintf(text, sizeof(text), "%.*s", (int)MIN(name->len, 63), name->s);
	if (name->flat == s->secret)	/* which is not to be told */
		scan_fail(s, name->flat, "there is more than one word where "
		    "a secret is; put it in quotes");
	else if (strcmp(text, "include") == 0)
		scan_fail(s, name->flat, "\"include\" needs "
		    "parentheses; write include(\"%.*s\")",
		    given ? (int)MIN(word->len, 64) : 4,
		    given ? word->s : "FILE");
	else if (o != NULL && o->type == CONF_SECTION)
		scan_fail(s, name->flat, "\"%s\" is a section; write "
		    "%s%s { ... }", text, text, conf_is_titled(o->section) ?
		    " NAME" : "");
	else if (o != NULL)
		scan_fail(s, name->flat, "\"%s\" needs \"=\"; write "
		    "%s = %.*s", text, text, given ? (int)MIN(word->len, 64) :
		    5, given ? word->s : "VALUE");
	else
		scan_fail(s, name->flat, "\"%s\" needs \"=\" and a value, "
		    "or \"{\" and options, behind it%s", text,
		    f->spec == NULL || s->t->nmistakes >= CONF_HINTS ? "" :
		    conf_hint(f->spec, text, hint));
}

/* The rest of a line that makes no sense, where no section begins on it: what
 * follows may have mistakes of its own, but nothing can be found missing. */
static int
scan_skip(struct scan *s, unsigned line)
{
	struct token tok;

	s->t->cut = true;
	do
		if (conf_lex_next(&s->lex, &tok) == -1)
			return -1;
	while (tok.flat == line && tok.type != TOKEN_OPEN &&
	    tok.type != TOKEN_CLOSE && tok.type != TOKEN_END);
	conf_lex_back(&s->lex, &tok);
	return tok.type == TOKEN_OPEN ? -1 : 0;
}

static const struct conf_opt *
scan_find(const struct frame *f, const struct token *name)
{
	char buf[64];

	if (name->len >= sizeof(buf) || *name->s == '.')
		return NULL;
	snprintf(buf, sizeof(buf), "%.*s", (int)name->len, name->s);
	return conf_spec_find(f->spec, buf);
}

static void
scan_unknown(struct scan *s, const struct frame *f, const struct token *name,
    bool is_section)
{
	char word[64], where[64], hint[CONF_HINTLEN];

	snprintf(word, sizeof(word), "%.*s", (int)MIN(name->len, 63), name->s);
	conf_text_mistake(s->t, name->flat, "unknown %s \"%s\"%s%s%s",
	    is_section ? "section" : "option", word,
	    f->depth == 0 ? " outside of every section" : " in ",
	    f->depth == 0 ? "" : scan_frame_str(f, where, sizeof(where)),
	    s->t->nmistakes < CONF_HINTS ? conf_hint(f->spec, word, hint) : "");
	if (is_section || f->spec->untitled)
		conf_text_partial(s->t, f->name.flat);
}

static void
scan_twice(struct scan *s, struct frame *f, const struct conf_opt *opt,
    const struct token *name)
{
	unsigned *seen = &f->seen[opt - f->spec->opts];
	char first[PATH_MAX + 16], where[64];

	if (*seen == 0) {
		*seen = name->flat;
		return;
	}
	if (opt->type == CONF_SECTION)
		s->t->cut = true;
	conf_text_mistake(s->t, name->flat,
	    "\"%s\" is given twice%s%s; it is on %s already", opt->name,
	    f->depth == 0 ? "" : " in ",
	    f->depth == 0 ? "" : scan_frame_str(f, where, sizeof(where)),
	    conf_text_where(s->t, *seen, name->flat, first, sizeof(first)));
}

static int
scan_assign(struct scan *s, struct frame *f, const struct conf_opt *opt,
    const struct token *name, const struct token *assign)
{
	struct token value;
	bool append = assign->type == TOKEN_APPEND, bad;
	int rc;

	if (conf_lex_next(&s->lex, &value) == -1)
		return -1;
	if (value.type != TOKEN_STRING && value.type != TOKEN_OPEN)
		return scan_want(s, "a value", &value);
	if ((rc = scan_forgot(s, name, assign, &value)) != 0)
		return rc == -1 ? -1 : 0;
	if (value.len > 1)
		scan_ends(s, &value);
	if (opt != NULL && opt->type == CONF_SECRET)
		s->secret = value.flat;
	bad = opt != NULL && !scan_shape(s, opt, name, append,
	    value.type == TOKEN_OPEN);
	if (opt != NULL && !append && !bad)
		scan_twice(s, f, opt, name);
	s->lex.skip += bad;
	scan_put_token(s, name);
	scan_put(s, append ? "+=" : "=");
	if (value.type == TOKEN_STRING)
		scan_put_token(s, &value);
	else {
		scan_put(s, "{");
		rc = scan_list(s, bad ? NULL : opt);
	}
	s->lex.skip -= bad;
	return rc;
}

/* 1 if what follows is no value but the next option, -1 if nothing does. */
static int
scan_forgot(struct scan *s, const struct token *name,
    const struct token *assign, const struct token *value)
{
	struct token next;

	if (value->type != TOKEN_STRING || value->flat == assign->flat)
		return 0;
	if (conf_lex_next(&s->lex, &next) == -1)
		return -1;
	conf_lex_back(&s->lex, &next);
	if (next.type != TOKEN_ASSIGN)
		return 0;
	conf_lex_back(&s->lex, value);
	scan_fail(s, name->flat, "\"%.*s\" needs a value behind \"=\"",
	    (int)MIN(name->len, 64), name->s);
	s->t->cut = true;
	return 1;
}

/* Whether an option may be given like that. */
static bool
scan_shape(struct scan *s, const struct conf_opt *opt,
    const struct token *name, bool append, bool list)
{
	if (opt->type == CONF_SECTION)
		conf_text_mistake(s->t, name->flat, "\"%s\" is a section; "
		    "write %s%s { ... }", opt->name, opt->name,
		    conf_is_titled(opt->section) ? " NAME" : "");
	else if (append && !conf_field_is_list(opt))
		conf_text_mistake(s->t, name->flat, "\"%s\" takes one value; "
		    "\"+=\" is for lists", opt->name);
	else if (list && !conf_field_is_list(opt))
		conf_text_mistake(s->t, name->flat, "\"%s\" takes one value, "
		    "not a list in braces", opt->name);
	else
		return true;
	return false;
}

/* opt may be NULL. */
static int
scan_list(struct scan *s, const struct conf_opt *opt)
{
	struct token tok;
	bool comma = false;
	unsigned line = 0;

	for (;; line = tok.flat) {
		if (conf_lex_next(&s->lex, &tok) == -1)
			return -1;
		if (tok.type == TOKEN_CLOSE) {
			if (line == 0 && opt != NULL &&
			    (opt->type == CONF_TEXTS || opt->filled))
				scan_fail(s, tok.flat, "%s is empty; give it "
				    "a value or leave it out", opt->name);
			scan_put(s, "}");
			return 0;
		}
		if (tok.type != (comma ? TOKEN_COMMA : TOKEN_STRING)) {
			if (scan_want(s, comma ? "\",\" or \"}\"" :
			    "a value or \"}\"", &tok) == -1)
				return -1;
			/* On another line it is a brace that is missing. */
			if (tok.flat != line)
				return -1;
			continue;
		}
		if (comma)
			scan_put(s, ",");
		else
			scan_put_token(s, &tok);
		comma = !comma;
	}
}

static int
scan_section(struct scan *s, struct frame *f, const struct conf_opt *opt,
    const struct token *name, const struct token *title)
{
	bool bad;
	int rc;

	if (f->depth == SCAN_DEPTH)
		return scan_fail(s, name->flat,
		    "sections are nested deeper than %d", SCAN_DEPTH);
	if (++s->nsections > CONF_SECTIONS)
		return scan_fail(s, name->flat,
		    "there are more than %d sections", CONF_SECTIONS);
	bad = opt != NULL && opt->type != CONF_SECTION;
	if (bad)
		scan_no_section(s, f, opt, name);
	else if (opt != NULL) {
		if (opt->section->size == 0)
			scan_twice(s, f, opt, name);
		scan_title(s, opt, name, title);
	}
	s->lex.skip += bad;
	rc = scan_inside(s, f, bad ? NULL : opt, name, title);
	s->lex.skip -= bad;
	return rc;
}

static void
scan_no_section(struct scan *s, const struct frame *f,
    const struct conf_opt *opt, const struct token *name)
{
	const struct conf_opt *o;
	struct near near;

	near_init(&near, opt->name);
	for (o = f->spec->opts; o->name != NULL; o++)
		if (o->type == CONF_SECTION)
			near_try(&near, o->name);
	conf_text_mistake(s->t, name->flat, "\"%s\" is no section; write "
	    "%s = VALUE%s", opt->name, opt->name, near_hint(&near));
}

static int
scan_inside(struct scan *s, struct frame *f, const struct conf_opt *opt,
    const struct token *name, const struct token *title)
{
	struct frame inner;

	memset(&inner, 0, sizeof(inner));
	inner.spec = opt == NULL ? NULL : opt->section;
	inner.name = *name;
	inner.title = *title;
	inner.depth = f->depth + 1;
	if (opt != NULL && strcmp(opt->name, opt->section->name) != 0)
		scan_put(s, opt->name);
	else
		scan_put_token(s, name);
	scan_put(s, "{ " CONF_LINE " = 0");
	if (title->s != NULL && !title->unset) {
		scan_put(s, CONF_TITLE " =");
		scan_put_token(s, title);
	}
	s->open += s->lex.skip == 0;
	scan_good(s);
	if (scan_body(s, &inner, true) == -1)
		return -1;
	s->open -= s->lex.skip == 0;
	scan_put(s, "}");
	return 0;
}

/* Whether a section has a title, and should. */
static void
scan_title(struct scan *s, const struct conf_opt *opt,
    const struct token *name, const struct token *title)
{
	bool titled = conf_is_titled(opt->section);

	if (titled && title->s == NULL)
		conf_text_mistake(s->t, name->flat, "the section \"%s\" needs "
		    "a name of its own; write %s NAME { ... }", opt->name,
		    opt->name);
	else if (!titled && title->s != NULL)
		conf_text_mistake(s->t, title->flat, "the section \"%s\" "
		    "takes no name; write %s { ... }", opt->name, opt->name);
}

static const char *
scan_frame_str(const struct frame *f, char *buf, size_t size)
{
	if (f->title.s == NULL)
		snprintf(buf, size, "\"%.*s\"", (int)MIN(f->name.len, 20),
		    f->name.s);
	else
		snprintf(buf, size, "%.*s \"%.*s\"",
		    (int)MIN(f->name.len, 20), f->name.s,
		    (int)MIN(f->title.len, 32), f->title.s);
	return buf;
}

static void
scan_put(struct scan *s, const char *text)
{
	if (s->lex.skip > 0)
		return;
	conf_text_put(s->t, text, strlen(text));
	conf_text_put(s->t, " ", 1);
}

static void
scan_put_token(struct scan *s, const struct token *tok)
{
	char quote[2] = { tok->quote, '\0' };
	unsigned line;

	if (s->lex.skip > 0)
		return;
	/* On a line of its own nothing else is thought to depend on it. */
	if (tok->unset)
		conf_text_put(s->t, "\n", 1);
	line = s->t->nlines;
	conf_text_put(s->t, quote, strlen(quote));
	conf_text_put(s->t, tok->s, tok->len);
	conf_text_put(s->t, quote, strlen(quote));
	for (; tok->unset && line <= s->t->nlines; line++)
		s->t->lines[line - 1].unset = true;
	conf_text_put(s->t, tok->unset ? "\n" : " ", 1);
}

int
scan_want(struct scan *s, const char *what, const struct token *tok)
{
	if (tok->type == TOKEN_END)
		return scan_fail(s, tok->flat,
		    "the file ends where %s should be", what);
	scan_fail(s, tok->flat, "\"%.*s\" is where %s should be",
	    (int)MIN(tok->len, 64), tok->s, what);
	if (tok->type == TOKEN_OPEN)
		return -1;
	conf_lex_back(&s->lex, tok);
	return scan_skip(s, tok->flat);
}
