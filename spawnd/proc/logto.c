#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <inttypes.h>

#include "conf/conf.h"
#include "fdname.h"
#include "log.h"
#include "logdest.h"
#include "master.h"
#include "proc/logto.h"
#include "proto.h"
#include "safe.h"

#define HEAD	6	/* words in front of the targets */
#define TARGET	9	/* words of one */
/* What a connection had taken is lost with it. */
#define UNDER_WAY	(64 * 1024)	/* bytes, as far as the kernel minds */
#define JOURNAL	"unix:///run/systemd/journal/socket"

static int	 check(const struct conf_log *, const char **);
static bool	 standard(int);
static bool	 waits_for_reader(const char *);
static int	 refused(const char *, const char *, const char **);
static const char *target_of(const struct conf_log *);
static int	 add_number(char ***, int64_t);
static int	 add_target(char ***, const struct conf *,
		    const struct conf_log *);
static int	 open_dest(const char *, const char **);
static int	 connected(const struct log_dest *, int);

int
logto_check(const struct conf *conf, const char **errp)
{
	const struct conf_log *log;
	unsigned i;

	for (i = 0; (log = conf_log(conf, i)) != NULL; i++)
		if (log->to != NULL && log->to[0] == '/' &&
		    check(log, errp) == -1)
			return -1;
	return 0;
}

static int
check(const struct conf_log *log, const char **errp)
{
	const char *err, *to = log->to;
	int fd;

	if ((fd = fdname_of(to)) != -1) {
		if (!standard(fd))
			return refused(to, "that descriptor is closed at the "
			    "start; only standard output and error stay",
			    errp);
		return !master.opt.background ? 0 : refused(to, "in the "
		    "background that is nowhere; use a file or \"syslog\"",
		    errp);
	}
	fd = safe_open(to, O_WRONLY | O_APPEND | O_CREAT, 0640, &err);
	if (fd == -1 && !(errno == ENXIO && waits_for_reader(to)))
		return refused(to, err, errp);
	if (fd != -1)
		close(fd);
	return 0;
}

static bool
standard(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

/* The logger goes on trying; other files that cannot be opened stay so. */
static bool
waits_for_reader(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

static int
refused(const char *to, const char *reason, const char **errp)
{
	static char why[512];

	snprintf(why, sizeof(why), "log file %s: %s", to, reason);
	*errp = why;
	return -1;
}

static const char *
target_of(const struct conf_log *log)
{
	/* The logger has no other way to what a name of ours stands for. */
	if (log->to != NULL)
		switch (fdname_of(log->to)) {
		case STDOUT_FILENO:
			return "stdout";
		case STDERR_FILENO:
			return "stderr";
		default:
			return log->to;
		}
	return master.opt.background || master.opt.inetd ? "syslog" : "stderr";
}

char **
logto_words(const struct conf *conf)
{
	const bool user = conf->log.user != NULL && geteuid() == 0;
	const struct conf_log *log;
	char **words = NULL;
	unsigned i;
	int bad;

	bad = logto_add(&words, "logger") == -1 ||
	    add_number(&words, PROTO_VERSION) == -1 ||
	    add_number(&words, conf->sandbox) == -1 ||
	    logto_add(&words, user ? conf->log.user : "") == -1 ||
	    add_number(&words, conf->log.uid) == -1 ||
	    add_number(&words, conf->log.gid) == -1;
	for (i = 0; !bad && (log = conf_log(conf, i)) != NULL; i++)
		bad = add_target(&words, conf, log) == -1;
	if (bad)
		logto_free(&words);
	return words;
}

/* Where all is written that processes say, nothing is looked at again: they may
 * be told to say more. */
static int
add_target(char ***words, const struct conf *conf, const struct conf_log *log)
{
	const int level = log->level == conf_log_level(conf) ? LOG_DEBUG :
	    log->level;

	return logto_add(words, target_of(log)) == -1 ||
	    add_number(words, log->facility) == -1 ||
	    add_number(words, level) == -1 ||
	    add_number(words, log->sessions) == -1 ||
	    add_number(words, log->format) == -1 ||
	    add_number(words, (int64_t)log->sample) == -1 ||
	    add_number(words, log->rate) == -1 ||
	    add_number(words, log->tcp_info) == -1 ||
	    logto_add(words, log->custom != NULL ? log->custom : "") == -1 ?
	    -1 : 0;
}

static int
add_number(char ***words, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	return logto_add(words, text);
}

int
logto_add(char ***wordsp, const char *word)
{
	char **words = *wordsp;
	size_t n = 0;

	while (words != NULL && words[n] != NULL)
		n++;
	if ((words = realloc(words, (n + 2) * sizeof(*words))) == NULL)
		return -1;
	*wordsp = words;
	words[n + 1] = NULL;
	return (words[n] = strdup(word)) == NULL ? -1 : 0;
}

void
logto_free(char ***wordsp)
{
	char **words = *wordsp;
	size_t i;

	*wordsp = NULL;
	for (i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

bool
logto_same(char *const *a, char *const *b)
{
	for (; *a != NULL && *b != NULL; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

const char *
logto_of(char *const *words, unsigned i)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return n < HEAD || i >= (n - HEAD) / TARGET ? NULL :
	    words[HEAD + i * TARGET];
}

int
logto_open(const char *to, const char **errp)
{
	*errp = NULL;
	if (*to == '/')
		return safe_open(to, O_WRONLY | O_APPEND | O_CREAT, 0640,
		    errp);
	if (strcmp(to, "journald") == 0)
		return open_dest(JOURNAL, errp);
	return strstr(to, "://") != NULL ? open_dest(to, errp) : -1;
}

/* A unix socket may be of either type. */
static int
open_dest(const char *to, const char **errp)
{
	struct log_dest dest;
	int fd;

	if (log_dest_parse(to, &dest, errp) == -1)
		return -1;
	fd = connected(&dest, dest.type);
	if (fd == -1 && errno == EPROTOTYPE)
		fd = connected(&dest, SOCK_STREAM);
	*errp = fd == -1 ? log_why(errno) : NULL;
	return fd;
}

static int
connected(const struct log_dest *dest, int type)
{
	const int size = UNDER_WAY;
	int fd, saved, flags;

	if ((fd = socket(dest->addr.sa.sa_family, type, 0)) == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if ((flags = fcntl(fd, F_GETFL)) != -1 &&
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != -1 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != -1 &&
	    (connect(fd, &dest->addr.sa, dest->addr.len) == 0 ||
	    errno == EINPROGRESS))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
