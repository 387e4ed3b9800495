/*
 * names.c - the name services as a test wants them: to be preloaded.
 *
 * Each call is told to the socket that NAMES_LOG names, as a line: the program
 * and the function. While the file NAMES_HOLD exists, whoever looks up
 * slow.test waits, having told it of "waits".
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void	note(const char *);
static void	hold(void);

static void
note(const char *function)
{
	const char *path = getenv("NAMES_LOG");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char name[32] = "", line[96];
	int fd;

	if (path == NULL)
		return;
	if ((fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC)) != -1) {
		(void)!read(fd, name, sizeof(name) - 1);
		close(fd);
	}
	name[strcspn(name, "\n")] = '\0';
	snprintf(line, sizeof(line), "%s %s\n", name, function);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1) {
		if (connect(fd, (void *)&un, sizeof(un)) == 0)
			(void)!write(fd, line, strlen(line));
		close(fd);
	}
}

static void
hold(void)
{
	const char *path = getenv("NAMES_HOLD");

	if (path == NULL || access(path, F_OK) == -1)
		return;
	note("waits");
	while (access(path, F_OK) == 0)
		usleep(10000);
}

/* A function that is noted and then called. */
#define WRAP(type, name, params, args)					\
type name params;							\
type									\
name params								\
{									\
	type (*real) params =						\
	    (type (*) params)(uintptr_t)dlsym(RTLD_NEXT, #name);	\
									\
	note(#name);							\
	return real args;						\
}

WRAP(struct passwd *, getpwnam, (const char *name), (name))
WRAP(struct passwd *, getpwuid, (uid_t uid), (uid))
WRAP(struct group *, getgrnam, (const char *name), (name))
WRAP(struct group *, getgrgid, (gid_t gid), (gid))
WRAP(struct servent *, getservbyname, (const char *name, const char *proto),
    (name, proto))
WRAP(struct hostent *, gethostbyname, (const char *name), (name))
WRAP(int, initgroups, (const char *user, gid_t group), (user, group))

int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **) = (int (*)(const char *, const char *,
	    const struct addrinfo *, struct addrinfo **))(uintptr_t)
	    dlsym(RTLD_NEXT, "getaddrinfo");

	note("getaddrinfo");
	if (node != NULL && strcmp(node, "slow.test") == 0) {
		hold();
		node = "127.0.0.1";
	}
	return real(node, service, hints, res);
}
