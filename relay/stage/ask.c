#include "compat.h"

#include "authoriser.h"
#include "end.h"
#include "parse/httpconnect.h"
#include "parse/socks.h"
#include "peek.h"
#include "self.h"
#include "session.h"
#include "stage/ask.h"
#include "store.h"
#include "wish.h"

#define AT_ONCE		1024	/* bytes that are read, most: of those behind
				   the request the smallest buffer has room */

/* What has been said, as far as one message goes. */
struct said {
	struct request	 request;
	enum socks_wrong wrong;		/* of SOCKS */
	enum http_status status;	/* of CONNECT */
	unsigned	 offers;	/* of ASK_METHODS */
	int		 len;		/* -1: it makes no sense */
};

/* What has come of the client that is looked at: from at to end it is still to
 * be understood, and what of it is not is kept in the queue. */
static struct {
	uint8_t	 buf[HTTP_MAX];
	size_t	 at, end;
} heard;

static enum step ask_look(struct sess *);
static enum step ask_keep(struct sess *, enum step);
static enum step ask_messages(struct sess *);
static bool	 ask_begin(const struct sess *, struct wish *, uint8_t);
static void	 ask_parse(struct wish *, const uint8_t *, size_t,
		    struct said *);
static enum step ask_read(struct sess *);
static enum step ask_said(struct sess *, struct said *);
static enum step ask_methods(struct sess *, const struct said *);
static enum step ask_user(struct sess *, const struct request *);
static enum step ask_answered(struct sess *);
static enum step ask_socks(struct sess *, struct said *);
static enum step ask_http(struct sess *, struct said *);
static enum step ask_http_user(struct sess *, const struct request *);
static enum step ask_goes(struct sess *, const struct dest *);
static enum step ask_refuse(struct sess *, enum refusal, enum sess_why);
static enum step ask_lacks(struct sess *);
static enum step ask_tell(struct sess *, uint8_t, uint8_t, enum ask_next);

bool
ask_wanted(const struct path *p)
{
	return p->asks != 0;
}

enum step
ask_enter(struct sess *s)
{
	struct extra *x = sess_extra(s);

	if (x == NULL || (x->wish = calloc(1, sizeof(*x->wish))) == NULL)
		return ask_lacks(s);
	x->wish->need = 1;
	s->client.readable = true;
	return ask_look(s);
}

enum step
ask_event(struct sess *s, struct end *e)
{
	const struct question *q = s->extra->question;

	if (e->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	if (q != NULL && !q->answered)
		return STEP_WAIT;
	return q != NULL ? ask_answered(s) : ask_look(s);
}

/* Nothing is asked for twice: what comes behind the last message is the first
 * that goes to the remote. */
static enum step
ask_look(struct sess *s)
{
	struct end *e = &s->client;
	enum step step;

	heard.at = 0;
	heard.end = queue_peek(e->queue, (char *)heard.buf,
	    sizeof(heard.buf));
	queue_free(&e->queue);
	do
		step = ask_messages(s);
	while (step == STEP_AGAIN && (step = ask_read(s)) == STEP_AGAIN);
	if (step != STEP_END && heard.at < heard.end)
		step = ask_keep(s, step);
	explicit_bzero(heard.buf, heard.end);
	return step;
}

/* What is for later. A part of a message may stay so for long. */
static enum step
ask_keep(struct sess *s, enum step step)
{
	if (step == STEP_WAIT && store_full())
		return sess_end(s, WHO_RELAY, WHY_MEMORY, CUT_RESET);
	return queue_add(&s->client.queue, (char *)heard.buf + heard.at,
	    heard.end - heard.at) == 0 ? step : ask_lacks(s);
}

/* STEP_AGAIN: a message is there in part, or not yet. */
static enum step
ask_messages(struct sess *s)
{
	struct wish *w = s->extra->wish;
	enum step step = STEP_AGAIN;
	struct said said;

	while (step == STEP_AGAIN && heard.end - heard.at >= w->need) {
		if (w->next == ASK_FIRST && !ask_begin(s, w, heard.buf[0]))
			return sess_end(s, WHO_CLIENT, WHY_HANDSHAKE,
			    CUT_RESET);
		ask_parse(w, heard.buf + heard.at, heard.end - heard.at,
		    &said);
		if (said.len > 0)
			heard.at += (size_t)said.len;
		if (said.len != 0)
			step = ask_said(s, &said);
		explicit_bzero(&said.request, sizeof(said.request));
	}
	return step;
}

/* The first byte tells which protocol it is. False: none that is spoken. */
static bool
ask_begin(const struct sess *s, struct wish *w, uint8_t byte)
{
	const unsigned asks = s->path->asks;

	if (byte == SOCKS4 && (asks & CONF_ASK_SOCKS4))
		w->next = ASK_SOCKS4;
	else if (byte == SOCKS5 && (asks & CONF_ASK_SOCKS5))
		w->next = ASK_METHODS;
	else if (http_begins(byte) && (asks & CONF_ASK_CONNECT))
		w->next = ASK_HTTP;
	return w->next != ASK_FIRST;
}

static void
ask_parse(struct wish *w, const uint8_t *buf, size_t n, struct said *to)
{
	struct request *r = &to->request;

	memset(to, 0, sizeof(*to));
	switch (w->next) {
	case ASK_SOCKS4:
		to->len = socks4_request(buf, n, r, &to->wrong, &w->need);
		break;
	case ASK_METHODS:
		to->len = socks5_methods(buf, n, &to->offers, &w->need);
		break;
	case ASK_LOGIN:
		to->len = socks5_login(buf, n, r, &w->need);
		break;
	case ASK_SOCKS5:
		to->len = socks5_request(buf, n, r, &to->wrong, &w->need);
		break;
	default:
		to->len = http_request(buf, n, r, &to->status, &w->need);
		w->http_1_0 = to->len > 0 &&
		    http_is_1_0(buf, (size_t)to->len);
	}
	if (to->len != 0)
		w->need = 1;
}

static enum step
ask_read(struct sess *s)
{
	const size_t room = MIN(AT_ONCE, sizeof(heard.buf) - heard.end);
	struct end *e = &s->client;
	ssize_t n;

	if (!e->readable)
		return STEP_WAIT;
	n = end_read(e, heard.buf + heard.end, room);
	if (n == -1 && errno == EINTR)
		sess_resume(s);
	/* As of the pump: a short read has emptied the socket. */
	if ((n == -1 && errno == EAGAIN) ||
	    (n > 0 && (size_t)n < room && !e->hup)) {
		e->readable = false;
		ev_io_again(&e->io, IO_READ);
	}
	if (n <= 0)
		return peek_nothing(s, n);
	heard.end += (size_t)n;
	return STEP_AGAIN;
}

/* STEP_AGAIN: another message is to follow. */
static enum step
ask_said(struct sess *s, struct said *said)
{
	switch (s->extra->wish->next) {
	case ASK_METHODS:
		return ask_methods(s, said);
	case ASK_LOGIN:
		return said->len == -1 ? ask_refuse(s, REFUSAL_LOGIN,
		    WHY_HANDSHAKE) : ask_user(s, &said->request);
	case ASK_HTTP:
		return ask_http(s, said);
	default:
		return ask_socks(s, said);
	}
}

static enum step
ask_methods(struct sess *s, const struct said *said)
{
	const bool users = s->path->listen->users != NULL;

	if (!(said->offers & (users ? SOCKS_PASSWORD : SOCKS_NONE)))
		return ask_refuse(s, REFUSAL_LOGIN, users ? WHY_DENIED :
		    WHY_HANDSHAKE);
	return users ? ask_tell(s, SOCKS5, 2, ASK_LOGIN) :
	    ask_tell(s, SOCKS5, 0, ASK_SOCKS5);
}

/* The request of either version. In version 4 there are no passwords. */
static enum step
ask_socks(struct sess *s, struct said *said)
{
	struct wish *w = s->extra->wish;

	if (said->len == -1)
		return ask_refuse(s, REFUSAL_WRONG, WHY_HANDSHAKE);
	if (said->wrong == SOCKS_WRONG_COMMAND)
		return ask_refuse(s, REFUSAL_COMMAND, WHY_HANDSHAKE);
	if (said->wrong == SOCKS_WRONG_TYPE)
		return ask_refuse(s, REFUSAL_TYPE, WHY_HANDSHAKE);
	if (w->next == ASK_SOCKS4 && s->path->listen->users != NULL)
		return ask_refuse(s, REFUSAL_LOGIN, WHY_DENIED);
	if (w->next == ASK_SOCKS4 && said->request.user[0] != '\0' &&
	    (w->user = strdup(said->request.user)) == NULL)
		return ask_lacks(s);
	return ask_goes(s, &said->request.to);
}

static enum step
ask_http(struct sess *s, struct said *said)
{
	switch (said->status) {
	case HTTP_OK:
		return s->path->listen->users == NULL ?
		    ask_goes(s, &said->request.to) :
		    ask_http_user(s, &said->request);
	case HTTP_METHOD:
		return ask_refuse(s, REFUSAL_COMMAND, WHY_HANDSHAKE);
	case HTTP_LARGE:
		return ask_refuse(s, REFUSAL_LARGE, WHY_HANDSHAKE);
	case HTTP_VERSION:
		return ask_refuse(s, REFUSAL_VERSION, WHY_HANDSHAKE);
	default:
		return ask_refuse(s, REFUSAL_WRONG, WHY_HANDSHAKE);
	}
}

static enum step
ask_http_user(struct sess *s, const struct request *r)
{
	struct wish *w = s->extra->wish;

	if (r->user[0] == '\0')
		return ask_refuse(s, REFUSAL_LOGIN, WHY_DENIED);
	if ((w->dest = malloc(sizeof(*w->dest))) == NULL)
		return ask_lacks(s);
	*w->dest = r->to;
	return ask_user(s, r);
}

/* Somebody else knows the passwords. */
static enum step
ask_user(struct sess *s, const struct request *r)
{
	const struct conf_listen *l = s->path->listen;
	struct authline words = { .text = NULL };
	struct extra *x = s->extra;
	char client[ADDR_STRLEN];
	struct addr a;

	if ((x->wish->user = strdup(r->user)) == NULL)
		return ask_lacks(s);
	authline_add(&words, "listener", l->name);
	if (s->source.family != AF_UNIX) {
		source_addr(&s->source, &a);
		authline_add(&words, "client", addr_host_str(&a, client));
	}
	authline_add(&words, "user", r->user);
	authline_add(&words, "password", r->password);
	x->question = authoriser_ask(l->users_auth, s, &words);
	if (words.text != NULL)
		explicit_bzero(words.text, words.len);
	free(words.text);
	return x->question != NULL ? STEP_WAIT : ask_lacks(s);
}

static enum step
ask_answered(struct sess *s)
{
	struct wish *w = s->extra->wish;
	const bool yes = s->extra->question->reply.answer == ANSWER_PERMIT;
	enum step step;

	authoriser_forget(&s->extra->question);
	if (!yes)
		return ask_refuse(s, REFUSAL_LOGIN, WHY_DENIED);
	if (w->dest != NULL)
		return ask_goes(s, w->dest);
	step = ask_tell(s, 1, 0, ASK_SOCKS5);
	return step == STEP_AGAIN ? ask_look(s) : step;
}

/* The stage is over: this is where the session goes. */
static enum step
ask_goes(struct sess *s, const struct dest *to)
{
	struct extra *x = s->extra;

	if ((x->dest = malloc(sizeof(*x->dest))) == NULL)
		return ask_lacks(s);
	*x->dest = *to;
	x->wish->owed = true;
	if (s->path->listen->users != NULL)
		authoriser_expect(s->path->listen->users_auth, -1);
	return STEP_NEXT;
}

static enum step
ask_refuse(struct sess *s, enum refusal refusal, enum sess_why why)
{
	struct wish *w = s->extra->wish;

	w->refusal = (uint8_t)refusal;
	w->owed = true;
	return sess_end(s, why == WHY_DENIED ? WHO_RELAY : WHO_CLIENT, why,
	    CUT_RESET);
}

static enum step
ask_lacks(struct sess *s)
{
	sess_warn(s, "what the client asks for", errno);
	return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
}

/* Short, and nothing much has been written before it: there is room. */
static enum step
ask_tell(struct sess *s, uint8_t version, uint8_t what, enum ask_next next)
{
	const uint8_t word[2] = { version, what };
	const ssize_t n = end_write(&s->client, word, sizeof(word));

	s->extra->wish->next = (uint8_t)next;
	if (n == sizeof(word))
		return STEP_AGAIN;
	return sess_end(s, WHO_CLIENT, n == -1 && (errno == EPIPE ||
	    errno == ECONNRESET) ? WHY_RESET : WHY_ERROR, CUT_RESET);
}
