#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "sockopt.h"

/* What <netinet/in.h> may lack, by the numbers of IANA and of Linux. */
#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP	132
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif
#define NO_DELAY_SCTP	3	/* SCTP_NODELAY, RFC 6458 */

#define DEFERRED	30	/* s that a client may be silent; then it is
				   accepted all the same */

/* An option, and what it is to be instead of what it is. */
struct change {
	const char	*what;
	int		 row;
	int		 from, to;
	bool		 systems;	/* 0 is what a new socket has */
};

static int	 change(int, int, const struct change *);
static int	 change_to(int, const struct change *, int *);
static int	 set(int, int, int);
static int	 seconds(uint64_t);
static bool	 same_text(const char *, const char *);

bool
sockopt_same_socket(const struct conf_socket *a, const struct conf_socket *b)
{
	return a->protocol == b->protocol && a->freebind == b->freebind &&
	    same_text(a->interface, b->interface);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int
sockopt_socket(int family, const struct conf_socket *s, const char **whatp)
{
	static const int protocols[] = { [CONF_TCP] = 0,
	    [CONF_MPTCP] = IPPROTO_MPTCP, [CONF_SCTP] = IPPROTO_SCTP };
	int fd, saved;

	*whatp = s->protocol != CONF_TCP ? "protocol" : NULL;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    protocols[s->protocol]);
	if (fd == -1)
		return -1;
	*whatp = "freebind";
	if (!s->freebind || set(fd, family == AF_INET6 ? SOCKOPT_FREEBIND6 :
	    SOCKOPT_FREEBIND, 1) == 0) {
		*whatp = "interface";
		if (s->interface == NULL ||
		    sockopt_interface(fd, s->interface) == 0)
			return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
sockopt_change(int fd, int family, const struct conf_socket *from,
    const struct conf_socket *to, const char **whatp)
{
	static const struct conf_socket fresh;
	const struct conf_socket *f = from == NULL ? &fresh : from;
	const struct change all[] = {
		{ "dscp", SOCKOPT_TOS, (int)f->dscp << 2, (int)to->dscp << 2,
		    false },
		{ "dscp", SOCKOPT_TCLASS, (int)f->dscp << 2,
		    (int)to->dscp << 2, false },
		{ "defer-accept", SOCKOPT_DEFER,
		    f->defer_accept ? DEFERRED : 0,
		    to->defer_accept ? DEFERRED : 0, false },
		{ "fastopen", SOCKOPT_FASTOPEN, (int)f->fastopen,
		    (int)to->fastopen, false },
		{ "keepalive-idle", SOCKOPT_IDLE, seconds(f->keepalive_idle),
		    seconds(to->keepalive_idle), true },
		{ "keepalive-interval", SOCKOPT_INTERVAL,
		    seconds(f->keepalive_interval),
		    seconds(to->keepalive_interval), true },
		{ "keepalive-count", SOCKOPT_COUNT, (int)f->keepalive_count,
		    (int)to->keepalive_count, true },
		{ "user-timeout", SOCKOPT_USER_TIMEOUT,
		    (int)f->user_timeout, (int)to->user_timeout, false },
	};
	size_t i;
	int done = 0;

	for (i = 0; i < nitems_of(all); i++)
		if (change(fd, family, &all[i]) == -1) {
			*whatp = all[i].what;
			done = -1;
		}
	return done;
}

static int
seconds(uint64_t ms)
{
	return (int)((ms + 999) / 1000);
}

static int
change(int fd, int family, const struct change *c)
{
	int to = c->to;

	if (c->from == c->to ||
	    (c->row == SOCKOPT_TCLASS && family != AF_INET6))
		return 0;
	if (c->to == 0 && c->systems && change_to(family, c, &to) == -1)
		return -1;
	/* Some systems have none of IPv4 for a socket of IPv6. */
	return set(fd, c->row, to) == -1 &&
	    !(c->row == SOCKOPT_TOS && family == AF_INET6) ? -1 : 0;
}

/* What a new socket has is asked of one. */
static int
change_to(int family, const struct change *c, int *to)
{
	const struct sockopt *o = &sockopt_names[c->row];
	int other = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), done;

	if (other == -1)
		return -1;
	done = sockopt_get(other, o->level, o->name, to);
	close(other);
	return done;
}

int
sockopt_get(int fd, int level, int name, int *value)
{
	socklen_t len = sizeof(*value);

	if (getsockopt(fd, level, name, value, &len) == -1)
		return -1;
	if (len == sizeof(*value))
		return 0;
	errno = EPROTO;
	return -1;
}

int
sockopt_error(int fd)
{
	int error;

	return sockopt_get(fd, SOL_SOCKET, SO_ERROR, &error) == -1 ? errno :
	    error;
}

static int
set(int fd, int row, int value)
{
	const struct sockopt *o = &sockopt_names[row];

	if (o->name != 0)
		return setsockopt(fd, o->level, o->name, &value,
		    sizeof(value));
	errno = ENOPROTOOPT;
	return -1;
}

/* Urgent data keeps its place in the stream, see the relay's CONNECT; there is
 * none but with TCP. */
int
sockopt_common(int fd, const struct conf_socket *s)
{
	const int on = 1, sctp = s->protocol == CONF_SCTP;

	if (setsockopt(fd, sctp ? IPPROTO_SCTP : IPPROTO_TCP,
	    sctp ? NO_DELAY_SCTP : TCP_NODELAY, &on, sizeof(on)) == -1)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on,
	    sizeof(on)) == -1 && s->protocol == CONF_TCP ? -1 : 0;
}

int
sockopt_bind(int fd, const struct addr *a)
{
	set(fd, SOCKOPT_LATE_PORT, 1);
	return bind(fd, &a->sa, a->len);
}

const char *
sockopt_why(const struct conf_socket *s, const char *what, int err)
{
	static char buf[256];
	const char *more = "";

	if (what == NULL)
		return strerror(err);
	if (strcmp(what, "protocol") == 0)
		more = "; this kernel does not have it, or not switched on";
	else if (err == ENOPROTOOPT || err == EOPNOTSUPP)
		more = "; such a socket has none here, leave it out";
	else if (err == EPERM)
		more = "; start it as root, or with CAP_NET_RAW";
	if (strcmp(what, "interface") == 0)
		snprintf(buf, sizeof(buf), "interface \"%s\": %s%s",
		    s->interface, strerror(err), more);
	else
		snprintf(buf, sizeof(buf), "%s: %s%s", what, strerror(err),
		    more);
	return buf;
}

const char *
sockopt_lacks(const struct conf_socket *s)
{
	const struct { const char *what; bool given; int row; } all[] = {
		{ "freebind", s->freebind, SOCKOPT_FREEBIND },
		{ "defer-accept", s->defer_accept, SOCKOPT_DEFER },
		{ "fastopen", s->fastopen != 0, SOCKOPT_FASTOPEN },
		{ "keepalive-idle", s->keepalive_idle != 0, SOCKOPT_IDLE },
		{ "keepalive-interval", s->keepalive_interval != 0,
		    SOCKOPT_INTERVAL },
		{ "keepalive-count", s->keepalive_count != 0,
		    SOCKOPT_COUNT },
		{ "user-timeout", s->user_timeout != 0,
		    SOCKOPT_USER_TIMEOUT },
	};
	size_t i;

	if (s->interface != NULL && !sockopt_has_interface)
		return "interface";
	for (i = 0; i < nitems_of(all); i++)
		if (all[i].given && sockopt_names[all[i].row].name == 0)
			return all[i].what;
	return NULL;
}
