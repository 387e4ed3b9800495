#include "compat.h"

#include <stdarg.h>

#include "chain.h"
#include "closing.h"
#include "dest/dest.h"
#include "ev.h"
#include "record.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"
#include "stage.h"
#include "tcpinfo.h"
#include "unsent.h"
#include "utf8.h"
#include "wish.h"

static void	 record_begin(struct record *, char);
static void	 record_put(struct record *, const char *, const char *, ...)
		    printf_like(3, 4);
static void	 record_word(struct record *, const char *, const char *);
static void	 record_number(struct record *, const char *, uint64_t);
static void	 record_line_end(struct record *);
static void	 record_times(struct record *, const struct sess *);
static void	 record_who(struct record *, const struct sess *);
static void	 record_more(struct record *, const struct extra *);
static void	 record_socket(struct record *, const char *,
		    const struct end *);

bool
record_room(const struct record *r)
{
	return sizeof(r->text) - r->len >= RECORD_LINE;
}

void
record_session(struct record *r, const struct sess *s, bool verbose)
{
	record_begin(r, 's');
	record_who(r, s);
	record_word(r, "state", stage_name(s->stage));
	record_times(r, s);
	record_number(r, "in", s->client.bytes);
	record_number(r, "out", s->remote.bytes);
	record_put(r, "worker", "%ld", (long)self.pid);
	record_put(r, "generation", "%u", self.generation);
	if (s->extra != NULL)
		record_more(r, s->extra);
	if (verbose) {
		record_socket(r, "client", &s->client);
		record_socket(r, "remote", &s->remote);
	}
	record_line_end(r);
}

/* Two clocks, of which one is rounded. */
static void
record_times(struct record *r, const struct sess *s)
{
	const uint64_t age = (ev_now_us() - MIN(s->taken_us, ev_now_us()) +
	    s->queue_us) / 1000;

	record_number(r, "age_ms", age);
	record_number(r, "idle_ms", MIN(age, ev_now() - MIN(s->last,
	    ev_now())));
}

static void
record_who(struct record *r, const struct sess *s)
{
	const struct remote *chosen = s->chosen;
	char text[ADDR_STRLEN];

	record_put(r, "session", "%lx-%llx", (long)self.pid,
	    (unsigned long long)s->id);
	record_word(r, "client", source_str(&s->source, text));
	record_word(r, "listener", s->path->listen->name);
	record_word(r, "relay", s->path->relay != NULL ?
	    s->path->relay->name : "-");
	record_word(r, "remote", chosen != NULL ? chosen->conf->name : "-");
	record_word(r, "address", s->connect_us != 0 && chosen != NULL ?
	    closing_address(s, text) : "-");
}

static void
record_more(struct record *r, const struct extra *x)
{
	char text[ADDR_STRLEN], target[DEST_STRLEN];
	char filters[2 * CONF_CHAIN * CONF_NAME];

	if (x->backlog_ms != 0)
		record_number(r, "backlog_ms", x->backlog_ms);
	if (x->proxied)
		record_word(r, "proxy", source_str(&x->proxy, text));
	if (x->name != NULL)
		record_word(r, "sni", x->name);
	if (x->alpn != NULL)
		record_word(r, "alpn", x->alpn);
	if (x->tls_version != NULL)
		record_put(r, "tls", "%s,%s", x->tls_version, x->tls_suite);
	if (x->wish != NULL && x->wish->user != NULL &&
	    *x->wish->user != '\0')
		record_word(r, "user", x->wish->user);
	if (x->dest != NULL)
		record_word(r, "target", dest_str(x->dest, target));
	if (x->chain != NULL && *chain_str(x->chain, filters,
	    sizeof(filters)) != '\0')
		record_word(r, "filters", filters);
}

/* Of a socket that is none of TCP, nothing is known. */
static void
record_socket(struct record *r, const char *whose, const struct end *e)
{
	struct tcpinfo t;
	char name[32];

	if (e->io.fd == -1 || tcpinfo_get(e->io.fd, &t) == -1)
		return;
	snprintf(name, sizeof(name), "rtt_%s_us", whose);
	record_number(r, name, t.rtt_us);
	snprintf(name, sizeof(name), "retransmits_%s", whose);
	record_number(r, name, t.retransmits);
	snprintf(name, sizeof(name), "cwnd_%s", whose);
	record_number(r, name, t.cwnd);
	snprintf(name, sizeof(name), "unsent_%s", whose);
	record_number(r, name, (uint64_t)unsent(e->io.fd, e->fin));
}

void
record_end(struct record *r, uint64_t n)
{
	record_begin(r, 'e');
	record_put(r, "worker", "%ld", (long)self.pid);
	record_number(r, "sessions", n);
	record_line_end(r);
}

void
record_busy(int fd)
{
	struct record r = { .len = 0 };

	record_begin(&r, 'x');
	record_put(&r, "worker", "%ld", (long)self.pid);
	record_line_end(&r);
	send(fd, r.text, r.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- words and lines --- */

static void
record_begin(struct record *r, char kind)
{
	r->text[r->len++] = kind;
}

/* What there is no room for is cut: one byte stays for the end of the line. */
static void
record_put(struct record *r, const char *name, const char *fmt, ...)
{
	const size_t room = sizeof(r->text) - 1 - r->len;
	char *at = r->text + r->len;
	va_list ap;
	int n, head;

	head = snprintf(at, room, "\t%s=", name);
	if ((size_t)head >= room)
		return;
	va_start(ap, fmt);
	n = vsnprintf(at + head, room - (size_t)head, fmt, ap);
	va_end(ap);
	n = MIN(MAX(n, 0), (int)room - head - 1);
	utf8_clean(at + head, (size_t)n);
	r->len += (size_t)(head + n);
}

static void
record_word(struct record *r, const char *name, const char *text)
{
	record_put(r, name, "%s", text);
}

static void
record_number(struct record *r, const char *name, uint64_t n)
{
	record_put(r, name, "%llu", (unsigned long long)n);
}

static void
record_line_end(struct record *r)
{
	r->text[r->len++] = '\n';
}
