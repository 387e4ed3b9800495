#include "compat.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>

#include "shm.h"

#ifdef HAVE_MEMFD_CREATE
static int
shm_open_anon(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}
#else
static int
shm_open_anon(const char *name)
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
#endif

int
shm_create(const char *name, size_t size)
{
	int fd, saved;

	if ((fd = shm_open_anon(name)) == -1)
		return -1;
	if (ftruncate(fd, (off_t)size) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

char *
shm_text(int fd)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) == -1 ||
	    (text = calloc(1, (size_t)st.st_size + 1)) == NULL)
		return NULL;
	if (pread(fd, text, (size_t)st.st_size, 0) == st.st_size)
		return text;
	free(text);
	errno = EIO;
	return NULL;
}

int
shm_seal(int fd)
{
#ifdef F_ADD_SEALS
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK |
	    F_SEAL_GROW | F_SEAL_WRITE);
#else
	(void)fd;
	return 0;
#endif
}
