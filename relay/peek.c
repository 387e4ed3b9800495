#include "compat.h"

#include "peek.h"
#include "session.h"

#define UNIX_LOOK	20	/* ms between looks at a unix socket */

static void	 peek_lowat(struct end *, size_t);
static bool	 peek_is_unix(const struct end *);

ssize_t
peek_at(struct end *e, void *buf, size_t len)
{
	const ssize_t n = recv(e->io.fd, buf, len, MSG_PEEK);

	if (n == -1 && errno == EAGAIN) {
		e->readable = false;
		ev_io_again(&e->io, IO_READ);
	}
	return n;
}

enum step
peek_nothing(struct sess *s, ssize_t n)
{
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return STEP_WAIT;
	return n == 0 ? sess_end(s, WHO_CLIENT, WHY_FIN, CUT_NONE) :
	    sess_end(s, WHO_CLIENT, errno == ECONNRESET ? WHY_RESET :
	    WHY_ERROR, CUT_RESET);
}

bool
peek_more(struct end *e, size_t need)
{
	/* Urgent data is told of in the same way, and ends nothing. */
	if (e->hup && !e->urgent)
		return false;
	/* They know no SO_RCVLOWAT. Edges come all the same, and where there
	 * are none the rest is looked for: it may be there. */
	if (peek_is_unix(e)) {
		sess_look_soon(sess_of(e), UNIX_LOOK);
		return true;
	}
	e->readable = false;
	peek_lowat(e, need);
	ev_io_again(&e->io, IO_READ);
	return true;
}

static bool
peek_is_unix(const struct end *e)
{
	return !e->remote && sess_sender(sess_of(e))->family == AF_UNIX;
}

static void
peek_lowat(struct end *e, size_t n)
{
	const int bytes = (int)n;

	setsockopt(e->io.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
	e->lowat = n != 1;
}

int
peek_take(struct end *e, void *buf, size_t len)
{
	ssize_t n = (ssize_t)len;

	if (len != 0)
		n = recv(e->io.fd, buf, len, 0);
	if (e->lowat)
		peek_lowat(e, 1);
	/* Whether there is more behind it, nobody has seen. */
	e->readable = true;
	if (n != -1 && (size_t)n != len)
		errno = EPROTO;
	return n != -1 && (size_t)n == len ? 0 : -1;
}
