#include "compat.h"

#include <inttypes.h>

#include "ipc.h"
#include "log.h"
#include "proc/trace.h"
#include "tell/trace.h"

static const char *trace_words(const char *, struct proto_trace *,
		    char [64]);

void
trace_request(struct client *c, const char *words)
{
	struct proto_trace what;
	char net[64], *text;
	const char *error = trace_words(words, &what, net);
	size_t len;
	int sv[2];

	if (error == NULL && ipc_pair(sv) == -1)
		error = strerror(errno);
	if (error != NULL) {
		control_answer(c, error, NULL, 0);
		return;
	}
	if (trace_begin(sv[1], &what, &text, &len) == -1) {
		close(sv[0]);
		control_answer(c, errno == EBUSY ? "too many trace already; "
		    "end one of these first" : strerror(errno), NULL, 0);
		return;
	}
	log_info("traces clients by request of spawnctl: %s", net);
	control_answer_fd(c, text, len, sv[0]);
	free(text);
}

/* NULL, or what is wrong (static storage). */
static const char *
trace_words(const char *words, struct proto_trace *what, char net[64])
{
	const char *err;

	memset(what, 0, sizeof(*what));
	if (sscanf(words, "client %63s %" SCNu64, net, &what->ms) != 2)
		return "trace needs client, a network, and for how long";
	return acl_parse_network(net, &what->rule, &err) == -1 ? err : NULL;
}
