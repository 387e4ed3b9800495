#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <time.h>

#include "accept/unixsock.h"
#include "conf/conf.h"
#include "safe.h"

/*
 * Who owns the folder may put anything in the place of any name in it, at any
 * moment. So mode and owner are set in a folder that nobody but ourselves can
 * enter: the socket is bound there and moved out when it is ready, and one
 * that stays gets a second name there meanwhile.
 */

#define INNER	"socket"	/* its name in there */

struct room {
	int	 outer;		/* the folder of the socket */
	int	 inner;		/* the one that is ours alone */
	char	 name[32];	/* of inner, in outer */
};

typedef int	 unix_call(int, const struct sockaddr *, socklen_t);

static int	 room_open(struct room *, const struct addr *, const char **);
static bool	 room_ours(const struct room *);
static void	 room_remove(const struct room *);
static void	 room_close(struct room *);
static bool	 in_use(const struct room *, const char *, const char **);
static int	 listen_in(const struct room *, unsigned, struct unixsock *);
static int	 call_in(int, unix_call *, int, const char *);
static int	 dress(const struct room *, uint32_t, uint32_t, uint32_t);
static bool	 is_dressed(const struct addr *, uint32_t, uint32_t, uint32_t);
static bool	 is_it(const struct room *, const struct unixsock *);
static const char *sentence(const struct addr *, const char *);

int
unixsock_listen(const struct addr *a, unsigned backlog, uint32_t mode,
    uint32_t uid, uint32_t gid, struct unixsock *file, const char **errp)
{
	const char *name, *why = NULL;
	struct room room;
	int fd = -1;

	if (room_open(&room, a, &name) == -1 ||
	    in_use(&room, name, &why) ||
	    (fd = listen_in(&room, backlog, file)) == -1 ||
	    dress(&room, mode, uid, gid) == -1 ||
	    renameat(room.inner, INNER, room.outer, name) == -1) {
		*errp = sentence(a, why != NULL ? why : strerror(errno));
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	room_close(&room);
	return fd;
}

int
unixsock_abstract(const struct addr *a, unsigned backlog, const char **errp)
{
	const size_t len = strlen(a->un.sun_path);
	struct sockaddr_un un = a->un;
	int fd, saved;

	un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd != -1 && bind(fd, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0 &&
	    listen(fd, (int)backlog) == 0)
		return fd;
	saved = errno;
	*errp = sentence(a, strerror(saved));
	if (fd != -1)
		close(fd);
	errno = saved;
	return -1;
}

static int
room_open(struct room *room, const struct addr *a, const char **name)
{
	struct timespec now;

	room->inner = -1;
	safe_run_make(a->un.sun_path);
	if ((room->outer = safe_folder(a->un.sun_path, name)) == -1)
		return -1;
	/* No arc4random(3): without memory it may end the process. */
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(room->name, sizeof(room->name), ".spawnd.%x.%x",
	    (unsigned)getpid(), (unsigned)now.tv_nsec);
	if (mkdirat(room->outer, room->name, 0700) == -1)
		return -1;
	room->inner = openat(room->outer, room->name, O_RDONLY |
	    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (room->inner == -1) {
		room_remove(room);
		return -1;
	}
	if (!room_ours(room)) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/* Not one that was put in the place of what we have made. */
static bool
room_ours(const struct room *room)
{
	struct stat st;

	return fstat(room->inner, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 077) == 0;
}

static void
room_remove(const struct room *room)
{
	int saved = errno;

	unlinkat(room->outer, room->name, AT_REMOVEDIR);
	errno = saved;
}

static void
room_close(struct room *room)
{
	int saved = errno;

	if (room->inner != -1) {
		unlinkat(room->inner, INNER, 0);
		close(room->inner);
		room_remove(room);
	}
	if (room->outer != -1)
		close(room->outer);
	errno = saved;
}

/* Somebody lives behind the name, or it is no socket at all. */
static bool
in_use(const struct room *room, const char *name, const char **why)
{
	struct stat st;
	bool used;
	int fd;

	if (fstatat(room->outer, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (!S_ISSOCK(st.st_mode)) {
		*why = "a file of that name exists and is no socket";
		return true;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	used = fd == -1 || call_in(room->outer, connect, fd, name) == 0 ||
	    errno != ECONNREFUSED;
	if (fd != -1)
		close(fd);
	if (used)
		*why = "another process listens there";
	return used;
}

static int
listen_in(const struct room *room, unsigned backlog, struct unixsock *file)
{
	struct stat st;
	int fd, saved;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (call_in(room->inner, bind, fd, INNER) == -1 ||
	    listen(fd, (int)backlog) == -1 ||
	    fstatat(room->inner, INNER, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return fd;
}

/* bind(2) and connect(2) know no folder but the one we are in. */
static int
call_in(int folder, unix_call *call, int fd, const char *name)
{
	int here, done = -1, saved;
	const char *err;
	struct addr a;

	if (addr_unix(name, &a, &err) == -1 ||
	    (here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if (fchdir(folder) == 0) {
		done = call(fd, &a.sa, a.len);
		saved = errno;
		if (fchdir(here) == -1)
			done = -1;
		errno = saved;
	}
	close(here);
	return done;
}

static int
dress(const struct room *room, uint32_t mode, uint32_t uid, uint32_t gid)
{
	if (mode != CONF_NOID &&
	    fchmodat(room->inner, INNER, (mode_t)mode, 0) == -1)
		return -1;
	if (uid == CONF_NOID && gid == CONF_NOID)
		return 0;
	return fchownat(room->inner, INNER, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int
unixsock_dress(const struct addr *a, const struct unixsock *file,
    uint32_t mode, uint32_t uid, uint32_t gid, const char **errp)
{
	const char *name, *why = NULL;
	struct room room;
	int error = -1;

	if (is_dressed(a, mode, uid, gid))
		return 0;
	if (room_open(&room, a, &name) == 0 &&
	    linkat(room.outer, name, room.inner, INNER, 0) == 0) {
		if (!is_it(&room, file))
			why = "its file has been replaced; mode and owner "
			    "are left alone";
		else
			error = dress(&room, mode, uid, gid);
	}
	if (error == -1)
		*errp = sentence(a, why != NULL ? why : strerror(errno));
	room_close(&room);
	return error;
}

/* No need to touch it, as at most reloads. */
static bool
is_dressed(const struct addr *a, uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct stat st;

	if (mode == CONF_NOID && uid == CONF_NOID && gid == CONF_NOID)
		return true;
	return lstat(a->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    (mode == CONF_NOID || (st.st_mode & 07777) == mode) &&
	    (uid == CONF_NOID || st.st_uid == uid) &&
	    (gid == CONF_NOID || st.st_gid == gid);
}

/* The second of two names is the one in the room. */
static bool
is_it(const struct room *room, const struct unixsock *file)
{
	struct stat st;

	return fstatat(room->inner, INNER, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISSOCK(st.st_mode) && (file->ino != 0 ?
	    st.st_dev == file->dev && st.st_ino == file->ino :
	    st.st_nlink == 2);
}

int
unixsock_at(const struct addr *a, struct unixsock *file)
{
	const char *name;
	struct stat st;
	int folder, error;

	if (a->sa.sa_family != AF_UNIX || a->un.sun_path[0] == '@' ||
	    (folder = safe_folder(a->un.sun_path, &name)) == -1)
		return -1;
	error = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW);
	close(folder);
	if (error == -1)
		return -1;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return 0;
}

bool
unixsock_is(const struct addr *a, const struct unixsock *file)
{
	struct unixsock there;

	return file->ino != 0 && unixsock_at(a, &there) == 0 &&
	    there.dev == file->dev && there.ino == file->ino;
}

bool
unixsock_gone(const struct addr *a, const struct unixsock *file)
{
	const char *name;
	struct stat st;
	int folder;
	bool gone;

	if (file->ino == 0 ||
	    (folder = safe_folder(a->un.sun_path, &name)) == -1)
		return false;
	gone = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT;
	close(folder);
	return gone;
}

void
unixsock_unlink(const struct addr *a, const struct unixsock *file)
{
	const char *name;
	struct stat st;
	int folder;

	if (a->sa.sa_family != AF_UNIX || file->ino == 0 ||
	    (folder = safe_folder(a->un.sun_path, &name)) == -1)
		return;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == file->dev && st.st_ino == file->ino)
		unlinkat(folder, name, 0);
	close(folder);
}

static const char *
sentence(const struct addr *a, const char *why)
{
	static char buf[512];

	snprintf(buf, sizeof(buf), "listen on %s: %s", a->un.sun_path, why);
	return buf;
}
