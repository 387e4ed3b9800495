#include "compat.h"

#include <sys/stat.h>

#include <stdarg.h>

#include "fields.h"
#include "log.h"
#include "packet.h"
#include "utf8.h"

static void	log_line(char *, int);
static void	log_tell_dropped(void);
static bool	log_send(const char *, size_t);

static const char * const names[] = {
	[LOG_ERR] = "error", [LOG_WARNING] = "warning",
	[LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"
};

static int		 out = -1;	/* the logger's socket */
static int		 log_level = LOG_INFO;
static uint64_t		 dropped, reported;
static void		 (*watch)(int, const char *);

void
log_init(int fd)
{
	out = fd;
}

int
log_fd(void)
{
	return out;
}

void
log_set_level(int level)
{
	log_level = level;
}

int
log_get_level(void)
{
	return log_level;
}

int
log_level_of(const char *name)
{
	size_t i;

	for (i = 0; i < nitems_of(names); i++)
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

const char *
log_level_name(int level)
{
	if (level < 0 || (size_t)level >= nitems_of(names) ||
	    names[level] == NULL)
		return "?";
	return names[level];
}

void
log_watch(void (*told)(int, const char *))
{
	watch = told;
}

bool
log_is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream != NULL && fstat(fd, &st) != -1 &&
	    sscanf(stream, "%ju:%ju", &dev, &ino) == 2 &&
	    dev == st.st_dev && ino == st.st_ino;
}

const char *
log_why(int error)
{
	switch (error) {
	case EAGAIN:
		return "no more processes may be started (ulimit -u, TasksMax)";
	case EMFILE:
		return "too many open files (ulimit -n, LimitNOFILE)";
	case EFBIG:
		return "memory that processes share is limited as files are "
		    "(ulimit -f, LimitFSIZE)";
	default:
		return strerror(error);
	}
}

void
log_tell(int level, const char *lines)
{
	const bool journal = log_is_journal(STDERR_FILENO);
	size_t n;

	for (; *lines != '\0'; lines += n) {
		n = strcspn(lines, "\n");
		n += lines[n] == '\n';
		if (journal)
			fprintf(stderr, "<%d>", level);
		fwrite(lines, 1, n, stderr);
	}
}

uint64_t
log_dropped(void)
{
	return dropped;
}

static bool
log_send(const char *buf, size_t len)
{
	log_tell_dropped();
	if (packet_send(out, buf, len) == 0)
		return true;
	dropped++;
	return false;
}

static void
log_line(char *text, int len)
{
	int n;

	if (out == -1) {
		/* Past the "<6>" that only few understand. */
		n = log_is_journal(STDERR_FILENO) ? 0 : 3;
		utf8_clean(text, (size_t)len);
		fprintf(stderr, "%.*s\n", len - n, text + n);
		return;
	}
	log_send(text, (size_t)len);
}

static void
log_tell_dropped(void)
{
	char buf[128];
	int n;

	if (dropped == reported)
		return;
	n = snprintf(buf, sizeof(buf), "<%d>warning: %llu log lines "
	    "were dropped", LOG_WARNING,
	    (unsigned long long)(dropped - reported));
	if (packet_send(out, buf, (size_t)n) == 0)
		reported = dropped;
}

void
log_fields(int level, struct line *l)
{
	char buf[LOG_LINE];
	struct line text = { buf, 0, sizeof(buf) - 1 };
	struct record r;
	const int saved = errno;

	if (level <= log_level && out != -1)
		log_send(l->text, l->len);
	else if (level <= log_level) {
		l->len = MIN(l->len, l->size - 1);
		line_text(&text, "<6>");
		if (fields_read(&r, l->text + 3, l->len - 3))
			fields_print(&text, &r, true);
		log_line(text.text, (int)text.len);
	}
	errno = saved;
}

void
log_vwrite(int level, const char *fmt, va_list ap)
{
	char buf[LOG_LINE];
	int n, m, saved = errno;

	if (level > log_level && (level > LOG_INFO || watch == NULL))
		return;
	n = snprintf(buf, sizeof(buf), "<%d>%s%s", level,
	    level <= LOG_WARNING ? log_level_name(level) : "",
	    level <= LOG_WARNING ? ": " : "");
	m = vsnprintf(buf + n, sizeof(buf) - (size_t)n, fmt, ap);
	if (m > (int)sizeof(buf) - n - 1)
		m = (int)sizeof(buf) - n - 1;
	if (watch != NULL && level <= LOG_INFO)
		watch(level, buf + 3);
	if (level <= log_level)
		log_line(buf, n + (m < 0 ? 0 : m));
	errno = saved;
}

void
log_write(int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(level, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	char buf[LOG_LINE];
	va_list ap;
	int saved = errno;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	log_write(LOG_WARNING, "%s: %s", buf, strerror(saved));
	errno = saved;
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(LOG_WARNING, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(LOG_INFO, fmt, ap);
	va_end(ap);
}

bool
log_allow(struct log_limit *l, uint64_t now, unsigned *skipped)
{
	if (now >= l->next) {
		l->next = now + 1000;
		l->used = 0;
	} else if (l->used < l->more)
		l->used++;
	else {
		l->skipped++;
		return false;
	}
	*skipped = l->skipped;
	l->skipped = 0;
	return true;
}

void
fatal(const char *fmt, ...)
{
	char buf[LOG_LINE];
	va_list ap;
	int saved = errno;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	log_write(LOG_ERR, "%s: %s", buf, strerror(saved));
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(LOG_ERR, fmt, ap);
	va_end(ap);
	exit(1);
}
