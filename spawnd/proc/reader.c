#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>

#include "conf/conf.h"
#include "log.h"
#include "master.h"
#include "proc/child.h"
#include "proc/fetch.h"
#include "proc/reader.h"
#include "proto.h"
#include "shm.h"

static int	 reader_open(int *);
static void	 reader_fetched(const struct fetched *);
static int	 reader_launch(int);
static char	*reader_warnings(void);
static void	 reader_ended(struct child *, int);
static void	 reader_good(struct reading *);
static int	 reader_secrets(struct reading *);
static const char *reader_failed(int);
static bool	 reader_fits(int, const char **);
static char	*reader_text(int);
static void	 reader_close(void);

static struct child	 reader = CHILD("reader", reader_ended, CHILD_OWN);
static int		 value_fd = -1, report_fd = -1, warn_fd = -1;
static int		 secrets_fd = -1;
static bool		 print, probe;	/* as reader_start() has them */
static uint64_t		 limit;
static char		*away;		/* what is to be said of the server */
static void		 (*callback)(struct reading *);

int
reader_start(bool is_print, bool is_probe, uint64_t ms,
    void (*cb)(struct reading *), const char **errp)
{
	int input = -1, r;

	callback = cb;
	print = is_print;
	probe = is_probe;
	limit = ms;
	r = reader_open(&input);
	if (r == 0 && master.opt.url)
		r = fetch_start(master.opt.conf_path, !print && !probe,
		    reader_fetched, errp);
	else if (r == -1 || (r = reader_launch(input)) == -1)
		*errp = log_why(errno);
	if (r == -1) {
		reader_close();
		callback = NULL;
	}
	if (input != -1)
		close(input);
	return r;
}

static void
reader_fetched(const struct fetched *f)
{
	struct reading r = { .fd = -1, .secrets = -1, .error = f->error };

	if (f->warning != NULL && asprintf(&away, "%s: warning: %s\n",
	    master.opt.conf_path, f->warning) == -1)
		away = NULL;
	if (f->fd != -1 && reader_launch(f->fd) == -1)
		r.error = log_why(errno);
	if (f->fd != -1)
		close(f->fd);
	if (r.error == NULL)
		return;
	reader_close();
	callback(&r);
}

/* What the reader writes to, and what stands for a file without a name. */
static int
reader_open(int *input)
{
	const char *text = master.opt.quick;

	if ((value_fd = shm_create("spawnd-conf", 0)) == -1 ||
	    (report_fd = shm_create("spawnd-report", 0)) == -1 ||
	    (warn_fd = shm_create("spawnd-warnings", 0)) == -1 ||
	    (secrets_fd = shm_create("spawnd-secrets", 0)) == -1)
		return -1;
	if (text == NULL && master.opt.conf_fd == -1)
		return 0;
	if (text == NULL)
		*input = fcntl(master.opt.conf_fd, F_DUPFD_CLOEXEC, 0);
	else
		*input = shm_create("spawnd-quick", 0);
	return *input == -1 || (text != NULL && write(*input, text,
	    strlen(text)) != (ssize_t)strlen(text)) ? -1 : 0;
}

static int
reader_launch(int input)
{
	const struct child_fd fds[] = {
		{ value_fd, READER_FD_VALUE }, { report_fd, READER_FD_REPORT },
		{ warn_fd, READER_FD_WARN },
		{ secrets_fd, READER_FD_SECRETS }, { input, STDIN_FILENO }
	};
	const char *name = options_source(&master.opt);
	char path[1024], level[16], how[8];
	char called[] = "reader";
	char *argv[] = { called, (char *)(uintptr_t)name, level, how, NULL };

	master_libexec("reader", path, sizeof(path));
	snprintf(level, sizeof(level), "%d", master.opt.level);
	snprintf(how, sizeof(how), "%s%s%s%s%s", input != -1 ? "0" : "",
	    master.opt.quick != NULL ? "q" : "",
	    master.opt.inetd ? "i" : "", probe ? "n" : "",
	    print ? "T" : "");
	if (child_start(&reader, path, argv, fds, input == -1 ? 4 : 5) == -1)
		return -1;
	if (limit != 0)
		child_limit(&reader, limit);
	return 0;
}

void
reading_close(struct reading *r)
{
	if (r->fd != -1)
		close(r->fd);
	if (r->secrets != -1)
		close(r->secrets);
	r->fd = r->secrets = -1;
}

void
reader_cancel(void)
{
	fetch_cancel();
	child_kill(&reader, SIGKILL, NULL);
	child_forget(&reader);
	reader_close();
}

static void
reader_ended(struct child *c, int status)
{
	struct reading r = { .fd = -1, .secrets = -1 };
	const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	(void)c;
	if (good || (WIFEXITED(status) && WEXITSTATUS(status) == 1))
		r.text = reader_text(report_fd);
	if (r.text != NULL)
		r.warnings = reader_warnings();
	if (r.warnings == NULL || (!good && *r.text == '\0'))
		r.error = reader_failed(status);
	else if (good)
		reader_good(&r);
	reader_close();
	callback(&r);
	free(r.text);
	free(r.warnings);
}

/* Those of the reader behind that of the server. */
static char *
reader_warnings(void)
{
	char *text = reader_text(warn_fd), *all;

	if (away == NULL || text == NULL)
		return text;
	if (asprintf(&all, "%s%s", away, text) == -1)
		all = NULL;
	free(text);
	return all;
}

static const char *
reader_failed(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return "the program that reads the configuration cannot be "
		    "run";
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		return log_why(EFBIG);
	return "the configuration could not be read to its end";
}

/* Nobody may change any more what the workers are to get. */
static void
reader_good(struct reading *r)
{
	static char why[256];
	const char *err = "it cannot be sealed";

	if (shm_seal(value_fd) != -1 && reader_fits(value_fd, &err) &&
	    reader_secrets(r) != -1)
		r->conf = conf_get(value_fd, &err);
	if (r->conf == NULL) {
		snprintf(why, sizeof(why), "the configuration could not be "
		    "read back: %s", err);
		r->error = why;
		reading_close(r);
		return;
	}
	r->fd = value_fd;
	value_fd = -1;
}

/* Nobody here looks into them. There are none if nothing has TLS. */
static int
reader_secrets(struct reading *r)
{
	struct stat st;

	if (fstat(secrets_fd, &st) == -1 || shm_seal(secrets_fd) == -1)
		return -1;
	if (st.st_size > 0) {
		r->secrets = secrets_fd;
		secrets_fd = -1;
	}
	return 0;
}

static bool
reader_fits(int fd, const char **errp)
{
	struct stat st;

	*errp = "it is too large";
	return fstat(fd, &st) != -1 && st.st_size <= READER_MAX;
}

static char *
reader_text(int fd)
{
	const char *err;

	return reader_fits(fd, &err) ? shm_text(fd) : NULL;
}

static void
reader_close(void)
{
	if (value_fd != -1)
		close(value_fd);
	if (report_fd != -1)
		close(report_fd);
	if (warn_fd != -1)
		close(warn_fd);
	if (secrets_fd != -1)
		close(secrets_fd);
	value_fd = report_fd = warn_fd = secrets_fd = -1;
	free(away);
	away = NULL;
}
