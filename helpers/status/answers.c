#include "compat.h"

#include <event2/buffer.h>

#include "answers.h"
#include "html.h"
#include "http.h"
#include "metrics.h"
#include "page.h"

#define TEXT	"text/plain; charset=utf-8"

struct answer;
struct made;

static int	 answer_share(struct evbuffer *, const struct answer *,
		    struct made *);
static int	 answer_make(const struct answer *, struct made *);
static int	 page(struct evbuffer *);
static int	 json(struct evbuffer *);
static int	 metrics_page(struct evbuffer *);
static int	 health(struct evbuffer *);
static int	 ready(struct evbuffer *);
static bool	 some_up(const struct rows *);
static int	 plain(struct evbuffer *, int, const char *);

static const struct answer {
	const char	*path;
	enum views_form	 form;
	int		(*write)(struct evbuffer *);
} answers[] = {
	{ "/", VIEWS_ROWS, page },
	{ "/status.json", VIEWS_JSON, json },
	{ "/metrics", VIEWS_ROWS, metrics_page },
	{ "/healthz", VIEWS_ROWS, health },
	{ "/readyz", VIEWS_ROWS, ready },
};
static struct made {
	struct evbuffer	*bytes;
	unsigned	 turn;		/* of what they tell */
} made[nitems_of(answers)];

bool
answers_has(const char *path, enum views_form *form)
{
	size_t i;

	for (i = 0; i < nitems_of(answers); i++)
		if (strcmp(answers[i].path, path) == 0) {
			*form = answers[i].form;
			return true;
		}
	return false;
}

int
answers_write(struct evbuffer *b, const char *path)
{
	size_t i;

	for (i = 0; i < nitems_of(answers); i++)
		if (strcmp(answers[i].path, path) == 0)
			return answer_share(b, &answers[i], &made[i]);
	return answers_refuse(b, 404);
}

/* It is made once for all who ask, until more is known: many cost hardly more
 * than one, in time and in memory. */
static int
answer_share(struct evbuffer *b, const struct answer *a, struct made *m)
{
	const unsigned turn = views_known()->turn[a->form];

	if ((m->bytes == NULL || m->turn != turn) &&
	    answer_make(a, m) == -1)
		return -1;
	m->turn = turn;
	return evbuffer_add_buffer_reference(b, m->bytes);
}

static int
answer_make(const struct answer *a, struct made *m)
{
	struct evbuffer *b = evbuffer_new();

	if (b == NULL)
		return -1;
	if (a->write(b) == -1) {
		evbuffer_free(b);
		return -1;
	}
	if (m->bytes != NULL)
		evbuffer_free(m->bytes);
	m->bytes = b;
	return 0;
}

int
answers_refuse(struct evbuffer *b, int status)
{
	switch (status) {
	case 404:
		return plain(b, status, "There is nothing here; see / for all"
		    " that there is.\n");
	case 405:
		html_put(b, "Here one can only look.\n");
		return http_answer(b, status, TEXT, "Allow: GET, HEAD\r\n");
	case 408:
		return plain(b, status, "The request took too long.\n");
	case 503:
		return plain(b, status, "spawnd does not answer.\n");
	default:
		return plain(b, status, "That was no request.\n");
	}
}

static int
plain(struct evbuffer *b, int status, const char *text)
{
	html_put(b, text);
	return http_answer(b, status, TEXT, NULL);
}

/* Nothing from elsewhere; nobody else's script or style, even if a text that is
 * shown were taken for one. */
static int
page(struct evbuffer *b)
{
	char nonce[33], more[400];
	unsigned i;

	for (i = 0; i < sizeof(nonce) - 1; i += 8)
		snprintf(nonce + i, sizeof(nonce) - i, "%08x",
		    (unsigned)arc4random());
	snprintf(more, sizeof(more), "Content-Security-Policy: "
	    "default-src 'none'; script-src 'nonce-%s'; "
	    "style-src 'nonce-%s'; connect-src 'self'; img-src data:; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
	    nonce, nonce);
	page_write(b, &views_known()->rows, nonce);
	return http_answer(b, 200, "text/html; charset=utf-8", more);
}

/* Each view as spawnctl --json has it. */
static int
json(struct evbuffer *b)
{
	const struct views *v = views_known();
	const char *before = "{";
	size_t i;

	for (i = 0; i < SIGHT_VIEWS; i++) {
		if (v->json[i] == NULL)
			continue;
		html_printf(b, "%s\"%s\":\n", before, sight_views[i]);
		html_put(b, v->json[i]);
		before = ",\n";
	}
	html_put(b, *before == '{' ? "{}\n" : "}\n");
	return http_answer(b, 200, "application/json", NULL);
}

static int
metrics_page(struct evbuffer *b)
{
	if (metrics_write(b, &views_known()->rows) == -1)
		return -1;
	return http_answer(b, 200, METRICS_TYPE, NULL);
}

static int
health(struct evbuffer *b)
{
	return plain(b, 200, "ok\n");
}

static int
ready(struct evbuffer *b)
{
	const struct views *v = views_known();

	if (v->stopping)
		return plain(b, 503, "spawnd ends\n");
	if (sight_rows(&v->rows, "summary") == NULL)
		return plain(b, 503, "spawnd starts\n");
	if (!some_up(sight_rows(&v->rows, "remotes")))
		return plain(b, 503, "no remote is up\n");
	return plain(b, 200, "ready\n");
}

/* Who has no remotes, as a proxy has, needs none. */
static bool
some_up(const struct rows *r)
{
	const char *state;
	size_t row;

	if (r == NULL || r->nrows == 0)
		return true;
	for (row = 0; row < r->nrows; row++)
		if ((state = rows_cell(r, row, "state")) == NULL ||
		    strcmp(state, "up") == 0)
			return true;
	return false;
}
