#include "compat.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "landlock.h"
#include "sandbox.h"
#include "sysfilter.h"

static int	 no_capabilities(const struct sandbox *);
static uint32_t	 capabilities(const struct sandbox *);
static int	 no_dump(enum sandbox_role);
static int	 part(const char *, int, const char **);

int
sandbox_enter(const struct sandbox *box, const char **errp)
{
	int error = 0;

	if (part("capabilities", no_capabilities(box), errp) == -1 ||
	    part("dumpable", no_dump(box->role), errp) == -1)
		error = -1;
	if (!SANITIZED &&
	    part("Landlock", landlock_enter(box), errp) == -1)
		error = -1;
	if (part("seccomp", sysfilter_enter(box), errp) == -1)
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

static int
no_capabilities(const struct sandbox *box)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t kept;

	if (syscall(SYS_capget, &head, data) == -1)
		return -1;
	kept = data[0].permitted & capabilities(box);
	memset(data, 0, sizeof(data));
	data[0].effective = data[0].permitted = kept;
	return (int)syscall(SYS_capset, &head, data);
}

/*
 * A worker that stays root reaches the unix sockets of others, as it did, and
 * so does spawnctl, whose root asks the spawnd of anybody. The reader reads
 * what root may, and finds out what a start could make and bind.
 */
static uint32_t
capabilities(const struct sandbox *box)
{
	const uint32_t override = 1U << CAP_DAC_OVERRIDE;

	switch (box->role) {
	case SANDBOX_WORKER:
	case SANDBOX_CHECKER:
		return box->paths && geteuid() == 0 ? override : 0;
	case SANDBOX_LOGGER:
	case SANDBOX_USERS:
	case SANDBOX_RECORDER:
	case SANDBOX_STATUS:
		return 0;
	case SANDBOX_CTL:
		return override;
	case SANDBOX_READER:
		return override | 1U << CAP_DAC_READ_SEARCH |
		    1U << CAP_NET_BIND_SERVICE;
	}
	return 0;
}

/* Others of the same user neither trace it nor look into its memory. The
 * reader lives for a moment, and may be asked for what is in /proc/self. */
static int
no_dump(enum sandbox_role role)
{
	return SANITIZED || role == SANDBOX_READER ? 0 :
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
