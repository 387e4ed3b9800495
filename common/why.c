#include "compat.h"

#include "why.h"

static const char * const who_names[] = {
	[WHO_CLIENT] = "client", [WHO_REMOTE] = "remote",
	[WHO_RELAY] = "relay"
};
static const char * const why_names[] = {
	[WHY_FIN] = "fin", [WHY_RESET] = "reset", [WHY_IDLE] = "idle-timeout",
	[WHY_HALF_CLOSE] = "half-close-timeout",
	[WHY_CONNECT] = "connect-failed",
	[WHY_CONNECT_TIMEOUT] = "connect-timeout",
	[WHY_NO_REMOTE] = "no-remote", [WHY_DRAIN] = "drain-timeout",
	[WHY_GENERATIONS] = "max-generations", [WHY_STOPPED] = "stopped",
	[WHY_ERROR] = "error", [WHY_HANDSHAKE_TIMEOUT] = "handshake-timeout",
	[WHY_PROXY_HEADER] = "proxy-header", [WHY_DENIED] = "denied",
	[WHY_HANDSHAKE] = "handshake", [WHY_MEMORY] = "memory",
	[WHY_REMOTE_DOWN] = "remote-down",
	[WHY_LIMIT] = "limit", [WHY_TARGET_DENIED] = "target-denied",
	[WHY_TARGET_NAME] = "target-name",
	[WHY_MATCH] = "match", [WHY_FAULT] = "fault",
	[WHY_PROGRAM] = "program", [WHY_KILLED] = "killed"
};

const char *
why_who(unsigned who)
{
	return who_names[who];
}

const char *
why_name(unsigned why)
{
	return why_names[why];
}
