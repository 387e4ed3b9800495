#include "compat.h"

#include <sys/stat.h>

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <time.h>

#include "dump.h"
#include "ev.h"
#include "log.h"

#define ROOM		(256 * 1024)	/* collected before it is written */
#define LINE		512		/* of which one is, at most */
#define AT_ONCE		4096		/* a pipe that has room takes that */
#define ROW		16		/* bytes of a line of hex */
#define TEXT_ROW	100		/* bytes of a line of text */

struct dump {
	const struct conf_dump	*conf;
	int			 fd;		/* -1: there is none */
	bool			 regular;	/* it makes nobody wait long */
	char			*buf;
	size_t			 len;
	uint64_t		 lost;		/* lines, since the last one */
	bool			 told;		/* the log, why */
};

static void	 say(struct dump *, const char *, ...) printf_like(2, 3);
static void	 head(struct dumped *, int, uint64_t, const char *, uint64_t);
static const char *when(uint64_t, char [40]);
static void	 hex(struct dumped *, int, const unsigned char *, size_t);
static void	 hex_row(struct dump *, uint64_t, const unsigned char *,
		    size_t);
static void	 text(struct dumped *, int, const unsigned char *, size_t,
		    uint64_t);
static size_t	 text_row(char *, size_t, const unsigned char *, size_t);
static bool	 printable(unsigned char);
static ssize_t	 put(const struct dump *, const char *, size_t);
static void	 failed(struct dump *);

struct dump *
dump_new(const struct conf_dump *conf)
{
	struct dump *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->buf = malloc(ROOM)) == NULL)
		fatal("dump %s", conf->name);
	d->conf = conf;
	d->fd = -1;
	return d;
}

void
dump_free(struct dump **dp)
{
	struct dump *d = *dp;

	*dp = NULL;
	dump_flush(d);
	if (d->fd != -1)
		close(d->fd);
	free(d->buf);
	free(d);
}

void
dump_file(struct dump *d, int fd)
{
	struct stat st;

	dump_flush(d);
	if (d->fd != -1)
		close(d->fd);
	d->fd = fd;
	d->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	d->told = false;
}

/* --- lines --- */

static void
say(struct dump *d, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (ROOM - d->len < 2 * LINE)
		dump_flush(d);
	if (ROOM - d->len < 2 * LINE) {
		d->lost++;
		return;
	}
	if (d->lost != 0) {
		d->len += (size_t)snprintf(d->buf + d->len, LINE, "%" PRIu64
		    " lines are lost here\n", d->lost);
		d->lost = 0;
	}
	va_start(ap, fmt);
	n = vsnprintf(d->buf + d->len, LINE, fmt, ap);
	va_end(ap);
	d->len += MIN((size_t)n, LINE - 1);
}

static const char *
when(uint64_t us, char buf[40])
{
	const time_t t = (time_t)MIN(us / 1000000, (uint64_t)UINT32_MAX);
	struct tm tm;
	size_t n;

	gmtime_r(&t, &tm);
	n = strftime(buf, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, 40 - n, ".%06uZ", (unsigned)(us % 1000000));
	return buf;
}

void
dump_open(struct dumped *s, const struct feed_open *o, struct dump *d,
    const struct conf *c, long pid, uint64_t us)
{
	char a[ADDR_STRLEN], b[ADDR_STRLEN], t[40];

	memset(s, 0, sizeof(*s));
	s->to = d;
	s->passed[0] = s->shown[0] = o->passed[0];
	s->passed[1] = s->shown[1] = o->passed[1];
	snprintf(s->name, sizeof(s->name), "session=%lx-%" PRIx64, pid,
	    o->session);
	say(d, "%s %s opened listener=%s client=%s address=%s\n", when(us, t),
	    s->name, c->listens[o->listener].name, source_str(&o->client, a),
	    source_str(&o->there, b));
}

static void
head(struct dumped *s, int remote, uint64_t n, const char *what, uint64_t us)
{
	char t[40];

	say(s->to, "%s %s %s %" PRIu64 " bytes%s\n", when(us, t), s->name,
	    remote ? "client<remote" : "client>remote", n, what);
}

void
dump_lost(struct dumped *s, int remote, uint64_t n, uint64_t us)
{
	s->passed[remote] += n;
	head(s, remote, n, " are lost here", us);
}

void
dump_say(struct dumped *s, const char *what, uint64_t us)
{
	char t[40];

	say(s->to, "%s %s %s\n", when(us, t), s->name, what);
}

void
dump_data(struct dumped *s, int remote, const unsigned char *p, size_t len,
    uint64_t n, uint64_t us)
{
	const struct conf_dump *c = s->to->conf;
	size_t show = len;

	if (c->limit != 0)
		show = MIN(show, c->limit - MIN(c->limit, s->shown[remote]));
	if (show == 0) {
		s->passed[remote] += n;
		return;
	}
	if (c->format == DUMP_HEX) {
		head(s, remote, n, "", us);
		hex(s, remote, p, show);
	} else
		text(s, remote, p, show, us);
	s->shown[remote] += show;
	s->passed[remote] += n;
	if (s->shown[remote] == c->limit)
		head(s, remote, s->passed[remote],
		    " so far: no more is shown", us);
}

/* As of hexdump -C, with the place in the direction. */
static void
hex(struct dumped *s, int remote, const unsigned char *p, size_t len)
{
	uint64_t at = s->passed[remote];
	size_t n;

	for (; len > 0; p += n, len -= n, at += n) {
		n = MIN(len, ROW);
		hex_row(s->to, at, p, n);
	}
}

static void
hex_row(struct dump *d, uint64_t at, const unsigned char *p, size_t len)
{
	char digits[3 * ROW + 2], shown[ROW + 1];
	size_t i, n = 0;

	for (i = 0; i < ROW; i++) {
		if (i == ROW / 2)
			digits[n++] = ' ';
		snprintf(digits + n, sizeof(digits) - n, "   ");
		if (i < len) {
			snprintf(digits + n, sizeof(digits) - n, "%02x ",
			    p[i]);
			shown[i] = printable(p[i]) ? (char)p[i] : '.';
		}
		n += 3;
	}
	shown[len] = '\0';
	say(d, "%08" PRIx64 "  %s |%s|\n", at, digits, shown);
}

/* A line for each of the text, or for a part of one that is long. */
static void
text(struct dumped *s, int remote, const unsigned char *p, size_t len,
    uint64_t us)
{
	char row[4 * TEXT_ROW + 1], t[40];
	size_t n;

	when(us, t);
	for (; len > 0; p += n, len -= n) {
		n = text_row(row, sizeof(row), p, len);
		say(s->to, "%s %s %s %s\n", t, s->name,
		    remote ? "client<remote" : "client>remote", row);
	}
}

/* Nothing in it does anything to a terminal. */
static size_t
text_row(char *row, size_t size, const unsigned char *p, size_t len)
{
	size_t i, at = 0;

	*row = '\0';
	for (i = 0; i < MIN(len, TEXT_ROW) && p[i] != '\n'; i++) {
		if (!printable(p[i]))
			at += (size_t)snprintf(row + at, size - at, "\\x%02x",
			    p[i]);
		else if (p[i] == '\\')
			at += (size_t)snprintf(row + at, size - at, "\\\\");
		else
			row[at++] = (char)p[i];
		row[at] = '\0';
	}
	return i < len && p[i] == '\n' ? i + 1 : i;
}

static bool
printable(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

/* --- where they go --- */

/* What is not taken stays, for as long as there is room. */
void
dump_flush(struct dump *d)
{
	size_t off = 0;
	ssize_t n = 0;

	while (d->fd != -1 && off < d->len &&
	    (n = put(d, d->buf + off, d->len - off)) > 0)
		off += (size_t)n;
	if (n == -1 && errno != EAGAIN) {
		failed(d);
		off = d->len;
	} else if (n > 0)
		d->told = false;
	if (d->fd == -1)
		off = d->len;
	memmove(d->buf, d->buf + off, d->len - off);
	d->len -= off;
}

/* A descriptor that others have as well is not to be made one that does not
 * wait. */
static ssize_t
put(const struct dump *d, const char *p, size_t len)
{
	struct pollfd pfd = { .fd = d->fd, .events = POLLOUT };

	if (d->regular)
		return write(d->fd, p, len);
	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT)) {
		errno = pfd.revents & POLLERR ? EPIPE : EAGAIN;
		return -1;
	}
	return write(d->fd, p, MIN(len, AT_ONCE));
}

static void
failed(struct dump *d)
{
	if (!d->told)
		log_warn("dump %s: %s: lines are lost", d->conf->name,
		    d->conf->to != NULL ? d->conf->to : "stderr");
	d->told = true;
}
