#include "compat.h"

#include "conf/conf.h"
#include "log.h"
#include "logger.h"
#include "sandbox.h"

static void	 cage_close(enum conf_sandbox);

void
cage_enter(int how)
{
	if (sandbox_basic(SANDBOX_LOGGER) == -1)
		fatal("sandbox");
	if (how != CONF_SANDBOX_OFF)
		cage_close((enum conf_sandbox)how);
}

static void
cage_close(enum conf_sandbox how)
{
	const struct sandbox box = { .role = SANDBOX_LOGGER };
	const char *err;

	if (sandbox_enter(&box, &err) == 0)
		return;
	/* What cannot be had at all, the master has said. */
	if (sandbox_missing() == NULL)
		lines_say("warning: sandbox: %s", err);
	if (how != CONF_SANDBOX_REQUIRE)
		return;
	lines_write();
	exit(1);
}
