#include "compat.h"

#include "parse/clienthello.h"
#include "peek.h"
#include "router.h"
#include "self.h"
#include "session.h"
#include "stage/sniff.h"

static enum step	 sniff_look(struct sess *);
static enum step	 sniff_nothing(struct sess *, ssize_t);
static enum step	 sniff_keep(struct sess *, const struct hello *);
static int		 sniff_text(char **, const char *);
static enum step	 sniff_done(struct sess *);

bool
sniff_wanted(const struct path *p)
{
	const struct conf_listen *l = p->listen;

	return l->tls == CONF_NOREF &&
	    ((p->router != NULL && router_sniffs(p->router)) ||
	    (l->auth != CONF_NOREF && self.conf->auths[l->auth].sni));
}

enum step
sniff_enter(struct sess *s)
{
	return sniff_look(s);
}

enum step
sniff_event(struct sess *s, struct end *e)
{
	if (e->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	return sniff_look(s);
}

/* A client that has said nothing waits for the server to begin. */
enum step
sniff_timeout(struct sess *s)
{
	uint8_t byte;

	if (!sess_is_late(s))
		return sniff_look(s);
	if (s->path->relay != NULL && peek_at(&s->client, &byte, 1) == -1 &&
	    errno == EAGAIN)
		return sniff_done(s);
	return sess_end(s, WHO_CLIENT, WHY_HANDSHAKE_TIMEOUT, CUT_RESET);
}

static enum step
sniff_look(struct sess *s)
{
	static uint8_t buf[HELLO_MAX];
	const ssize_t n = peek_at(&s->client, buf, sizeof(buf));
	struct hello h;
	int len;

	if (n <= 0)
		return sniff_nothing(s, n);
	len = hello_parse(buf, (size_t)n, &h);
	if (len > 0)
		return sniff_keep(s, &h);
	if (len == 0 && peek_more(&s->client, h.need))
		return STEP_WAIT;
	return sniff_done(s);
}

/* Nothing yet; or nothing but the end, which is for a remote as well. */
static enum step
sniff_nothing(struct sess *s, ssize_t n)
{
	return n == 0 ? sniff_done(s) : peek_nothing(s, n);
}

static enum step
sniff_keep(struct sess *s, const struct hello *h)
{
	struct extra *x = sess_extra(s);

	if (x == NULL || sniff_text(&x->name, h->name) == -1 ||
	    sniff_text(&x->alpn, h->alpn) == -1) {
		sess_warn(s, "TLS of the client", errno);
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	}
	return sniff_done(s);
}

static int
sniff_text(char **to, const char *text)
{
	if (*text == '\0')
		return 0;
	return (*to = strdup(text)) == NULL ? -1 : 0;
}

static enum step
sniff_done(struct sess *s)
{
	if (peek_take(&s->client, NULL, 0) == -1)
		return sess_end(s, WHO_CLIENT, WHY_ERROR, CUT_RESET);
	return STEP_NEXT;
}
