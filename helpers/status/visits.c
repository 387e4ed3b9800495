#include "compat.h"

#include <sys/socket.h>

#include <event2/buffer.h>

#include "answers.h"
#include "http.h"
#include "visits.h"

#define ASKS	10000	/* ms for a request */
#define TAKES	30000	/* ms for its answer */
#define LEAVES	2000	/* ms for it to go when it has been answered */
#define LEAVE_MOST	(256 * 1024)	/* bytes that are read until then */

enum visit_state { VISIT_ASKS, VISIT_WAITS, VISIT_TAKES, VISIT_LEAVES };

struct visit {
	TAILQ_ENTRY(visit)	 entry;
	struct ev_io		 io;
	struct ev_timer		 timer;
	struct ev_task		 gone;
	enum visit_state	 state;
	struct http_request	 request;
	enum views_form		 form;		/* that it waits for */
	struct evbuffer		*out;
	size_t			 holds;		/* bytes of its answer */
	size_t			 len;
	char			 head[HTTP_HEAD_MAX];
};

static void	 make_room(void);
static void	 visit_event(struct ev_io *, int);
static void	 visit_late(struct ev_timer *);
static void	 visit_read(struct visit *);
static void	 visit_asks(struct visit *, int);
static void	 visit_answer(struct visit *);
static void	 make_memory(void);
static void	 visit_refuse(struct visit *, int);
static void	 visit_begin_write(struct visit *, int);
static int	 visit_cut(struct visit *);
static void	 visit_write(struct visit *);
static void	 visit_leave(struct visit *);
static void	 visit_let_go(struct visit *);
static void	 visit_close(struct visit *);
static void	 visit_free(struct ev_task *);

static TAILQ_HEAD(, visit)	 visits = TAILQ_HEAD_INITIALIZER(visits);
static unsigned			 nvisits;
static size_t			 held;		/* by all */

void
visits_add(int fd)
{
	struct visit *v;

	make_room();
	if ((v = calloc(1, sizeof(*v))) == NULL) {
		close(fd);
		return;
	}
	ev_timer_init(&v->timer, visit_late);
	if ((v->out = evbuffer_new()) == NULL || ev_io_add(&v->io, fd,
	    IO_READ | IO_WRITE, visit_event) == -1) {
		if (v->out != NULL)
			evbuffer_free(v->out);
		free(v);
		close(fd);
		return;
	}
	TAILQ_INSERT_TAIL(&visits, v, entry);
	nvisits++;
	ev_timer_set(&v->timer, ASKS);
}

/* Who connects and says nothing keeps nobody out. */
static void
make_room(void)
{
	struct visit *v;

	if (nvisits < VISITS_MAX)
		return;
	TAILQ_FOREACH(v, &visits, entry)
		if (v->state == VISIT_ASKS || v->state == VISIT_LEAVES)
			break;
	if (v == NULL)
		v = TAILQ_FIRST(&visits);
	visit_close(v);
}

void
visits_answer(enum views_form form, bool known)
{
	struct visit *v, *next;

	TAILQ_FOREACH_SAFE(v, &visits, entry, next) {
		if (v->state != VISIT_WAITS || v->form != form)
			continue;
		if (known)
			visit_answer(v);
		else
			visit_refuse(v, 503);
	}
}

static void
visit_event(struct ev_io *io, int what)
{
	struct visit *v = container_of(io, struct visit, io);

	if (v->state == VISIT_TAKES)
		visit_write(v);
	else if (v->state == VISIT_LEAVES)
		visit_leave(v);
	else if (v->state == VISIT_ASKS && (what & IO_READ))
		visit_read(v);
}

static void
visit_late(struct ev_timer *t)
{
	struct visit *v = container_of(t, struct visit, timer);

	if (v->state == VISIT_ASKS && v->len != 0)
		visit_refuse(v, 408);
	else
		visit_close(v);
}

static void
visit_read(struct visit *v)
{
	ssize_t n;
	int wrong;

	while ((n = recv(v->io.fd, v->head + v->len,
	    sizeof(v->head) - v->len, 0)) > 0) {
		v->len += (size_t)n;
		wrong = http_read(&v->request, v->head, v->len);
		if (wrong != -1) {
			visit_asks(v, wrong);
			return;
		}
		if (v->len == sizeof(v->head)) {	/* ends of lines */
			visit_refuse(v, 431);
			return;
		}
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		ev_io_again(&v->io, IO_READ);
	else
		visit_close(v);
}

static void
visit_asks(struct visit *v, int wrong)
{
	if (wrong == 0 && !answers_has(v->request.path, &v->form))
		wrong = 404;
	if (wrong != 0) {
		visit_refuse(v, wrong);
		return;
	}
	v->state = VISIT_WAITS;
	ev_timer_set(&v->timer, TAKES);
	if (views_want(v->form))
		visit_answer(v);
}

static void
visit_answer(struct visit *v)
{
	while (held >= VISITS_HOLD)
		make_memory();
	visit_begin_write(v, answers_write(v->out, v->request.path));
}

/* Of those who ask for much and do not read it, who has had most time for it
 * goes: he keeps nobody from knowing. */
static void
make_memory(void)
{
	struct visit *v;

	TAILQ_FOREACH(v, &visits, entry)
		if (v->holds != 0)
			break;
	visit_close(v);
}

static void
visit_refuse(struct visit *v, int status)
{
	visit_begin_write(v, answers_refuse(v->out, status));
}

/* Of HEAD all is sent but the body. */
static void
visit_begin_write(struct visit *v, int done)
{
	if (done == -1 || (v->request.head && visit_cut(v) == -1)) {
		visit_close(v);
		return;
	}
	v->state = VISIT_TAKES;
	v->holds = evbuffer_get_length(v->out);
	held += v->holds;
	ev_timer_set(&v->timer, TAKES);
	visit_write(v);
}

static int
visit_cut(struct visit *v)
{
	const struct evbuffer_ptr end = evbuffer_search(v->out, "\r\n\r\n",
	    4, NULL);
	struct evbuffer *head = evbuffer_new();

	if (head == NULL)
		return -1;
	evbuffer_remove_buffer(v->out, head, (size_t)end.pos + 4);
	evbuffer_free(v->out);
	v->out = head;
	return 0;
}

static void
visit_write(struct visit *v)
{
	while (evbuffer_get_length(v->out) > 0) {
		if (evbuffer_write(v->out, v->io.fd) > 0)
			continue;
		if (errno == EAGAIN || errno == EINTR)
			ev_io_again(&v->io, IO_WRITE);
		else
			visit_close(v);
		return;
	}
	if (shutdown(v->io.fd, SHUT_WR) == -1) {
		visit_close(v);
		return;
	}
	v->state = VISIT_LEAVES;
	visit_let_go(v);
	ev_timer_set(&v->timer, LEAVES);
	visit_leave(v);
}

/* What is not read would turn into an RST, which takes the answer away. */
static void
visit_leave(struct visit *v)
{
	ssize_t n;

	while ((n = recv(v->io.fd, v->head, sizeof(v->head), 0)) > 0)
		if ((v->len += (size_t)n) > LEAVE_MOST)
			break;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		ev_io_again(&v->io, IO_READ);
	else
		visit_close(v);
}

static void
visit_let_go(struct visit *v)
{
	held -= v->holds;
	v->holds = 0;
}

static void
visit_close(struct visit *v)
{
	if (v->io.fd == -1)
		return;
	visit_let_go(v);
	ev_timer_stop(&v->timer);
	ev_io_close(&v->io);
	TAILQ_REMOVE(&visits, v, entry);
	nvisits--;
	ev_defer(&v->gone, visit_free);
}

static void
visit_free(struct ev_task *t)
{
	struct visit *v = container_of(t, struct visit, gone);

	evbuffer_free(v->out);
	free(v);
}
