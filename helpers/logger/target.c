#include "compat.h"

#include <syslog.h>

#include "conf/conf.h"
#include "log.h"
#include "logdest.h"
#include "logger.h"

#define LOOK	1000	/* ms between looks at a name, and between askings */

static void	 target_start(struct target *, char **);
static void	 target_kind(struct target *);
static void	 target_syslog(const struct target *, const struct note *,
		    const struct line *);

static struct target	*targets;
static unsigned		 ntargets;

void
targets_start(char **words, unsigned n)
{
	unsigned i;

	if ((targets = calloc(n, sizeof(*targets))) == NULL)
		fatal("targets");
	for (i = 0; i < n; i++, words += TARGET_WORDS) {
		targets[i].number = i;
		target_start(&targets[i], words);
	}
	ntargets = n;
}

static void
target_start(struct target *t, char **words)
{
	const char *err;

	t->to = words[0];
	t->fd = -1;
	t->facility = (int)strtonum(words[1], 0, LOG_FACMASK, &err);
	t->level = (int)strtonum(words[2], 0, LOG_DEBUG, &err);
	t->sessions = strcmp(words[3], "0") != 0;
	t->format = (int)strtonum(words[4], 0, CONF_FORMAT_CUSTOM, &err);
	t->sample = (uint64_t)strtonum(words[5], 0, CONF_WHOLE, &err);
	t->rate = (unsigned)strtonum(words[6], 0, INT32_MAX, &err);
	t->tcp = strcmp(words[7], "0") != 0;
	if (layout_parse(&t->layout, words[8], &err) == -1)
		fatalx("custom %s", err);
	target_kind(t);
	/* What a receiver is reached by comes unasked. */
	t->looked = t->kind == TARGET_FILE ? INT64_MIN : lines_clock();
}

/* Where the first one's file is not open yet, there is the standard error. */
static void
target_kind(struct target *t)
{
	struct log_dest dest;
	const char *err;

	if (strcmp(t->to, "syslog") == 0)
		t->kind = TARGET_SYSLOG;
	else if (strcmp(t->to, "journald") == 0)
		t->kind = TARGET_JOURNALD;
	else if (strcmp(t->to, "stdout") == 0)
		t->fd = STDOUT_FILENO;
	else if (*t->to != '/' && log_dest_parse(t->to, &dest, &err) == 0)
		t->kind = dest.type == SOCK_DGRAM ? TARGET_DGRAM :
		    TARGET_STREAM;
	else {
		t->named = *t->to == '/';
		t->fd = t->named && t->number != 0 ? -1 : STDERR_FILENO;
	}
	t->journal = !t->named && t->kind == TARGET_FILE &&
	    log_is_journal(t->fd);
}

struct target *
target_of(unsigned i)
{
	return i < ntargets ? &targets[i] : NULL;
}

void
target_take(struct target *t, int fd)
{
	if (t->kind == TARGET_SYSLOG || (t->kind == TARGET_FILE && !t->named)) {
		close(fd);
		return;
	}
	if (t->fd != -1 && t->fd != STDERR_FILENO)
		close(t->fd);
	t->fd = fd;
	if (t->kind == TARGET_FILE)
		file_take(t);
	else
		net_take(t);
}

void
target_add(struct target *t, const struct note *note, const struct line *l)
{
	if (t->kind == TARGET_SYSLOG)
		target_syslog(t, note, l);
	else if (t->kind == TARGET_FILE)
		file_add(t, l);
	else
		net_add(t, l);
}

void
target_write(struct target *t)
{
	if (t->waiting == 0)
		return;
	if (t->kind == TARGET_FILE)
		file_write(t);
	else
		net_write(t);
}

bool
target_due(struct target *t, int64_t now)
{
	if (t->kind == TARGET_SYSLOG || t->waiting == 0 ||
	    (t->kind == TARGET_FILE && !t->named) ||
	    (t->looked != INT64_MIN && now - t->looked < LOOK))
		return false;
	t->looked = now;
	return t->kind == TARGET_FILE ? file_is_lost(t) : t->fd == -1;
}

static void
target_syslog(const struct target *t, const struct note *note,
    const struct line *l)
{
	static char ident[sizeof(note->by->who)];

	/* Without the ": ", which syslog(3) adds. */
	strlcpy(ident, note->by->who, sizeof(ident));
	ident[strcspn(ident, ":")] = '\0';
	openlog(ident, LOG_NDELAY, t->facility);
	syslog(note->level | t->facility, "%.*s", (int)l->len, l->text);
}
