#include "compat.h"

#include "chain.h"
#include "closing.h"
#include "dest/dest.h"
#include "fields.h"
#include "log.h"
#include "path.h"
#include "remote/remotes.h"
#include "self.h"
#include "sess.h"
#include "unsent.h"
#include "why.h"
#include "wish.h"

#define MORE	(LOG_LINE / 4 * 3)	/* bytes, what few lines have */
#define TAIL	(LOG_LINE / 4)		/* what comes behind it */

static bool	 is_told(const struct sess *, uint64_t *);
static bool	 look(struct closing_end *, const struct end *);
static unsigned	 port_of(const struct sess *);
static void	 put_end(struct line *, enum field, const struct closing_end *);
static void	 put_more(struct line *, const struct extra *);
static void	 put_asked(struct line *, const struct extra *);

static bool	 lines, more;		/* of sessions; fields not in text */
static bool	 tcp;			/* what the system knows as well */
static bool	 draws;			/* not all have one */
static uint64_t	 sample;

void
closing_start(void)
{
	lines = conf_log_sessions(self.conf);
	more = conf_log_more(self.conf);
	tcp = conf_log_tcp(self.conf);
	draws = conf_log_draws(self.conf);
	sample = conf_log_sample(self.conf);
}

void
closing_begin(struct closing *c, const struct sess *s)
{
	c->told = is_told(s, &c->draw);
	c->port = s->path->ports && c->told ? port_of(s) : 0;
	c->client.known = tcp && c->told && look(&c->client, &s->client);
	c->remote.known = tcp && c->told && look(&c->remote, &s->remote);
}

/* False: it has no socket any more, or none of TCP. */
static bool
look(struct closing_end *c, const struct end *e)
{
	if (e->io.fd == -1 || tcpinfo_get(e->io.fd, &c->tcp) == -1)
		return false;
	c->unsent = (uint64_t)unsent(e->io.fd, e->fin);
	return true;
}

/* Whether it gets a line: of sessions that end well, so many of all as any
 * target wants, all others. What was drawn goes with it, as each target may
 * want as many as it likes. */
static bool
is_told(const struct sess *s, uint64_t *draw)
{
	*draw = 0;
	if (!lines || log_get_level() < LOG_INFO)
		return false;
	if (!draws || s->why != WHY_FIN)
		return true;
	*draw = arc4random_uniform(CONF_WHOLE);
	return *draw < sample;
}

/* That the client has connected to. */
static unsigned
port_of(const struct sess *s)
{
	struct addr a = { .len = sizeof(a.un) };

	return getsockname(s->client.io.fd, &a.sa, &a.len) == -1 ? 0 :
	    addr_get_port(&a);
}

char *
closing_address(const struct sess *s, char buf[ADDR_STRLEN])
{
	return s->chosen == s->chosen->of->anywhere ?
	    source_str(&s->extra->dest->to[s->version], buf) :
	    addr_str(remote_addr(s->chosen, s->version), buf);
}

void
closing_line(const struct closing *c, const struct sess *s)
{
	char buf[LOG_LINE], text[ADDR_STRLEN];
	struct line l = { buf, 0, sizeof(buf) };
	const uint64_t total = ev_now_us() - s->taken_us + s->queue_us;
	const struct remote *r = s->connect_us != 0 ? s->chosen : NULL;

	fields_begin(&l, LOG_INFO, "session");
	snprintf(text, sizeof(text), "%lx-%llx", (long)self.pid,
	    (unsigned long long)s->id);
	fields_text(&l, FIELD_SESSION, text);
	fields_text(&l, FIELD_LISTENER, s->path->listen->name);
	fields_text(&l, FIELD_CLIENT, source_str(&s->source, text));
	if (more && s->path->remotes != NULL)
		fields_text(&l, FIELD_RELAY, s->path->relay->name);
	fields_text(&l, FIELD_REMOTE, r != NULL ? r->conf->name : "-");
	fields_text(&l, FIELD_ADDRESS, r == NULL ? "-" :
	    closing_address(s, text));
	fields_number(&l, FIELD_IN, s->client.bytes);
	fields_number(&l, FIELD_OUT, s->remote.bytes);
	fields_seconds(&l, FIELD_QUEUE, s->queue_us);
	fields_seconds(&l, FIELD_CONNECT, s->connect_us);
	fields_seconds(&l, FIELD_TOTAL, total);
	if (c->port != 0)
		fields_number(&l, FIELD_PORT, c->port);
	if (s->path->listen->tag != NULL)
		fields_text(&l, FIELD_TAG, s->path->listen->tag);
	if (s->extra != NULL) {
		/* However much it is, the end is told. */
		l.size = MIN(l.len + MORE, sizeof(buf) - TAIL);
		put_more(&l, s->extra);
		l.size = sizeof(buf);
	}
	if (c->client.known)
		put_end(&l, FIELD_RTT_CLIENT, &c->client);
	if (c->remote.known)
		put_end(&l, FIELD_RTT_REMOTE, &c->remote);
	fields_number(&l, FIELD_TRIES, s->ntried + (r != NULL));
	fields_text(&l, FIELD_END, why_who(s->who));
	fields_text(&l, FIELD_WHY, why_name(s->why));
	if (more)
		fields_number(&l, FIELD_ACTIVE, self.nsessions);
	if (c->draw != 0)
		fields_number(&l, FIELD_DRAW, c->draw);
	log_fields(LOG_INFO, &l);
}

/* What only few lines have. */
static void
put_more(struct line *l, const struct extra *x)
{
	char text[ADDR_STRLEN], filters[2 * CONF_CHAIN * CONF_NAME];

	if (x->backlog_ms != 0)
		fields_seconds(l, FIELD_BACKLOG,
		    (uint64_t)x->backlog_ms * 1000);
	if (x->proxied)
		fields_text(l, FIELD_PROXY, source_str(&x->proxy, text));
	if (x->name != NULL)
		fields_text(l, FIELD_SNI, x->name);
	if (x->alpn != NULL)
		fields_text(l, FIELD_ALPN, x->alpn);
	if (x->tls_version != NULL) {
		fields_text(l, FIELD_TLS, x->tls_version);
		line_byte(l, ',');
		line_text(l, x->tls_suite);
	}
	if (x->wish != NULL)
		put_asked(l, x);
	if (x->chain != NULL && *chain_str(x->chain, filters,
	    sizeof(filters)) != '\0')
		fields_text(l, FIELD_FILTERS, filters);
}

/* The fields of one end are in a row. */
static void
put_end(struct line *l, enum field first, const struct closing_end *c)
{
	fields_number(l, first, c->tcp.rtt_us);
	fields_number(l, (enum field)(first + 1), c->tcp.retransmits);
	fields_number(l, (enum field)(first + 2), c->tcp.cwnd);
	fields_number(l, (enum field)(first + 3), c->unsent);
}

/* Who the client says it is, and where it wants to go. */
static void
put_asked(struct line *l, const struct extra *x)
{
	char to[DEST_STRLEN];

	if (x->wish->user != NULL && *x->wish->user != '\0')
		fields_word(l, FIELD_USER, x->wish->user);
	if (x->dest != NULL)
		fields_text(l, FIELD_TARGET, dest_str(x->dest, to));
}

