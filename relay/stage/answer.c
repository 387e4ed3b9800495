#include "compat.h"

#include "dest/dest.h"
#include "end.h"
#include "parse/httpconnect.h"
#include "parse/socks.h"
#include "session.h"
#include "stage/answer.h"
#include "wish.h"

#define LINGER		2000	/* ms, for a client to go by itself */
#define READS		16	/* of what it still sends, a turn */

static enum step	 answer_yes(struct sess *);
static void		 answer_bound(const struct sess *, struct addr *);
static enum step	 answer_no(struct sess *);
static size_t		 answer_write(const struct wish *, enum refusal,
			    const struct addr *, uint8_t *);
static enum refusal	 refusal_of(const struct sess *);
static enum refusal	 refusal_of_why(enum sess_why);

/* RFC 1928, 6, and 1929, 2; SOCKS4.protocol; RFC 9110, 15. */
static const struct code {
	uint8_t			 socks4, socks5;
	enum http_status	 http;
} codes[] = {
	[REFUSAL_NONE] =    { 90, 0, HTTP_OK },
	[REFUSAL_GENERAL] = { 91, 1, HTTP_GATEWAY },
	[REFUSAL_DENIED] =  { 91, 2, HTTP_FORBIDDEN },
	[REFUSAL_NET] =	    { 91, 3, HTTP_GATEWAY },
	[REFUSAL_HOST] =    { 91, 4, HTTP_GATEWAY },
	[REFUSAL_REFUSED] = { 91, 5, HTTP_GATEWAY },
	[REFUSAL_TIMEOUT] = { 91, 6, HTTP_TIMEOUT },
	[REFUSAL_COMMAND] = { 91, 7, HTTP_METHOD },
	[REFUSAL_TYPE] =    { 91, 8, HTTP_BAD },
	[REFUSAL_LOGIN] =   { 93, 2, HTTP_LOGIN },
	[REFUSAL_LARGE] =   { 91, 1, HTTP_LARGE },
	[REFUSAL_VERSION] = { 91, 1, HTTP_VERSION },
	[REFUSAL_WRONG] =   { 91, 1, HTTP_BAD },
	[REFUSAL_LACKS] =   { 91, 1, HTTP_UNAVAILABLE },
};

/* By fault. */
static const uint8_t faults[] = {
	[DEST_OK] = REFUSAL_NONE,
	[DEST_DENIED] = REFUSAL_DENIED,
	[DEST_NO_NAME] = REFUSAL_HOST,
	[DEST_NAME_FAILED] = REFUSAL_HOST,
	[DEST_NAME_TIMEOUT] = REFUSAL_TIMEOUT,
	[DEST_REFUSED] = REFUSAL_REFUSED,
	[DEST_UNREACHABLE] = REFUSAL_HOST,
	[DEST_NET_UNREACHABLE] = REFUSAL_NET,
	[DEST_TIMEOUT] = REFUSAL_TIMEOUT,
	[DEST_LACKS] = REFUSAL_LACKS,
};

bool
answer_wanted(const struct path *p)
{
	return p->asks != 0;
}

bool
answer_is_owed(struct sess *s)
{
	struct wish *w = s->extra == NULL ? NULL : s->extra->wish;

	return w != NULL && w->owed && (w->refused = true);
}

enum step
answer_enter(struct sess *s)
{
	return s->extra->wish->refused ? answer_no(s) : answer_yes(s);
}

/* Nothing but short answers has been written before, so there is room. */
static enum step
answer_yes(struct sess *s)
{
	uint8_t buf[HTTP_REPLY];
	struct wish *w = s->extra->wish;
	struct addr bound;
	size_t len;
	ssize_t n;

	if (w->next != ASK_HTTP)
		answer_bound(s, &bound);
	len = answer_write(w, REFUSAL_NONE, &bound, buf);
	w->owed = false;
	s->extra->dest->answered = true;
	if ((n = end_write(&s->client, buf, len)) == (ssize_t)len)
		return STEP_NEXT;
	return sess_end(s, WHO_CLIENT, n == -1 && (errno == EPIPE ||
	    errno == ECONNRESET) ? WHY_RESET : WHY_ERROR, CUT_RESET);
}

/* Remotes have not asked for it. */
static void
answer_bound(const struct sess *s, struct addr *bound)
{
	const struct source *from = &s->extra->dest->from;

	bound->len = sizeof(bound->un);
	if (from->family != AF_UNSPEC)
		source_addr(from, bound);
	else if (getsockname(s->remote.io.fd, &bound->sa, &bound->len) == -1)
		bound->sa.sa_family = AF_UNSPEC;
}

static enum step
answer_no(struct sess *s)
{
	uint8_t buf[HTTP_REPLY];
	struct wish *w = s->extra->wish;
	const size_t len = answer_write(w, w->refusal != REFUSAL_NONE ?
	    (enum refusal)w->refusal : refusal_of(s), NULL, buf);

	w->owed = false;
	s->cut = CUT_RESET;
	if (end_write(&s->client, buf, len) != (ssize_t)len)
		return STEP_END;
	s->cut = CUT_NONE;
	end_shut(&s->client);
	w->until = ev_now() + LINGER;
	s->client.readable = true;
	sess_look_soon(s, LINGER);
	return answer_event(s, &s->client);
}

static size_t
answer_write(const struct wish *w, enum refusal why, const struct addr *bound,
    uint8_t *buf)
{
	const struct code *c = &codes[why];

	switch (w->next) {
	case ASK_SOCKS4:
		return socks4_reply(buf, c->socks4, bound);
	case ASK_METHODS:		/* none of them */
		buf[0] = SOCKS5;
		buf[1] = 0xff;
		return 2;
	case ASK_LOGIN:
		buf[0] = buf[1] = 1;
		return 2;
	case ASK_SOCKS5:
		return socks5_reply(buf, c->socks5, bound);
	default:
		return http_reply((char *)buf, c->http, w->http_1_0);
	}
}

static enum refusal
refusal_of(const struct sess *s)
{
	const struct dest *d = s->extra->dest;

	return d != NULL && d->fault != DEST_OK ?
	    (enum refusal)faults[d->fault] : refusal_of_why(s->why);
}

/* What ends those that go to remotes. */
static enum refusal
refusal_of_why(enum sess_why why)
{
	switch (why) {
	case WHY_DENIED:
	case WHY_TARGET_DENIED:
		return REFUSAL_DENIED;
	case WHY_TARGET_NAME:
		return REFUSAL_HOST;
	case WHY_CONNECT:
		return REFUSAL_REFUSED;
	case WHY_CONNECT_TIMEOUT:
	case WHY_HANDSHAKE_TIMEOUT:
		return REFUSAL_TIMEOUT;
	case WHY_HANDSHAKE:
		return REFUSAL_GENERAL;
	default:
		return REFUSAL_LACKS;
	}
}

/* What a client still sends is nobody's; the end was decided before. */
enum step
answer_event(struct sess *s, struct end *e)
{
	char nowhere[4096];
	ssize_t n;
	int i;

	if (e != &s->client)
		return STEP_WAIT;
	for (i = 0; i < READS; i++) {
		n = end_read(e, nowhere, sizeof(nowhere));
		if (n == -1 && errno == EAGAIN) {
			e->readable = false;
			ev_io_again(&e->io, IO_READ);
			return STEP_WAIT;
		}
		if (n == 0 || (n == -1 && errno != EINTR))
			return STEP_END;
	}
	sess_resume(s);
	return STEP_WAIT;
}

enum step
answer_timeout(struct sess *s)
{
	if (ev_now() >= s->extra->wish->until)
		return STEP_END;
	sess_look_soon(s, s->extra->wish->until - ev_now());
	return STEP_WAIT;
}
