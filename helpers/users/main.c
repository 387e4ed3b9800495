/*
 * users - says of clients whether they know the password of a user.
 *
 *	users file user uid gid
 *
 * The file is that of users.h; it is read, and then it becomes that user, if
 * root has started it. Questions come on the standard input, and the answers go
 * to the standard output: those of spawnd-auth(7), with the words user and
 * password. Wrong passwords are counted by source (guess.h). It ends with its
 * input.
 */
#include "compat.h"

#include <crypt.h>
#include <ctype.h>
#include <err.h>
#include <signal.h>
#include <time.h>

#include "drop.h"
#include "guess.h"
#include "sandbox.h"
#include "siphash.h"
#include "start.h"
#include "users.h"

#define LINE	8192	/* bytes of a question, most */
#define VALUE	257	/* of a value of it, with the NUL */

/* Of a question; what is missing is empty. */
struct question {
	char	id[VALUE], client[VALUE], user[VALUE], password[VALUE];
};

static void	 confine(char **);
static void	 serve(void);
static void	 answer(char *);
static void	 word(struct question *, char *);
static void	 value(char *, const char *);
static bool	 is_right(const struct question *);
static bool	 knows(const char *, const char *);
static bool	 same(const char *, const char *);
static uint64_t	 now_ms(void);

static struct users	 users;
static struct siphash_key key;	/* of marks; nobody else has it */

int
main(int argc, char **argv)
{
	const char *why;
	unsigned line;

	if (argc != 5 || !start_has_channel(STDIN_FILENO)) {
		fprintf(stderr, "users is a part of spawnd(8), which starts "
		    "it\n");
		return 2;
	}
	setproctitle("%s", argv[1]);
	if (users_read(&users, argv[1], &line, &why) == -1)
		errx(1, "%s:%u: %s", argv[1], line, why);
	siphash_key(&key);
	confine(argv);
	serve();
	return 0;
}

static void
confine(char **argv)
{
	const struct sandbox box = { .role = SANDBOX_USERS };
	const char *why;

	signal(SIGPIPE, SIG_IGN);
	start_signals();
	sandbox_secrets();
	sandbox_early();
	if (*argv[2] != '\0' && drop_root(argv[2], start_number(argv[3], "uid"),
	    start_number(argv[4], "gid"), &why) == -1)
		errx(1, "%s", why);
	if (sandbox_basic(box.role) == -1)
		err(1, "sandbox");
	/* What the system lacks, the master has said. */
	(void)!sandbox_enter(&box, &why);
}

static void
serve(void)
{
	static char buf[LINE];
	size_t len = 0, used;
	ssize_t n;
	char *end;

	while (len < sizeof(buf) &&
	    (n = read(STDIN_FILENO, buf + len, sizeof(buf) - len)) > 0) {
		len += (size_t)n;
		while ((end = memchr(buf, '\n', len)) != NULL) {
			*end = '\0';
			answer(buf);
			used = (size_t)(end + 1 - buf);
			memmove(buf, end + 1, len -= used);
			explicit_bzero(buf + len, used);
		}
	}
}

static void
answer(char *line)
{
	struct question q = { .id = "" };
	char reply[VALUE + 16], *p;
	int n;

	while ((p = strsep(&line, " ")) != NULL)
		word(&q, p);
	n = snprintf(reply, sizeof(reply), "id=%s %s\n", q.id,
	    is_right(&q) ? "permit" : "deny");
	explicit_bzero(&q, sizeof(q));
	if (write(STDOUT_FILENO, reply, (size_t)n) != n)
		exit(1);
}

static void
word(struct question *q, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL)
		return;
	*equals++ = '\0';
	if (strcmp(text, "id") == 0)
		value(q->id, equals);
	else if (strcmp(text, "client") == 0)
		value(q->client, equals);
	else if (strcmp(text, "user") == 0)
		value(q->user, equals);
	else if (strcmp(text, "password") == 0)
		value(q->password, equals);
}

/* What it stands for: "%41" is "A". */
static void
value(char *to, const char *from)
{
	char digits[3] = "";
	size_t n;

	for (n = 0; *from != '\0' && n < VALUE - 1; n++, from++) {
		to[n] = *from;
		if (*from != '%' || !isxdigit((unsigned char)from[1]) ||
		    !isxdigit((unsigned char)from[2]))
			continue;
		memcpy(digits, from + 1, 2);
		to[n] = (char)strtoul(digits, NULL, 16);
		from += 2;
	}
	to[n] = '\0';
}

/* Who has guessed too often is not listened to, right or wrong. */
static bool
is_right(const struct question *q)
{
	if (!guess_may(q->client, now_ms()))
		return false;
	if (q->user[0] != '\0' && knows(q->user, q->password))
		return true;
	guess_wrong(q->client, now_ms());
	return false;
}

/* Somebody who is not in the file takes as long as the first who is. Whoever
 * was right is not computed again. */
static bool
knows(const char *name, const char *password)
{
	struct user *u = users_find(&users, name);
	const uint64_t mark = siphash(&key, password, strlen(password));
	const char *hash = u != NULL ? u->hash : users.first, *got;
	bool right;

	if (u != NULL && u->marked && u->mark == mark)
		return true;
	got = crypt(password, hash);
	right = got != NULL && same(got, hash) && u != NULL;
	if (right) {
		u->mark = mark;
		u->marked = true;
	}
	return right;
}

/* Takes as long wherever they differ. */
static bool
same(const char *a, const char *b)
{
	const size_t n = strlen(a);
	unsigned char differ = 0;
	size_t i;

	if (n != strlen(b))
		return false;
	for (i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
