#include "compat.h"

#include <stdarg.h>
#include <time.h>

#include "chain.h"
#include "closing.h"
#include "dest/dest.h"
#include "ev.h"
#include "packet.h"
#include "telling.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"
#include "stage.h"
#include "tcpinfo.h"
#include "unsent.h"
#include "utf8.h"
#include "why.h"
#include "wish.h"

static void	 telling_begin(struct telling *, char);
static void	 telling_put(struct telling *, const char *, const char *, ...)
		    printf_like(3, 4);
static void	 telling_word(struct telling *, const char *, const char *);
static void	 telling_number(struct telling *, const char *, uint64_t);
static void	 telling_line_end(struct telling *);
static void	 telling_about(struct telling *, const struct sess *);
static void	 telling_times(struct telling *, const struct sess *);
static void	 telling_who(struct telling *, const struct sess *);
static void	 telling_more(struct telling *, const struct extra *);
static void	 telling_socket(struct telling *, const char *,
		    const struct end *);

bool
telling_room(const struct telling *r)
{
	return sizeof(r->text) - r->len >= TELLING_LINE;
}

void
telling_session(struct telling *r, const struct sess *s, bool verbose)
{
	telling_begin(r, 's');
	telling_about(r, s);
	if (verbose) {
		telling_socket(r, "client", &s->client);
		telling_socket(r, "remote", &s->remote);
	}
	telling_line_end(r);
}

static void
telling_about(struct telling *r, const struct sess *s)
{
	telling_who(r, s);
	telling_word(r, "state", stage_name(s->stage));
	telling_times(r, s);
	telling_number(r, "in", s->client.bytes);
	telling_number(r, "out", s->remote.bytes);
	telling_put(r, "worker", "%ld", (long)self.pid);
	telling_put(r, "generation", "%u", self.generation);
	if (s->extra != NULL)
		telling_more(r, s->extra);
}

void
telling_event(struct telling *r, const struct sess *s,
    const struct told *told, uint64_t lost)
{
	char text[ADDR_STRLEN];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	telling_begin(r, 't');
	telling_number(r, "time_ms", (uint64_t)now.tv_sec * 1000 +
	    (uint64_t)now.tv_nsec / 1000000);
	telling_word(r, "event", told->event);
	if (told->at != NULL)
		telling_put(r, "at", "%s/%s %s", told->at->of->conf->name,
		    told->at->conf->name, addr_str(remote_addr(told->at,
		    told->at->version), text));
	if (told->what != NULL)
		telling_word(r, "what", told->what);
	if (lost != 0)
		telling_number(r, "lost", lost);
	if (s->stage == STAGE_DONE) {
		telling_word(r, "end", why_who(s->who));
		telling_word(r, "why", why_name(s->why));
	}
	telling_about(r, s);
	telling_line_end(r);
}

/* Two clocks, of which one is rounded. */
static void
telling_times(struct telling *r, const struct sess *s)
{
	const uint64_t age = (ev_now_us() - MIN(s->taken_us, ev_now_us()) +
	    s->queue_us) / 1000;

	telling_number(r, "age_ms", age);
	telling_number(r, "idle_ms", MIN(age, ev_now() - MIN(s->last,
	    ev_now())));
}

static void
telling_who(struct telling *r, const struct sess *s)
{
	const struct remote *chosen = s->chosen;
	char text[ADDR_STRLEN];

	telling_put(r, "session", "%lx-%llx", (long)self.pid,
	    (unsigned long long)s->id);
	telling_word(r, "client", source_str(&s->source, text));
	telling_word(r, "listener", s->path->listen->name);
	telling_word(r, "relay", s->path->relay != NULL ?
	    s->path->relay->name : "-");
	telling_word(r, "remote", chosen != NULL ? chosen->conf->name : "-");
	telling_word(r, "address", s->connect_us != 0 && chosen != NULL ?
	    closing_address(s, text) : "-");
}

static void
telling_more(struct telling *r, const struct extra *x)
{
	char text[ADDR_STRLEN], target[DEST_STRLEN];
	char filters[2 * CONF_CHAIN * CONF_NAME];

	if (x->backlog_ms != 0)
		telling_number(r, "backlog_ms", x->backlog_ms);
	if (x->proxied)
		telling_word(r, "proxy", source_str(&x->proxy, text));
	if (x->name != NULL)
		telling_word(r, "sni", x->name);
	if (x->alpn != NULL)
		telling_word(r, "alpn", x->alpn);
	if (x->tls_version != NULL)
		telling_put(r, "tls", "%s,%s", x->tls_version, x->tls_suite);
	if (x->wish != NULL && x->wish->user != NULL &&
	    *x->wish->user != '\0')
		telling_word(r, "user", x->wish->user);
	if (x->dest != NULL)
		telling_word(r, "target", dest_str(x->dest, target));
	if (x->chain != NULL && *chain_str(x->chain, filters,
	    sizeof(filters)) != '\0')
		telling_word(r, "filters", filters);
}

/* Of a socket that is none of TCP, nothing is known. */
static void
telling_socket(struct telling *r, const char *whose, const struct end *e)
{
	struct tcpinfo t;
	char name[32];

	if (e->io.fd == -1 || tcpinfo_get(e->io.fd, &t) == -1)
		return;
	snprintf(name, sizeof(name), "rtt_%s_us", whose);
	telling_number(r, name, t.rtt_us);
	snprintf(name, sizeof(name), "retransmits_%s", whose);
	telling_number(r, name, t.retransmits);
	snprintf(name, sizeof(name), "cwnd_%s", whose);
	telling_number(r, name, t.cwnd);
	snprintf(name, sizeof(name), "unsent_%s", whose);
	telling_number(r, name, (uint64_t)unsent(e->io.fd, e->fin));
}

void
telling_end(struct telling *r, uint64_t n)
{
	telling_begin(r, 'e');
	telling_put(r, "worker", "%ld", (long)self.pid);
	telling_number(r, "sessions", n);
	telling_line_end(r);
}

void
telling_busy(int fd)
{
	struct telling r = { .len = 0 };

	telling_begin(&r, 'x');
	telling_put(&r, "worker", "%ld", (long)self.pid);
	telling_line_end(&r);
	packet_send(fd, r.text, r.len);
}

/* --- words and lines --- */

static void
telling_begin(struct telling *r, char kind)
{
	r->text[r->len++] = kind;
}

/* What there is no room for is cut: one byte stays for the end of the line. */
static void
telling_put(struct telling *r, const char *name, const char *fmt, ...)
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
telling_word(struct telling *r, const char *name, const char *text)
{
	telling_put(r, name, "%s", text);
}

static void
telling_number(struct telling *r, const char *name, uint64_t n)
{
	telling_put(r, name, "%llu", (unsigned long long)n);
}

static void
telling_line_end(struct telling *r)
{
	r->text[r->len++] = '\n';
}
