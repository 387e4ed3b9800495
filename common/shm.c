#include "compat.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>

#include "shm.h"

static int	 shm_named(const char *);
static int	 shm_anonymous(const char *);
static int	 seal(int, int);

#ifndef HAVE_MEMFD_CREATE
#define MFD_CLOEXEC		0
#define MFD_ALLOW_SEALING	0

static int
memfd_create(const char *name, unsigned flags)
{
	(void)name;
	(void)flags;
	errno = ENOSYS;
	return -1;
}
#endif

/* Old kernels do not know memfd_create(2), and some sandboxes forbid it. */
static int
shm_anonymous(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1 && (errno == ENOSYS || errno == EPERM))
		return shm_named(name);
	return fd;
}

static int
shm_named(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/%s.%ld.%08x", name, (long)getpid(),
	    (unsigned)arc4random());
	fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd != -1) {
		shm_unlink(path);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	return fd;
}

int
shm_create(const char *name, size_t size)
{
	int fd, saved;

	if ((fd = shm_anonymous(name)) == -1)
		return -1;
	if (ftruncate(fd, (off_t)size) == -1 || fchmod(fd, 0600) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int
shm_read_only(int fd)
{
	char path[64];
	int ro;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((ro = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		ro = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return ro;
}

#ifdef MADV_DONTDUMP
#define NO_CORE	MADV_DONTDUMP
#elif defined(MADV_NOCORE)
#define NO_CORE	MADV_NOCORE
#else
#define NO_CORE	MADV_NORMAL
#endif

void
shm_no_core(void *p, size_t size)
{
	madvise(p, size, NO_CORE);
}

/* By its end, as fstat(3) may be a system call that also takes names. */
char *
shm_text(int fd)
{
	const off_t size = lseek(fd, 0, SEEK_END);
	char *text;

	if (size == -1 || (text = calloc(1, (size_t)size + 1)) == NULL)
		return NULL;
	if (pread(fd, text, (size_t)size, 0) == size)
		return text;
	free(text);
	errno = EIO;
	return NULL;
}

#ifdef F_ADD_SEALS
/* What shm_named() has made is sealed against seals. */
static int
seal(int fd, int seals)
{
	int now = fcntl(fd, F_GET_SEALS);

	if (now == -1 || (now & F_SEAL_SEAL))
		return 0;
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | seals);
}
#else
#define F_SEAL_SHRINK	0
#define F_SEAL_GROW	0
#define F_SEAL_WRITE	0

static int
seal(int fd, int seals)
{
	(void)fd;
	(void)seals;
	return 0;
}
#endif

int
shm_seal(int fd)
{
	return seal(fd, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

int
shm_seal_size(int fd)
{
	return seal(fd, F_SEAL_SHRINK | F_SEAL_GROW);
}
