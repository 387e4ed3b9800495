#include "compat.h"

#include <sys/stat.h>

#include <glob.h>
#include <limits.h>

#include "conf/scan.h"

#define INCLUDE_DEPTH	10	/* files in files */
#define INCLUDE_FILES	1000	/* in all */

static void	 include_all(struct scan *, struct frame *,
		    const struct token *, const char *, int *);
static int	 include_stop(const char *, int);
static void	 include_file(struct scan *, struct frame *,
		    const struct token *, const char *, int *);
static bool	 include_ok(struct scan *, const struct token *,
		    const char *, const struct input *);
static int	 include_path(struct scan *, const struct token *, char *,
		    size_t);

int
scan_include(struct scan *s, struct frame *f, const struct token *name)
{
	char path[PATH_MAX];
	struct token arg, paren;
	int rc = 0;

	if (conf_lex_next(&s->lex, &arg) == -1)
		return -1;
	if (arg.type != TOKEN_STRING)
		return scan_want(s, "a file name", &arg);
	if (conf_lex_next(&s->lex, &paren) == -1)
		return -1;
	if (paren.type != TOKEN_RPAREN)
		return scan_want(s, "\")\"", &paren);
	if (s->lex.skip > 0)
		return 0;
	if (arg.unset || include_path(s, &arg, path, sizeof(path)) == -1)
		s->t->cut = true;
	else
		include_all(s, f, name, path, &rc);
	return rc;
}

/* A pattern stands for the files of that kind, in the order of their names;
 * there need not be any. */
static void
include_all(struct scan *s, struct frame *f, const struct token *name,
    const char *path, int *rc)
{
	const bool pattern = strpbrk(path, "*?[") != NULL &&
	    access(path, F_OK) == -1;
	glob_t found;
	size_t i;
	int error = 0;

	if (!pattern)
		include_file(s, f, name, path, rc);
	else if ((error = glob(path, 0, include_stop, &found)) == 0)
		for (i = 0; i < found.gl_pathc && *rc == 0; i++)
			include_file(s, f, name, found.gl_pathv[i], rc);
	if (pattern && error == 0)
		globfree(&found);
	else if (error == GLOB_NOMATCH)
		conf_trust_folder(s->t, name->flat, path);
	if (error != 0 && error != GLOB_NOMATCH) {
		conf_text_mistake(s->t, name->flat, "\"%s\" cannot be "
		    "included: a folder cannot be read", path);
		s->t->cut = true;
	}
}

/* What is not there has no files. */
static int
include_stop(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

/* *rc becomes -1 if the file cannot be made sense of; that it cannot be read
 * is a mistake, but what comes behind it may have others. */
static void
include_file(struct scan *s, struct frame *f, const struct token *name,
    const char *path, int *rc)
{
	struct input src;
	const char *err = NULL;
	char *buf = NULL;
	size_t len = 0;
	int fd;

	memset(&src, 0, sizeof(src));
	if ((fd = conf_text_open(path)) == -1)
		err = strerror(errno);
	else {
		scan_stat(&src, fd);
		conf_trust(s->t, name->flat, fd, path);
		if (!include_ok(s, name, path, &src))
			s->t->cut = true;
		else
			buf = conf_text_read(s->t, fd, &len, &err);
	}
	if (fd != -1)
		close(fd);
	if (err != NULL) {
		conf_text_mistake(s->t, name->flat,
		    "\"%s\" cannot be included: %s", path, err);
		s->t->cut = true;
	}
	if (buf == NULL)
		return;
	conf_lex_start(&src, path, conf_text_add_file(s->t, path), buf, len);
	src.up = s->lex.src;
	s->includes++;
	s->lex.src = &src;
	*rc = scan_body(s, f, false);
	s->lex.src = src.up;
	s->includes--;
	free(buf);
}

static bool
include_ok(struct scan *s, const struct token *name, const char *path,
    const struct input *file)
{
	const struct input *up;

	for (up = s->lex.src; up != NULL; up = up->up)
		if (up->has_ino && up->dev == file->dev &&
		    up->ino == file->ino) {
			conf_text_mistake(s->t, name->flat,
			    "\"%s\" includes itself", path);
			return false;
		}
	if (s->includes == INCLUDE_DEPTH || s->t->nfiles >= INCLUDE_FILES) {
		conf_text_mistake(s->t, name->flat, "\"%s\" cannot be "
		    "included: at most %d files in all, %d in one another",
		    path, INCLUDE_FILES, INCLUDE_DEPTH);
		return false;
	}
	return true;
}

/* What a token stands for, relative to the file it is in. */
static int
include_path(struct scan *s, const struct token *tok, char *buf, size_t size)
{
	const char *p = tok->s, *end = tok->s + tok->len, *slash, *value;
	const char *close;
	size_t len;
	bool set, escape;

	slash = strrchr(s->lex.src->name, '/');
	snprintf(buf, size, "%.*s", *p == '/' || slash == NULL ? 0 :
	    (int)(slash - s->lex.src->name + 1), s->lex.src->name);
	while (p < end) {
		len = strlen(buf);
		if (tok->quote != '\'' && p[0] == '$' && p + 1 < end &&
		    p[1] == '{') {
			close = memchr(p, '}', end - p);
			value = conf_lex_value(p + 2, close - p - 2, &set);
			if (*value == '/' && p == tok->s)
				len = 0;
			strlcpy(buf + len, value, size - len);
			p = close + 1;
			continue;
		}
		escape = *p == '\\' && p + 1 < end && (tok->quote == '"' ||
		    (tok->quote == '\'' && (p[1] == '\\' || p[1] == '\'')));
		p += escape;
		if (len + 1 < size) {
			buf[len] = *p;
			buf[len + 1] = '\0';
		}
		p++;
	}
	if (strlen(buf) + 1 < size)
		return 0;
	return scan_fail(s, tok->flat, "the name of the file is too long");
}

void
scan_stat(struct input *src, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return;
	src->has_ino = true;
	src->dev = st.st_dev;
	src->ino = st.st_ino;
}
