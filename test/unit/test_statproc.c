#include "compat.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "ipc.h"
#include "mark.h"
#include "master.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/statproc.h"
#include "proc/writer.h"
#include "shm.h"

#define MANY	2000	/* more than a channel takes */

struct master master;

static struct conf_listen	 section = { .serve = SERVE_STATUS };
static struct conf		 conf = { .listens = &section, .nlistens = 1 };
static struct generation	 generation = { .conf = &conf };
static int			 process = -1;	/* its end of the channel */
static bool			 killed;
static unsigned			 marked;

/* --- in the place of what statproc.c calls --- */

int
child_start(struct child *c, const char *program, char *const argv[],
    const struct child_fd *fds, unsigned n)
{
	(void)program;
	(void)argv;
	(void)n;
	c->pid = 1000;
	process = dup(fds[0].fd);
	return 0;
}

bool
child_runs(const struct child *c)
{
	(void)c;
	return process != -1;
}

int
child_kill(struct child *c, int signo, const char *why)
{
	(void)c;
	(void)why;
	killed |= signo == SIGKILL;
	return 0;
}

void
child_limit(struct child *c, uint64_t ms)
{
	(void)c;
	(void)ms;
}

void
child_forget(struct child *c)
{
	(void)c;
	close(process);
	process = -1;
}

int
child_adopt(struct child *c, pid_t pid)
{
	(void)c;
	(void)pid;
	return -1;
}

void
child_silent(struct ev_timer *t)
{
	(void)t;
}

struct writer *
writer_new(enum proto_who who, int *end)
{
	(void)who;
	*end = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return (struct writer *)&generation;
}

void
writer_begin(struct writer *w, pid_t pid)
{
	(void)w;
	(void)pid;
}

int
writer_replace(struct writer **w, int fd)
{
	(void)w;
	(void)fd;
	return 0;
}

void
writer_over(struct writer **w)
{
	*w = NULL;
}

bool
writer_wanted(const struct writer *w)
{
	(void)w;
	return false;
}

uint32_t
writer_number(const struct writer *w)
{
	(void)w;
	return 0;
}

struct writer *
writer_find(uint32_t number)
{
	(void)number;
	return NULL;
}

int
inherit_fd(int fd)
{
	return fd;
}

const char *
master_libexec(const char *name, char *buf, size_t size)
{
	strlcpy(buf, name, size);
	return buf;
}

void
mark(unsigned what)
{
	marked |= what;
}

static bool
show(FILE *f, const char *view, bool json)
{
	fprintf(f, "%s %d", view, (int)json);
	return true;
}

/* --- the tests --- */

static void
turns(void)
{
	while (ev_turn(0) > 0)
		;
}

static void
ask(uint32_t number)
{
	struct proto_look item = { .view = "summary", .number = number };

	assert_int_equal(ipc_send(process, MSG_LOOK, &item, 1, NULL), 0);
	turns();
}

/* The next message, of that type; false: there is none yet. */
static bool
told(enum proto_type type, struct ipc_msg *m)
{
	if (ipc_recv(process, PROTO_DOWN, m) != 1)
		return false;
	assert_int_equal(m->type, type);
	return true;
}

static void
visit(void)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	statproc_visit(fd);
}

/* Who comes before there is one waits until there is. */
static void
starts(void **state)
{
	(void)state;
	assert_true(statproc_full());
	marked = 0;
	statproc_step();
	assert_int_not_equal(process, -1);
	assert_false(statproc_full());
	assert_true(marked & MARK_ACCEPT);
}

static void
tells(void **state)
{
	struct ipc_msg m;
	char *text;

	(void)state;
	ask(7);
	assert_true(told(MSG_SEEN, &m));
	assert_int_equal(m.seen.number, 7);
	assert_true(m.seen.known);
	text = shm_text(m.fds[0]);
	assert_string_equal(text, "summary 0");
	free(text);
	close(m.fds[0]);
}

/* With the channel full of visitors nobody is lost, and no answer either. */
static void
full(void **state)
{
	struct ipc_msg m;
	int sent = 0, came = 0;
	bool seen = false;

	(void)state;
	while (!statproc_full() && sent < MANY) {
		visit();
		sent++;
	}
	assert_true(sent > 1 && sent < MANY);
	ask(8);
	marked = 0;
	while (ipc_recv(process, PROTO_DOWN, &m) == 1) {
		if (m.type == MSG_SEEN)
			seen = m.seen.number == 8;
		else
			came++;
		close(m.fds[0]);
		turns();
	}
	assert_true(seen);
	assert_int_equal(came, sent);
	assert_false(statproc_full());
	assert_true(marked & MARK_ACCEPT);
}

/* It is as good as anybody's, once it has read what visitors say. */
static void
asks_too_much(void **state)
{
	struct ipc_msg m;
	unsigned n;

	(void)state;
	killed = false;
	for (n = 0; n < MANY && !killed; n++) {
		ask(n);
		if (!killed && told(MSG_SEEN, &m))
			close(m.fds[0]);
	}
	assert_true(killed);
	assert_true(n > 100);
	assert_true(statproc_full());
}

static int
begin(void **state)
{
	const char *err;

	(void)state;
	master.gen = &generation;
	statproc_begin(show);
	return ev_init(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts),
		cmocka_unit_test(tells),
		cmocka_unit_test(full),
		cmocka_unit_test(asks_too_much),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
