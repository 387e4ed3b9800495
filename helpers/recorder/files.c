#include "compat.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "ev.h"
#include "files.h"
#include "log.h"

#define ROOM		(512 * 1024)	/* collected before it is written */
#define SLACK		(PCAPNG_COMMENT + 64)	/* what a note takes */
#define AGAIN		1000	/* ms until what has failed is tried again */
#define NAMES		1000	/* tries to find one that is free */
#define NAME_LEN	96
#define STAMP		"%Y%m%dT%H%M%SZ"	/* by UTC */
#define SUFFIX		".pcapng"

struct files {
	const struct conf_record *conf;
	int			 folder;
	int			 fd;		/* -1: no file is open */
	unsigned		 number;	/* of the one that is, or was */
	uint64_t		 size;		/* written to it */
	unsigned char		*buf;		/* to be written behind that */
	size_t			 len;
	uint64_t		 packets, bytes; /* of data, in buf */
	uint64_t		 again;		/* ms; 0: all is well */
	char			 why[64];	/* of that */
	uint64_t		 lost_packets, lost_bytes; /* not noted yet */
	bool			 noted;		/* in buf */
};

static bool	 removed(const struct files *);
static void	 open_next(struct files *);
static int	 open_new(struct files *);
static void	 begin(struct files *);
static void	 failed(struct files *, int);
static bool	 wrote(struct files *);
static void	 lose(struct files *, uint64_t, uint64_t);
static void	 note(struct files *, const struct packet *, char *, size_t);
static void	 trim(const struct files *);
static size_t	 list(const struct files *, DIR *, char (**)[NAME_LEN]);
static bool	 ours(const struct files *, const char *);
static int	 by_name(const void *, const void *);

struct files *
files_new(const struct conf_record *conf, int folder)
{
	struct files *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->buf = malloc(ROOM)) == NULL)
		fatal("record %s", conf->name);
	f->conf = conf;
	f->folder = folder;
	f->fd = -1;
	return f;
}

void
files_free(struct files **fp)
{
	struct files *f = *fp;

	*fp = NULL;
	files_flush(f);
	if (f->lost_packets != 0)
		log_warnx("record %s: %" PRIu64 " packets with %" PRIu64
		    " bytes are lost: %s", f->conf->name, f->lost_packets,
		    f->lost_bytes, f->why);
	if (f->fd != -1)
		close(f->fd);
	free(f->buf);
	free(f);
}

unsigned
files_at(struct files *f, size_t packet)
{
	packet += SLACK;
	if (f->again != 0 && ev_now() < f->again)
		return 0;
	if (f->len + packet > ROOM)
		files_flush(f);
	if (f->fd != -1 && (f->size + f->len + packet > f->conf->size ||
	    (f->len == 0 && removed(f)))) {
		files_flush(f);
		close(f->fd);
		f->fd = -1;
	}
	if (f->fd == -1)
		open_next(f);
	return f->fd != -1 && (f->again == 0 || ev_now() >= f->again) ?
	    f->number : 0;
}

/* Somebody makes room, and it is to be had. */
static bool
removed(const struct files *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_nlink == 0;
}

unsigned char *
files_packet(struct files *f, struct packet *p)
{
	char text[PCAPNG_COMMENT + 1];
	unsigned char *data;

	if (f->fd == -1 || (f->again != 0 && ev_now() < f->again)) {
		lose(f, 1, p->len);
		return NULL;
	}
	if (f->lost_packets != 0 && !f->noted) {
		note(f, p, text, sizeof(text));
		p->comment = text;
		f->noted = true;
	}
	data = pcapng_packet(f->buf + f->len, p);
	f->len += pcapng_size(p);
	f->packets++;
	f->bytes += p->len;
	p->comment = NULL;
	return data;
}

static void
note(struct files *f, const struct packet *p, char *text, size_t size)
{
	snprintf(text, size, "%s%s%" PRIu64 " packets with %" PRIu64
	    " bytes, of all sessions, could not be written before this one: %s",
	    p->comment != NULL ? p->comment : "",
	    p->comment != NULL ? "; " : "", f->lost_packets, f->lost_bytes,
	    f->why);
}

static void
lose(struct files *f, uint64_t packets, uint64_t bytes)
{
	f->lost_packets += packets;
	f->lost_bytes += bytes;
}

/* --- a file --- */

static void
open_next(struct files *f)
{
	errno = ENOENT;
	if (f->folder == -1 || (f->fd = open_new(f)) == -1) {
		failed(f, errno);
		return;
	}
	f->number++;
	f->size = 0;
	begin(f);
	trim(f);
}

/* Names are in the order of their files; what is there stays. */
static int
open_new(struct files *f)
{
	static unsigned serial;
	char name[NAME_LEN], stamp[32];
	const time_t now = time(NULL);
	struct tm tm;
	int fd = -1, i;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), STAMP, &tm);
	for (i = 0; i < NAMES && fd == -1; i++) {
		snprintf(name, sizeof(name), "%s-%s-%06u" SUFFIX,
		    f->conf->name, stamp, ++serial % 1000000);
		fd = openat(f->folder, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd == -1 && errno != EEXIST)
			break;
	}
	return fd;
}

static void
begin(struct files *f)
{
	char second[CONF_NAME + 16];
	const char *names[] = { f->conf->name, second };

	snprintf(second, sizeof(second), "%s, remote side", f->conf->name);
	f->len = pcapng_head(f->buf, names,
	    f->conf->side == RECORD_BOTH ? 2 : 1);
}

void
files_flush(struct files *f)
{
	if (f->len == 0)
		return;
	if (wrote(f)) {
		f->size += f->len;
		if (f->again != 0)
			log_warnx("record %s: goes on; %" PRIu64 " packets "
			    "with %" PRIu64 " bytes are lost", f->conf->name,
			    f->lost_packets, f->lost_bytes);
		f->again = 0;
		if (f->noted)
			f->lost_packets = f->lost_bytes = 0;
	} else {
		failed(f, errno);
		lose(f, f->packets, f->bytes);
	}
	f->noted = false;
	f->packets = f->bytes = 0;
	f->len = 0;
}

/* Or nothing of it, unless what was written cannot be cut off. */
static bool
wrote(struct files *f)
{
	size_t off = 0;
	ssize_t n = 0;
	int saved;

	for (; off < f->len; off += (size_t)n) {
		n = write(f->fd, f->buf + off, f->len - off);
		if (n <= 0)
			break;
	}
	if (off == f->len)
		return true;
	saved = n == 0 ? EIO : errno;
	if (ftruncate(f->fd, (off_t)f->size) == -1 ||
	    lseek(f->fd, (off_t)f->size, SEEK_SET) == -1 || f->size == 0) {
		close(f->fd);
		f->fd = -1;
	}
	errno = saved;
	return false;
}

/* Told once, until it goes on. */
static void
failed(struct files *f, int error)
{
	if (f->again == 0)
		log_warnx("record %s: %s: %s: what comes is lost until that "
		    "can be written to", f->conf->name, f->conf->directory,
		    strerror(error));
	strlcpy(f->why, strerror(error), sizeof(f->why));
	f->again = ev_now() + AGAIN;
}

/* --- the folder --- */

/* The oldest go. */
static void
trim(const struct files *f)
{
	char (*names)[NAME_LEN] = NULL;
	size_t n, i;
	DIR *dir;
	int fd;

	if (f->conf->files == 0)
		return;
	fd = openat(f->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return;
	}
	n = list(f, dir, &names);
	closedir(dir);
	qsort(names, n, sizeof(*names), by_name);
	for (i = 0; i + f->conf->files < n; i++)
		unlinkat(f->folder, names[i], 0);
	free(names);
}

static size_t
list(const struct files *f, DIR *dir, char (**names)[NAME_LEN])
{
	const struct dirent *e;
	size_t n = 0, room = 0;
	void *p;

	while ((e = readdir(dir)) != NULL) {
		if (!ours(f, e->d_name))
			continue;
		if (n == room) {
			room += 256;
			p = realloc(*names, room * sizeof(**names));
			if (p == NULL)
				break;
			*names = p;
		}
		strlcpy((*names)[n++], e->d_name, NAME_LEN);
	}
	return n;
}

/* The name of the section, a time, a number: nothing else is removed. */
static bool
ours(const struct files *f, const char *name)
{
	static const char form[] = "-00000000T000000Z-000000" SUFFIX;
	const size_t len = strlen(f->conf->name);
	size_t i;

	if (strncmp(name, f->conf->name, len) != 0 ||
	    strlen(name + len) != sizeof(form) - 1)
		return false;
	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == '0' ? name[len + i] < '0' ||
		    name[len + i] > '9' : name[len + i] != form[i])
			return false;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}
