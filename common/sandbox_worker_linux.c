#include "compat.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "landlock.h"
#include "sandbox.h"
#include "sysfilter.h"

static int	 no_capabilities(bool);
static int	 no_dump(void);
static int	 part(const char *, int, const char **);

/* Who is not root has no bounds that it could set, and needs none. */
void
sandbox_early(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) != -1; cap++)
		prctl(PR_CAPBSET_DROP, cap);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

int
sandbox_worker(const struct sandbox *box, const char **errp)
{
	int error = 0;

	if (part("capabilities", no_capabilities(box->paths), errp) == -1 ||
	    part("dumpable", no_dump(), errp) == -1)
		error = -1;
	if (!SANITIZED &&
	    part("Landlock", landlock_worker(box), errp) == -1)
		error = -1;
	if (part("seccomp", sysfilter_worker(box), errp) == -1)
		error = -1;
	return error;
}

static int
part(const char *name, int done, const char **errp)
{
	static char text[64];

	if (done == -1) {
		snprintf(text, sizeof(text), "%s: %s", name, strerror(errno));
		*errp = text;
	}
	return done;
}

/* A worker that stays root reaches the unix sockets of others, as it did. */
static int
no_capabilities(bool paths)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	if (paths && geteuid() == 0)
		data[0].effective = data[0].permitted =
		    1U << CAP_DAC_OVERRIDE;
	if (syscall(SYS_capset, &head, data) == 0)
		return 0;
	if (data[0].permitted == 0)
		return -1;
	memset(data, 0, sizeof(data));	/* that was not to be had */
	return (int)syscall(SYS_capset, &head, data);
}

/* Others of the same user neither trace it nor look into its memory. */
static int
no_dump(void)
{
	return SANITIZED ? 0 : prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
