#include "compat.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <signal.h>

#include "sandbox.h"

/*
 * No set-uid program gives privileges back, no process can be started and no
 * file can grow. RLIMIT_NPROC does not bind root, so a worker that has not
 * dropped its privileges is held by the other two only.
 */
int
sandbox_worker(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_FSIZE, &none) == -1)
		return -1;
	return 0;
}

int
sandbox_reader(size_t max)
{
	const struct rlimit size = { max, max };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return -1;
	setrlimit(RLIMIT_FSIZE, &size);	/* or there is a lower one */
	return 0;
}

const char *
sandbox_describe(void)
{
	return "no new privileges, no new processes, no file growth";
}
