#include "compat.h"

#include <err.h>

#include "ask.h"
#include "cmd.h"
#include "conf/conf.h"
#include "conf/int.h"
#include "link.h"
#include "list.h"

#define PACKET	16384		/* more than any has */
#define SLACK	1000		/* sessions that have come meanwhile */

static void	 list_word(char *, const char *, const char *);
static bool	 list_wait(int);
static void	 list_packet(char *, size_t, void (*)(const struct rec *));
static void	 list_take(const struct rec *, void (*)(const struct rec *));

/* What there is to be expected, and what has come. */
static struct {
	unsigned	 asked, ended, busy;
	uint64_t	 sessions;	/* there may be so many */
	uint64_t	 seen, done;
	bool		 silent, gone;
	int		 error;		/* of errno, or 0 */
} list;

void
list_words(char line[LIST_LINE], int argc, char **argv,
    bool (*own)(const char *, const char *))
{
	int i;

	for (i = 0; i < argc; i += 2) {
		if (i + 1 == argc)
			cmd_wrong("something is missing behind \"%.64s\"",
			    argv[i]);
		if (own == NULL || !own(argv[i], argv[i + 1]))
			list_word(line, argv[i], argv[i + 1]);
	}
	if (ctl.verbose)
		strlcat(line, " verbose yes", LIST_LINE);
}

bool
list_order(const char *word, const char *value, uint64_t *limit,
    const char **sort, const char *const words[3])
{
	const char *why;
	size_t i = 0;

	if (strcmp(word, "limit") == 0) {
		*limit = (uint64_t)strtonum(value, 1, 1000000000, &why);
		if (why != NULL)
			cmd_wrong("limit needs a number");
		return true;
	}
	if (strcmp(word, "sort") != 0)
		return false;
	while (i < 3 && strcmp(value, words[i]) != 0)
		i++;
	if (i == 3)
		cmd_wrong("sort takes %s, %s or %s, not \"%.64s\"", words[0],
		    words[1], words[2], value);
	*sort = value;
	return true;
}

static void
list_word(char *line, const char *word, const char *value)
{
	static const char * const words[] = { "client", "listener", "remote",
		"older", "idle" };
	uint64_t ms;
	const char *why;
	size_t i = 0;

	while (i < nitems_of(words) && strcmp(words[i], word) != 0)
		i++;
	if (i == nitems_of(words))
		cmd_wrong("unknown word \"%.64s\"; there are client, listener, "
		    "remote, older, idle, sort and limit", word);
	if (i >= 3 && conf_duration_of(value, &ms, &why) == -1)
		cmd_wrong("%s: %s", word, why);
	if (*value == '\0' || strpbrk(value, " \r\n") != NULL)
		cmd_wrong("%s: it cannot have a space in it", word);
	strlcat(line, " ", LIST_LINE);
	strlcat(line, word, LIST_LINE);
	strlcat(line, " ", LIST_LINE);
	if (strlcat(line, value, LIST_LINE) >= LIST_LINE - 16)
		cmd_wrong("that is too long");
}

int
list_run(const char *request, void (*take)(const struct rec *), uint64_t *n)
{
	char *answer;
	int fd;

	if ((answer = ask_list(request, &fd)) == NULL)
		return 1;
	list_begin(answer);
	free(answer);
	while (list_wait(fd) && list_read(fd, take))
		;
	close(fd);
	if (n != NULL)
		*n = list.done;
	return list_missing();
}

void
list_begin(char *text)
{
	char *line, *word;

	memset(&list, 0, sizeof(list));
	while ((line = strsep(&text, "\n")) != NULL) {
		word = strsep(&line, "\t");
		if (strcmp(word, "asked") == 0)
			list.asked++;
		else if (strcmp(word, "busy") == 0)
			list.busy++;
		while ((word = strsep(&line, "\t")) != NULL && line != NULL)
			;
		if (word != NULL)
			list.sessions += strtoull(word, NULL, 10);
	}
}

static bool
list_wait(int fd)
{
	list.silent = !link_wait(fd, link_now(), ctl.limit);
	return !list.silent;
}

bool
list_read(int fd, void (*take)(const struct rec *))
{
	static char packet[PACKET + 1];
	struct iovec iov = { .iov_base = packet, .iov_len = PACKET };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	n = recvmsg(fd, &msg, MSG_DONTWAIT);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n == -1)
		list.error = errno;
	if (n <= 0)
		return false;
	packet[n] = '\0';
	list_packet(packet, (size_t)n, take);
	return !list.gone;
}

uint64_t
list_done(void)
{
	return list.done;
}

static void
list_packet(char *text, size_t n, void (*take)(const struct rec *))
{
	struct rec r;
	char *line, *nul;

	while ((nul = memchr(text, '\0', n)) != NULL)
		*nul = '?';
	while ((line = strsep(&text, "\n")) != NULL)
		if (*line != '\0' && rec_parse(line, &r) == 0)
			list_take(&r, take);
}

/* One who is told lies is not told for ever. */
static void
list_take(const struct rec *r, void (*take)(const struct rec *))
{
	if (r->kind == 't')
		take(r);
	else if (r->kind == 's') {
		list.gone = list.seen++ > 2 * list.sessions + SLACK;
		if (!list.gone)
			take(r);
	} else if (r->kind == 'e') {
		list.ended++;
		list.done += rec_number(r, "sessions");
	} else if (r->kind == 'x') {
		list.ended++;
		list.busy++;
	}
}

/* One that has closed without a word has ended, and its sessions with it. */
int
list_missing(void)
{
	char text[CONF_UNITLEN];

	if (list.error != 0)
		warnx("what the workers tell: %s", strerror(list.error));
	if (list.silent)
		warnx("%u of %u workers have not answered in %s: their "
		    "sessions are missing (-t sets the limit)", list.asked -
		    MIN(list.ended, list.asked), list.asked + list.busy,
		    conf_duration_str(ctl.limit, text));
	if (list.busy != 0)
		warnx("%u workers are too busy to answer: their sessions are "
		    "missing", list.busy);
	if (list.gone)
		warnx("workers tell of more sessions than there can be");
	return list.error != 0 || list.silent || list.busy != 0 || list.gone;
}
