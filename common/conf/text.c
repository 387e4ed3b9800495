#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "conf/parse.h"

#define TEXT_CHUNK	4096
#define TEXT_MISTAKES	10000	/* reported at most */

static void	*conf_text_grow(struct conf_text *, void *, unsigned *,
		    size_t);
static void	 conf_text_reserve(struct conf_text *, size_t);
static void	 conf_text_origin(struct conf_text *, unsigned, int);
static ssize_t	 conf_text_fill(struct conf_text *, int, char **, size_t);
static void	 conf_text_note(struct conf_text *, enum conf_kind, unsigned,
		    const char *, va_list);
static int	 conf_text_cmp(const void *, const void *);
static void	 conf_text_clean(char *);

void
conf_text_free(struct conf_text *t)
{
	unsigned i;

	for (i = 0; i < t->nmistakes; i++)
		free(t->mistakes[i].text);
	for (i = 0; i < t->nfiles; i++)
		free(t->files[i]);
	free(t->mistakes);
	free(t->files);
	free(t->lines);
	free(t->buf);
	memset(t, 0, sizeof(*t));
}

/* The array with room for one more; as it was, and nomem set, without
 * memory. */
static void *
conf_text_grow(struct conf_text *t, void *array, unsigned *max, size_t size)
{
	unsigned want = *max == 0 ? 64 : *max * 2;
	void *p;

	if ((p = reallocarray(array, want, size)) == NULL) {
		t->nomem = true;
		return array;
	}
	*max = want;
	return p;
}

static void
conf_text_reserve(struct conf_text *t, size_t len)
{
	size_t size;
	char *p;

	if (t->size - t->len > len)
		return;
	size = (t->len + len) * 2 + TEXT_CHUNK;
	if ((p = realloc(t->buf, size)) == NULL) {
		t->nomem = true;
		return;
	}
	t->buf = p;
	t->size = size;
}

void
conf_text_put(struct conf_text *t, const char *s, size_t len)
{
	struct conf_origin *o;
	size_t i;

	conf_text_reserve(t, len);
	if (t->nomem)
		return;
	memcpy(t->buf + t->len, s, len);
	t->len += len;
	t->buf[t->len] = '\0';
	for (i = 0; i < len && t->nlines > 0; i++) {
		if (s[i] != '\n')
			continue;
		o = &t->lines[t->nlines - 1];
		conf_text_origin(t, o->file, o->line);
	}
}

static void
conf_text_origin(struct conf_text *t, unsigned file, int line)
{
	struct conf_origin *o;

	if (t->nlines == t->maxlines)
		t->lines = conf_text_grow(t, t->lines, &t->maxlines,
		    sizeof(*t->lines));
	if (t->nlines == t->maxlines)
		return;
	o = &t->lines[t->nlines++];
	o->file = file;
	o->line = line;
	o->unset = o->partial = false;
}

unsigned
conf_text_sync(struct conf_text *t, unsigned file, int line)
{
	const struct conf_origin *o;

	if (t->nlines == 0) {
		conf_text_origin(t, file, line);
		return t->nlines;
	}
	o = &t->lines[t->nlines - 1];
	if (o->file == file && o->line == line)
		return t->nlines;
	conf_text_put(t, "\n", 1);
	if (!t->nomem) {
		t->lines[t->nlines - 1].file = file;
		t->lines[t->nlines - 1].line = line;
	}
	return t->nlines;
}

unsigned
conf_text_add_file(struct conf_text *t, const char *name)
{
	char **p, *copy;

	if ((copy = strdup(name)) == NULL) {
		t->nomem = true;
		return 0;
	}
	p = reallocarray(t->files, t->nfiles + 1, sizeof(*p));
	if (p == NULL) {
		free(copy);
		t->nomem = true;
		return 0;
	}
	t->files = p;
	t->files[t->nfiles] = copy;
	return t->nfiles++;
}

int
conf_text_open(const char *path)
{
	int fd, flags;

	/* A FIFO without a writer would block the open. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return -1;
	if ((flags = fcntl(fd, F_GETFL)) != -1)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

char *
conf_text_read(struct conf_text *t, int fd, size_t *len, const char **errp)
{
	struct stat st;
	char *buf = NULL;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		*errp = "it is a directory";
		return NULL;
	}
	*len = 0;
	while ((n = conf_text_fill(t, fd, &buf, *len)) > 0) {
		*len += n;
		t->nread += n;
		if (t->nread > CONF_FILE_MAX) {
			*errp = "the configuration is larger than 16 MiB";
			free(buf);
			return NULL;
		}
	}
	if (n == -1) {
		*errp = strerror(errno);
		free(buf);
		return NULL;
	}
	buf[*len] = '\0';
	return buf;
}

static ssize_t
conf_text_fill(struct conf_text *t, int fd, char **buf, size_t len)
{
	size_t chunk = len < TEXT_CHUNK ? TEXT_CHUNK : len;
	ssize_t n;
	char *p;

	if (chunk > CONF_FILE_MAX)
		chunk = CONF_FILE_MAX;
	if ((p = realloc(*buf, len + chunk + 1)) == NULL) {
		t->nomem = true;
		return -1;
	}
	*buf = p;
	do
		n = read(fd, p + len, chunk);
	while (n == -1 && errno == EINTR);
	return n;
}

void
conf_text_partial(struct conf_text *t, unsigned line)
{
	if (line > 0 && line <= t->nlines)
		t->lines[line - 1].partial = true;
	else
		t->partial = true;
}

bool
conf_text_is_partial(const struct conf_text *t, unsigned line)
{
	return line > 0 && line <= t->nlines ? t->lines[line - 1].partial :
	    t->partial;
}

void
conf_text_mistake(struct conf_text *t, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_text_vmistake(t, line, fmt, ap);
	va_end(ap);
}

void
conf_text_vmistake(struct conf_text *t, unsigned line, const char *fmt,
    va_list ap)
{
	conf_text_note(t, CONF_MISTAKE, line, fmt, ap);
}

void
conf_text_warning(struct conf_text *t, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_text_note(t, CONF_WARNING, line, fmt, ap);
	va_end(ap);
}

void
conf_text_doubt(struct conf_text *t, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_text_note(t, CONF_DOUBT, line, fmt, ap);
	va_end(ap);
}

static void
conf_text_note(struct conf_text *t, enum conf_kind kind, unsigned line,
    const char *fmt, va_list ap)
{
	struct conf_mistake *m;
	char *text;

	if (t->nmistakes == TEXT_MISTAKES) {
		t->more = true;
		return;
	}
	if (vasprintf(&text, fmt, ap) == -1) {
		t->nomem = true;
		return;
	}
	if (t->nmistakes == t->maxmistakes)
		t->mistakes = conf_text_grow(t, t->mistakes, &t->maxmistakes,
		    sizeof(*t->mistakes));
	if (t->nmistakes == t->maxmistakes) {
		free(text);
		return;
	}
	conf_text_clean(text);
	m = &t->mistakes[t->nmistakes];
	t->wrong |= kind == CONF_MISTAKE;
	m->kind = kind;
	m->line = line;
	m->seq = t->nmistakes++;
	m->text = text;
}

/* A report is one line, whatever bytes the file has. */
static void
conf_text_clean(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

const char *
conf_text_where(const struct conf_text *t, unsigned line, unsigned from,
    char *buf, size_t size)
{
	const struct conf_origin *o, *f;

	if (line == 0 || line > t->nlines || from == 0 || from > t->nlines)
		return "another line";
	o = &t->lines[line - 1];
	f = &t->lines[from - 1];
	if (o->file == f->file)
		snprintf(buf, size, "line %d", o->line);
	else
		snprintf(buf, size, "%s:%d", t->files[o->file], o->line);
	return buf;
}

unsigned
conf_text_report(struct conf_text *t, conf_report *report, void *arg)
{
	const struct conf_mistake *m;
	const struct conf_origin *o;
	const char *file = t->nfiles > 0 ? t->files[0] : "configuration";
	unsigned i, warnings = 0;

	if (t->nmistakes > 1)
		qsort(t->mistakes, t->nmistakes, sizeof(*t->mistakes),
		    conf_text_cmp);
	for (i = 0; i < t->nmistakes; i++) {
		m = &t->mistakes[i];
		warnings += m->kind != CONF_MISTAKE;
		if (m->line == 0 || m->line > t->nlines) {
			report(arg, m->kind, file, 0, m->text);
			continue;
		}
		o = &t->lines[m->line - 1];
		report(arg, m->kind, t->files[o->file], o->line,
		    m->text);
	}
	if (t->more)
		report(arg, CONF_MISTAKE, file, 0,
		    "there are more mistakes than these");
	if (t->nomem)
		report(arg, CONF_MISTAKE, file, 0,
		    "there is not enough memory");
	return t->nmistakes - warnings + t->nomem;
}

/* Line 0 is about the whole file and comes last. */
static int
conf_text_cmp(const void *a, const void *b)
{
	const struct conf_mistake *x = a, *y = b;

	if (x->line != y->line)
		return x->line - 1 < y->line - 1 ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}
