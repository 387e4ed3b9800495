#include "compat.h"

#include "conf/parse.h"

/* What is for sessions, of which such a listener has none. */
static const char *const others[] = { "relay", "tls", "auth", "ask", "users",
	"handshake-timeout", "proxy-from", "filters", "max-sessions",
	"source-sessions", "source-rate", "source-burst", "source-prefix",
	"source-prefix6", "over-limit", "reserve", "sticky", "sticky-period",
	"sticky-size" };

void
conf_check_serve(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	size_t i;

	if (l->serve != SERVE_STATUS)
		return;
	if (!conf_can_status)
		conf_check_fail(c, conf_line_of(sec, "serve"), "serve = "
		    "status: spawnd was built without libevent; install its "
		    "development files, and configure and build again");
	if (l->socket.protocol == CONF_SCTP)
		conf_check_fail(c, conf_line_of(sec, "protocol"), "the status "
		    "is told by TCP; leave out protocol");
	if (l->nroutes != 0)
		conf_check_fail(c, conf_line(conf_child(sec, "route", 0)),
		    "route is for sessions, and a listener with serve = status "
		    "has none; leave it out");
	for (i = 0; i < nitems_of(others); i++)
		if (conf_value(sec, others[i], 0) != NULL)
			conf_check_fail(c, conf_line_of(sec, others[i]), "%s "
			    "is for sessions, and a listener with serve = "
			    "status has none; leave it out", others[i]);
}
