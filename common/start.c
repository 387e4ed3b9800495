#include "compat.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <signal.h>

#include "log.h"
#include "proto.h"
#include "start.h"

bool
start_has_channel(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

unsigned
start_number(const char *text, const char *what)
{
	const char *err;
	long long n = strtonum(text, 0, UINT32_MAX, &err);

	if (err != NULL)
		fatalx("%s \"%s\" is %s", what, text, err);
	return (unsigned)n;
}

void
start_version(const char *text)
{
	if (start_number(text, "version") != PROTO_VERSION)
		fatalx("the master speaks version %s, this program %u: it "
		    "was replaced without an upgrade", text, PROTO_VERSION);
}

void
start_descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur == rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

void
start_signals(void)
{
	sigset_t none;

	signal(SIGXFSZ, SIG_IGN);	/* a limit is an error of write(2) */
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
start_confine(const struct sandbox *box, enum conf_sandbox how)
{
	const char *err;

	if (sandbox_basic(box->role) == -1)
		fatal("sandbox");
	if (how == CONF_SANDBOX_OFF || sandbox_enter(box, &err) == 0)
		return;
	if (how == CONF_SANDBOX_REQUIRE)
		fatalx("sandbox: %s", err);
	/* What cannot be had at all, the master has said. */
	if (sandbox_missing() == NULL)
		log_warnx("sandbox: %s", err);
}
