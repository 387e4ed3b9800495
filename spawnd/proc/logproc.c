#include "compat.h"

#include <sys/wait.h>

#include <poll.h>
#include <signal.h>

#include "conf/conf.h"
#include "inbox.h"
#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/child.h"
#include "proc/inherit.h"
#include "proc/generation.h"
#include "proc/logproc.h"
#include "proc/logto.h"
#include "proc/side.h"
#include "proc/writer.h"
#include "proto.h"

#define RESTART		1000		/* ms after the logger has died */
#define END_LIMIT	1000		/* ms that the last lines may take */
#define TURN_MESSAGES	64
#define OPEN_AGAIN	500		/* ms until it may ask once more */
#define END_LOOK	5

/* Of a target. */
struct opening {
	bool		 due;		/* is to be opened for the logger */
	bool		 told;		/* that it cannot be */
	uint64_t	 next;		/* ms: it may ask for it again */
};

static int	 settings(const struct conf *);
static int	 launch(void);
static int	 launch_on(int);
static void	 logger_event(struct ev_io *, int);
static void	 logger_says(void);
static void	 logger_message(struct ev_io *, struct ipc_msg *);
static void	 logger_event_line(struct proto_event *);
static void	 logger_broken(const char *);
static void	 logger_gone(void);
static void	 logger_exit(struct child *, int);
static void	 logger_restart(struct ev_timer *);
static void	 open_asked(uint32_t);
static void	 open_hand(void);
static void	 open_one(unsigned);
static void	 save_word(FILE *, const char *);
static void	 logger_wait(void);
static void	 logger_leave(void);
static void	 logger_finish(void);

static int		 least = -1;	/* level that was set, or -1 */
static struct ev_io	 channel = { .fd = -1 };
static struct child	 logger = CHILD("logger", logger_exit,
    CHILD_OWN | CHILD_STDERR);
static struct inbox	 inbox;
static struct ev_timer	 restart_timer = EV_TIMER(logger_restart);
static char		**words;	/* its command line */
static unsigned		 nopenings;
static struct opening	*openings;	/* one a target */
static bool		 started;
static bool		 leaving;	/* another comes behind it */

bool
logproc_started(void)
{
	return started;
}

int
logproc_start(const struct conf *conf, const char **errp)
{
	if (settings(conf) == -1) {
		*errp = log_why(errno);
		return -1;
	}
	if (writer_start() == -1 || launch() == -1) {
		*errp = log_why(errno);
		writer_close();
		return -1;
	}
	started = true;
	log_set_level(conf_log_level(conf));
	return 0;
}

static int
settings(const struct conf *conf)
{
	char **next = logto_words(conf);
	struct opening *opens;
	unsigned n = 0;

	if (next == NULL)
		return -1;
	while (logto_of(next, n) != NULL)
		n++;
	if ((opens = calloc(n, sizeof(*opens))) == NULL) {
		logto_free(&next);
		return -1;
	}
	logto_free(&words);
	free(openings);
	words = next;
	openings = opens;
	nopenings = n;
	return 0;
}

static int
launch(void)
{
	if (side_open(&channel, IO_READ | IO_WRITE, logger_event,
	    launch_on) == -1)
		return -1;
	logproc_reopen();
	if (least != -1)
		logproc_least(least);
	writer_logger(channel.fd);
	return 0;
}

/* A new one begins by the configuration, one that goes on does not. */
void
logproc_least(int level)
{
	const int as_configured = master.gen != NULL ?
	    master.gen->conf->log.level : LOG_INFO;
	const struct proto_level item = {
		.level = (uint32_t)(level != -1 ? level : as_configured)
	};

	least = level;
	if (channel.fd != -1)
		ipc_send(channel.fd, MSG_LEAST, &item, 1, NULL);
}

static int
launch_on(int fd)
{
	const struct child_fd fds[] = { { fd, PROTO_FD_CHANNEL },
	    { STDOUT_FILENO, STDOUT_FILENO } };
	char path[1024];
	unsigned i, n = 1;

	for (i = 0; i < nopenings; i++)
		if (strcmp(logto_of(words, i), "stdout") == 0)
			n = 2;
	master_libexec("logger", path, sizeof(path));
	return child_start(&logger, path, words, fds, n);
}

static void
logger_event(struct ev_io *io, int what)
{
	(void)io;
	if (what & IO_READ)
		logger_says();
	if (channel.fd == -1)
		return;
	open_hand();
	writer_hand();
}

static void
logger_says(void)
{
	if (inbox_read(&inbox, &channel, PROTO_OF_LOG, TURN_MESSAGES,
	    logger_message) == 0)
		return;
	if (errno == 0)
		logger_broken(NULL);	/* dead, or soon */
	else if (errno == EPROTO)
		logger_broken("speaks out of turn: killed");
	else
		ev_io_again(&channel, IO_READ);
}

static void
logger_message(struct ev_io *io, struct ipc_msg *m)
{
	(void)io;
	if (m->type == MSG_OPEN)
		open_asked(m->open.target);
	else if (m->type == MSG_EVENT)
		logger_event_line(&m->event);
	else
		writer_ended(m->ended.number);
}

/* What the others have warned of: what we do is known already. */
static void
logger_event_line(struct proto_event *e)
{
	e->who[sizeof(e->who) - 1] = '\0';
	e->text[sizeof(e->text) - 1] = '\0';
	ledger_add_event((int)MIN(e->level, LOG_DEBUG), e->who, e->text);
}

/* As if it had died: what it has not read is there for the next one. */
static void
logger_broken(const char *why)
{
	logger_gone();
	if (!leaving)
		child_kill(&logger, SIGKILL, why);
}

static void
logger_gone(void)
{
	writer_logger(-1);
	inbox_end(&inbox);
	ev_io_close(&channel);
}

/* Lines that come meanwhile wait in their sockets. */
static void
logger_exit(struct child *c, int status)
{
	(void)c;
	(void)status;
	logger_gone();
	ev_timer_set(&restart_timer, leaving ? 0 : RESTART);
	leaving = false;
}

/* One that was told to leave and hangs is left; reaper.c takes it in. */
static void
logger_restart(struct ev_timer *t)
{
	if (leaving) {
		child_forget(&logger);
		logger_gone();
		leaving = false;
	}
	if (!child_runs(&logger) && launch() == -1)
		ev_timer_set(t, RESTART);
}

void
logproc_reopen(void)
{
	unsigned i;

	for (i = 0; i < nopenings; i++) {
		openings[i].told = false;
		openings[i].due = channel.fd != -1;
	}
	open_hand();
}

/* Not as often as somebody likes who has taken it over. */
static void
open_asked(uint32_t target)
{
	struct opening *o;

	if (target >= nopenings)
		return;
	o = &openings[target];
	if (ev_now() < o->next)
		return;
	o->next = ev_now() + OPEN_AGAIN;
	o->due = channel.fd != -1;
	open_hand();
}

static void
open_hand(void)
{
	unsigned i;

	for (i = 0; i < nopenings; i++)
		if (openings[i].due)
			open_one(i);
}

/* Better a file that was renamed than none: where it cannot be opened, the
 * logger goes on with that, and asks again. */
static void
open_one(unsigned i)
{
	const struct proto_file item = { .target = i };
	const char *err, *to = logto_of(words, i);
	struct opening *o = &openings[i];
	int fd;

	o->due = false;
	if ((fd = logto_open(to, &err)) == -1) {
		if (err != NULL && !o->told)
			log_warnx("log %s %s cannot be opened: %s",
			    *to == '/' ? "file" : "target", to, err);
		o->told = err != NULL;
		return;
	}
	o->told = false;
	/* An event tells when a full channel has room. */
	o->due = ipc_send(channel.fd, MSG_FILE, &item, 1, &fd) == -1 &&
	    errno == EAGAIN;
	close(fd);
}

/* It writes what is there and ends; then the next one begins, so that lines
 * stay in their order. */
static void
logger_leave(void)
{
	if (!child_runs(&logger))
		return;		/* one will be started */
	logger_finish();
	leaving = true;
	ev_timer_set(&restart_timer, END_LIMIT);
}

/* Root without CAP_KILL may not signal it. */
static void
logger_finish(void)
{
	const struct proto_finish end = { .reserved = 0 };

	if (channel.fd != -1)
		ipc_send(channel.fd, MSG_FINISH, &end, 1, NULL);
}

void
logproc_reload(const struct conf *conf)
{
	char **next = logto_words(conf);

	if (next == NULL)
		log_warn("log target");
	else if (logto_same(next, words))
		logproc_reopen();
	else if (settings(conf) == -1)
		log_warn("log target");
	else
		logger_leave();
	logto_free(&next);
}

void
logproc_save(FILE *f)
{
	unsigned i;

	for (i = 0; words[i] != NULL; i++)
		save_word(f, words[i]);
	fprintf(f, "log %d %ld %d\n",
	    channel.fd == -1 ? -1 : inherit_fd(channel.fd),
	    child_runs(&logger) ? (long)logger.pid : -1L, leaving);
	writer_save(f);
}

/* On one line, whatever it has. */
static void
save_word(FILE *f, const char *word)
{
	fputs("logword ", f);
	for (; *word != '\0'; word++)
		if ((unsigned char)*word < ' ' || *word == '\\')
			fprintf(f, "\\x%02x", (unsigned char)*word);
		else
			fputc(*word, f);
	fputc('\n', f);
}

bool
logproc_take_word(const char *line)
{
	const char *text = strchr(line, ' ') + 1, *err;
	uint8_t *word = calloc(1, strlen(text) + 1);
	size_t len;
	bool good;

	good = word != NULL && conf_escapes(text, word, &len, &err) == 0 &&
	    logto_add(&words, (char *)word) == 0;
	free(word);
	return good;
}

bool
logproc_take(const char *line)
{
	int fd, leaves;
	unsigned n = 0;
	long pid;

	while (words != NULL && logto_of(words, n) != NULL)
		n++;
	if (sscanf(line, "log %d %ld %d", &fd, &pid, &leaves) != 3 || n == 0 ||
	    (openings = calloc(n, sizeof(*openings))) == NULL)
		return false;
	nopenings = n;
	started = true;
	if (pid == -1 || child_adopt(&logger, (pid_t)pid) == -1 || fd == -1) {
		ev_timer_set(&restart_timer, RESTART);
		return fd == -1;
	}
	leaving = leaves != 0;
	if (leaving)
		ev_timer_set(&restart_timer, END_LIMIT);
	writer_adopt(fd);
	return ev_io_add(&channel, fd, IO_READ | IO_WRITE,
	    logger_event) == 0;
}

/* Containers and supervisors kill what is left when we have ended, and the
 * last lines with it. */
static void
logger_wait(void)
{
	int ms;

	for (ms = 0; ms < END_LIMIT; ms += END_LOOK) {
		if (!child_runs(&logger) ||
		    waitpid(logger.pid, NULL, WNOHANG) != 0)
			return;
		poll(NULL, 0, END_LOOK);
	}
}

void
logproc_stop(void)
{
	if (!started)
		return;
	started = false;
	logger_finish();
	writer_close();
	ev_io_close(&channel);
	logger_wait();
	ev_timer_stop(&restart_timer);
	logto_free(&words);
	free(openings);
	openings = NULL;
	nopenings = 0;
}
