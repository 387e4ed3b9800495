#include "compat.h"

#include "authoriser.h"
#include "end.h"
#include "parse/httpconnect.h"
#include "parse/socks.h"
#include "peek.h"
#include "self.h"
#include "session.h"
#include "stage/ask.h"
#include "wish.h"

/* What has been said, as far as one message goes. */
struct said {
	struct request	 request;
	enum socks_wrong wrong;		/* of SOCKS */
	enum http_status status;	/* of CONNECT */
	unsigned	 offers;	/* of ASK_METHODS */
	int		 len;		/* -1: it makes no sense */
};

static enum step ask_look(struct sess *);
static ssize_t	 ask_peek(struct end *, const struct wish *, uint8_t *,
		    size_t);
static bool	 ask_begin(const struct sess *, struct wish *, uint8_t);
static void	 ask_parse(struct wish *, const uint8_t *, size_t,
		    struct said *);
static bool	 ask_is_amid(struct wish *, const uint8_t *, size_t);
static enum step ask_more(struct sess *);
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

/* Message after message, and not a byte of what follows the last one. */
static enum step
ask_look(struct sess *s)
{
	static uint8_t buf[HTTP_MAX];
	struct wish *w = s->extra->wish;
	struct said said;
	enum step step;
	ssize_t n;

	do {
		if ((n = ask_peek(&s->client, w, buf, sizeof(buf))) <= 0)
			return peek_nothing(s, n);
		if (w->next == ASK_FIRST && !ask_begin(s, w, buf[0]))
			return sess_end(s, WHO_CLIENT, WHY_HANDSHAKE,
			    CUT_RESET);
		if (s->client.layered && ask_is_amid(w, buf, (size_t)n)) {
			step = STEP_AGAIN;
			continue;
		}
		ask_parse(w, buf, (size_t)n, &said);
		if (said.len > 0 && peek_take(&s->client, buf,
		    (size_t)said.len) == -1)
			return sess_end(s, WHO_CLIENT, WHY_ERROR, CUT_RESET);
		step = said.len == 0 ? ask_more(s) : ask_said(s, &said);
		explicit_bzero(&said.request, sizeof(said.request));
	} while (step == STEP_AGAIN);
	explicit_bzero(buf, (size_t)n);
	return step;
}

/* Of a layer there is no more to be seen than what is to be taken. */
static ssize_t
ask_peek(struct end *e, const struct wish *w, uint8_t *buf, size_t size)
{
	return peek_at(e, buf, e->layered ? MIN(w->need, size) : size);
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

/* Only an empty line ends a head of HTTP: as it comes from a layer by a byte or
 * two, it is not looked at before. */
static bool
ask_is_amid(struct wish *w, const uint8_t *buf, size_t n)
{
	const uint8_t last = buf[n - 1];

	if (w->next != ASK_HTTP || n >= HTTP_MAX || (n > 2 && last == '\n' &&
	    (buf[n - 2] == '\n' || (buf[n - 2] == '\r' &&
	    buf[n - 3] == '\n'))))
		return false;
	w->need = n + (last == '\r' || last == '\n' ? 1 : 2);
	return true;
}

static enum step
ask_more(struct sess *s)
{
	if (s->client.layered)
		return STEP_AGAIN;
	return peek_more(&s->client, s->extra->wish->need) ? STEP_WAIT :
	    peek_nothing(s, 0);
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
