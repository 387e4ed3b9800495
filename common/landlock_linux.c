#include "compat.h"

#include <sys/syscall.h>

#include <fcntl.h>

#include "landlock.h"

/*
 * The headers of a system are older than its kernel, or the other way round;
 * the interface grows by fields at the end and bits, and a kernel refuses what
 * it does not know. So all of it is here, by version.
 */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#define SYS_landlock_add_rule		445
#define SYS_landlock_restrict_self	446
#endif

#define ASK_VERSION	1U
#define RULE_BENEATH	1
#define RULE_PORT	2
#define WRITE_FILE	(1ULL << 1)
#define READ_FILE	(1ULL << 2)
#define READ_DIR	(1ULL << 3)
#define REMOVE_FILE	(1ULL << 5)
#define MAKE_REG	(1ULL << 8)
#define TRUNCATE	(1ULL << 14)	/* since version 3 */
#define BIND_TCP	(1ULL << 0)
#define CONNECT_TCP	(1ULL << 1)
#define SCOPE_ABSTRACT	(1ULL << 0)
#define SCOPE_SIGNAL	(1ULL << 1)

struct ruleset {
	uint64_t	fs, net, scope;
};

struct beneath {
	uint64_t	access;
	int32_t		fd;
} __attribute__((packed));

struct port {
	uint64_t	access, port;
} __attribute__((packed));

/* What each version knows. */
static const struct {
	int	 bits;		/* of what can be done to files */
	bool	 net, scope;
	size_t	 size;		/* of struct ruleset */
} known[] = {
	{ 0, false, false, 0 },
	{ 13, false, false, 8 },
	{ 14, false, false, 8 },
	{ 15, false, false, 8 },
	{ 15, true, false, 16 },
	{ 16, true, false, 16 },
	{ 16, true, true, 24 },
};

static struct ruleset handled(const struct sandbox *, int);
static int	 allow(int, const struct ruleset *, const struct sandbox *);
static int	 allow_reading(int, const char *);
static int	 allow_folders(int, const struct ruleset *,
		    const struct sandbox *);
static int	 allow_ports(int, const struct sandbox *);
static int	 allow_port(int, uint64_t, uint16_t);

int
landlock_version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    ASK_VERSION);
}

int
landlock_enter(const struct sandbox *box)
{
	struct ruleset set;
	int version = landlock_version(), fd, error, saved;

	if (version < 1) {
		errno = version == 0 ? ENOSYS : errno;
		return -1;
	}
	if (version >= (int)nitems_of(known))
		version = nitems_of(known) - 1;
	set = handled(box, version);
	fd = (int)syscall(SYS_landlock_create_ruleset, &set,
	    known[version].size, 0U);
	if (fd == -1)
		return -1;
	error = allow(fd, &set, box);
	if (error == 0)
		error = (int)syscall(SYS_landlock_restrict_self, fd, 0U);
	saved = errno;
	close(fd);
	errno = saved;
	return error;
}

/* The reader asks whom it likes for names. */
static struct ruleset
handled(const struct sandbox *box, int version)
{
	struct ruleset set = { (1ULL << known[version].bits) - 1, 0, 0 };

	if (box->role == SANDBOX_READER)
		return set;
	if (known[version].net)
		set.net = BIND_TCP | (box->any_port ? 0 : CONNECT_TCP);
	if (known[version].scope)
		set.scope = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	return set;
}

static int
allow(int fd, const struct ruleset *set, const struct sandbox *box)
{
	if (box->role == SANDBOX_READER)
		return allow_reading(fd, "/");
	if (box->role == SANDBOX_RECORDER)
		return allow_folders(fd, set, box);
	/* What the resolver looks at again. */
	if (box->role == SANDBOX_CHECKER && allow_reading(fd, "/etc") == -1)
		return -1;
	if (box->role != SANDBOX_WORKER && box->role != SANDBOX_CHECKER)
		return 0;
	return set->net != 0 ? allow_ports(fd, box) : 0;
}

static int
allow_reading(int fd, const char *beneath)
{
	struct beneath rule = { .access = READ_FILE | READ_DIR };
	int error;

	if ((rule.fd = open(beneath, O_PATH | O_CLOEXEC)) == -1)
		return -1;
	error = (int)syscall(SYS_landlock_add_rule, fd, RULE_BENEATH, &rule,
	    0U);
	close(rule.fd);
	return error;
}

/* Files there are made, seen and removed, and not read. */
static int
allow_folders(int fd, const struct ruleset *set, const struct sandbox *box)
{
	struct beneath rule = { .access = set->fs & (WRITE_FILE | READ_DIR |
	    REMOVE_FILE | MAKE_REG | TRUNCATE) };
	size_t i;

	for (i = 0; i < box->nfolders; i++) {
		rule.fd = box->folders[i];
		if (rule.fd != -1 && syscall(SYS_landlock_add_rule, fd,
		    RULE_BENEATH, &rule, 0U) == -1)
			return -1;
	}
	return 0;
}

static int
allow_ports(int fd, const struct sandbox *box)
{
	size_t i;

	/* Port 0: whichever the kernel chooses. */
	if (box->bind && allow_port(fd, BIND_TCP, 0) == -1)
		return -1;
	for (i = 0; !box->any_port && i < box->nports; i++)
		if (allow_port(fd, CONNECT_TCP, box->ports[i]) == -1)
			return -1;
	return 0;
}

static int
allow_port(int fd, uint64_t access, uint16_t port)
{
	const struct port rule = { .access = access, .port = port };

	return (int)syscall(SYS_landlock_add_rule, fd, RULE_PORT, &rule, 0U);
}
