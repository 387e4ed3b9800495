#include "compat.h"

#include <sys/stat.h>

#include <time.h>

#include "conf/conf.h"
#include "log.h"
#include "logger.h"
#include "safe.h"
#include "sandbox.h"

static void	 cage_close(enum conf_sandbox, int);
static bool	 cage_is(int, struct stat *);

static struct stat	 within;	/* what we may write beneath */

void
cage_enter(int how)
{
	const char *file = target_file();
	const int beneath = file != NULL ? safe_beneath(file) : -1;

	tzset();	/* syslog(3) tells the time by a file */
	if (sandbox_basic(SANDBOX_LOGGER) == -1)
		fatal("sandbox");
	cage_is(beneath, &within);
	if (how != CONF_SANDBOX_OFF)
		cage_close((enum conf_sandbox)how, beneath);
	if (beneath != -1)
		close(beneath);
}

static void
cage_close(enum conf_sandbox how, int beneath)
{
	const struct sandbox box = { .role = SANDBOX_LOGGER,
	    .beneath = beneath };
	const char *err;

	sandbox_early();
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

bool
cage_moved(void)
{
	const char *file = target_file();
	const int beneath = file != NULL ? safe_beneath(file) : -1;
	struct stat now;
	bool moved;

	if (beneath == -1)
		return false;
	moved = cage_is(beneath, &now) && (now.st_dev != within.st_dev ||
	    now.st_ino != within.st_ino);
	close(beneath);
	return moved;
}

static bool
cage_is(int fd, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	return fd != -1 && fstat(fd, st) == 0;
}
