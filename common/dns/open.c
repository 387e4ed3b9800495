#include "compat.h"

#include "dns/open.h"

#define TIMEOUT		2000	/* ms for an answer, at first */
#define TRIES		3

int
dns_open(ares_channel *channel, ares_sock_state_cb sockets, bool as_is,
    const char **errp)
{
	char by_server[] = "b";
	struct ares_options o = { .timeout = TIMEOUT, .tries = TRIES,
		.sock_state_cb = sockets, .lookups = by_server,
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES };
	int r = ares_library_init(ARES_LIB_INIT_ALL);

	if (r == ARES_SUCCESS)
		r = ares_init_options(channel, &o, ARES_OPT_TIMEOUTMS |
		    ARES_OPT_TRIES |
		    (as_is ? ARES_OPT_LOOKUPS | ARES_OPT_FLAGS : 0) |
		    (sockets != NULL ? ARES_OPT_SOCK_STATE_CB : 0));
	*errp = ares_strerror(r);
	return r == ARES_SUCCESS ? 0 : -1;
}
