#include "compat.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <linux/seccomp.h>
#include <inttypes.h>
#include <signal.h>

#include "landlock.h"
#include "sandbox.h"

#ifdef HAVE_LIBSECCOMP
#define BUILT_WITH	true
#else
#define BUILT_WITH	false
#endif

static bool	 kernel_filters(void);

/*
 * No set-uid program gives privileges back, no process can be started and no
 * file of a worker can grow. RLIMIT_NPROC does not bind root, so who has not
 * dropped its privileges is held by the other two only. A sanitizer starts a
 * process that looks into this one, which a change of user has forbidden.
 */
int
sandbox_basic(enum sandbox_role role)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    (!SANITIZED && setrlimit(RLIMIT_NPROC, &none) == -1) ||
	    ((role == SANDBOX_WORKER || role == SANDBOX_CHECKER ||
	    role == SANDBOX_STATUS) &&
	    setrlimit(RLIMIT_FSIZE, &none) == -1))
		return -1;
	return SANITIZED ? prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) : 0;
}

/* Who is not root has no bounds that it could set, and needs none. */
void
sandbox_early(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) != -1; cap++)
		prctl(PR_CAPBSET_DROP, cap);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* A line is "first-behind rights ...". */
void
sandbox_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	uintptr_t first, behind;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &first,
		    &behind) == 2 && strstr(line, " rwx") != NULL &&
		    mprotect((void *)first, behind - first,
		    PROT_READ | PROT_EXEC) == -1)
			break;
	if (maps != NULL)
		fclose(maps);
}

int
sandbox_foreign(void)
{
	sandbox_early();
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
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

/* A limit does not hold for a program that takes cores from the kernel. */
void
sandbox_secrets(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	if (!SANITIZED)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

const char *
sandbox_describe(bool all)
{
	static char text[160];
	int abi = landlock_version();

	strlcpy(text, "no new privileges, no new processes, no file growth",
	    sizeof(text));
	if (all)
		strlcat(text, ", no capabilities", sizeof(text));
	if (all && BUILT_WITH && kernel_filters())
		strlcat(text, ", seccomp", sizeof(text));
	if (all && abi > 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    ", Landlock %d", abi);
	return text;
}

const char *
sandbox_missing(void)
{
	static char text[160];

	text[0] = '\0';
	if (!BUILT_WITH)
		strlcat(text, "seccomp (built without libseccomp)",
		    sizeof(text));
	else if (!kernel_filters())
		strlcat(text, "seccomp (the kernel has none)", sizeof(text));
	if (landlock_version() <= 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%sLandlock (the kernel has none)",
		    text[0] != '\0' ? ", " : "");
	return text[0] != '\0' ? text : NULL;
}

/* The kernel says what is wrong with a filter that is nowhere only if it
 * takes filters. */
static bool
kernel_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == -1 &&
	    errno == EFAULT;
}
