/*
 * test_checks.c - what the checker does with what it finds: when it looks, what
 * it says, what the answer means, who is told; against sockets of this program.
 */
#include "looptest.h"

#include <sys/resource.h>

#include <arpa/inet.h>
#include <fcntl.h>

#include "conf/conf.h"
#include "../../helpers/checker/dialogue.h"
#include "../../helpers/checker/gens.h"
#include "../../helpers/checker/pace.h"
#include "../../helpers/checker/probes.h"
#include "../../helpers/checker/verdict.h"

#define LIMIT	30000	/* ms */

/* Who listens. */
struct server {
	struct ev_io	 io;
	struct addr	 addr;
	const char	*answer;	/* NULL: none */
	char		 heard[128];
	size_t		 nheard;
	unsigned	 accepted;
	int		 conns[64];
};

static struct server	 server;
static struct conf_probe conf;
static struct conf_remote remote;
static struct finding	 found;		/* the latest */
static unsigned		 told, changes;

/* --- bytes --- */

static void
test_escapes(void **state)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
	} good[] = {
		{ "", "", 0 },
		{ "PING\\r\\n", "PING\r\n", 6 },
		{ "\\x00\\x0\\0\\377\\xfF", "\0\0\0\377\377", 5 },
		{ "\\\\\\'\\\"\\?\\a\\b\\e\\f\\t\\v", "\\'\"?\a\b\033\f\t\v",
		    10 },
		{ "\\0012\\x414", "\0012A4", 4 },
		{ "\303\244 $ {}", "\303\244 $ {}", 7 },
	};
	static const char *const bad[] = { "\\", "a\\q", "\\x", "\\xg1",
		"\\400", "\\8", "ok\\ " };
	uint8_t bytes[64];
	const char *err;
	size_t i, len;

	(void)state;
	for (i = 0; i < nitems_of(good); i++) {
		assert_int_equal(conf_escapes(good[i].text, bytes, &len,
		    &err), 0);
		assert_int_equal(len, good[i].len);
		assert_memory_equal(bytes, good[i].bytes, len);
	}
	for (i = 0; i < nitems_of(bad); i++) {
		err = NULL;
		assert_int_equal(conf_escapes(bad[i], bytes, &len, &err), -1);
		assert_non_null(strstr(err, "stands for nothing"));
	}
}

static void
test_answers(void **state)
{
	const struct conf_probe p = { .send = "\\x00A",
		.expect = "^\\+P(O|0)NG\r" };
	struct conf_probe bad = { .expect = "(" };
	struct script s;
	char text[DIALOGUE_MAX + 1] = "+PONG\r\n";

	(void)state;
	assert_int_equal(script_make(&s, &p), 0);
	assert_int_equal(s.len, 2);
	assert_int_equal(s.send[0], 0);
	assert_int_equal(script_look(&s, text, 5, false), ANSWER_MORE);
	text[5] = '\r';
	assert_int_equal(script_look(&s, text, 5, true), ANSWER_BAD);
	text[5] = '\r';
	assert_int_equal(script_look(&s, text, 6, false), ANSWER_GOOD);
	memset(text, 'x', DIALOGUE_MAX);
	assert_int_equal(script_look(&s, text, DIALOGUE_MAX - 1, false),
	    ANSWER_MORE);
	memset(text, 'x', DIALOGUE_MAX);
	assert_int_equal(script_look(&s, text, DIALOGUE_MAX, false),
	    ANSWER_BAD);
	script_free(&s);
	assert_int_equal(script_make(&s, &bad), -1);
	assert_int_equal(errno, EINVAL);
	/* A NUL is a byte as others. */
	bad.expect = "b$";
	assert_int_equal(script_make(&s, &bad), 0);
	memcpy(text, "a\0b", 3);
	assert_int_equal(script_look(&s, text, 3, true), ANSWER_GOOD);
	script_free(&s);
}

/* --- when, and what it means --- */

static void
test_pace(void **state)
{
	struct conf_probe p = { .interval = 2050, .jitter = 10 };
	uint64_t least = UINT64_MAX, most = 0, t;
	uint32_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		t = pace_next(&p, i * 2654435761u);
		least = MIN(least, t);
		most = MAX(most, t);
	}
	assert_true(least >= 1845 && least < 1860);
	assert_true(most <= 2255 && most > 2240);
	p.jitter = 0;
	assert_int_equal(pace_next(&p, 12345), 2050);
	assert_int_equal(pace_first(&p, 0, 77), 0);
	for (i = 0; i < 5000; i++)
		assert_true(pace_first(&p, 100, i * 2654435761u) <= 100 &&
		    pace_first(&p, 100000, i * 2654435761u) <= 2050);
}

static void
test_verdict(void **state)
{
	const struct conf_probe p = { .rise = 2, .fall = 3 };
	struct verdict v = { .up = true };
	int i;

	(void)state;
	/* The first decides. */
	assert_true(verdict_add(&v, &p, false));
	assert_false(v.up);
	assert_false(verdict_add(&v, &p, true));
	assert_false(verdict_add(&v, &p, false));
	assert_false(verdict_add(&v, &p, true));
	assert_true(verdict_add(&v, &p, true));
	assert_true(v.up);
	/* One that comes and goes stays as it is. */
	for (i = 0; i < 100; i++)
		assert_false(verdict_add(&v, &p, i % 3 == 0));
	assert_true(v.up);
	assert_false(verdict_add(&v, &p, true));
	assert_false(verdict_add(&v, &p, false));
	assert_false(verdict_add(&v, &p, false));
	assert_true(verdict_add(&v, &p, false));
	v = (struct verdict){ .up = true };
	assert_false(verdict_add(&v, &p, true));
	assert_false(verdict_add(&v, &p, false));
	assert_true(v.up);
}

/* --- probes --- */

static void
server_event(struct ev_io *io, int what)
{
	int fd;

	(void)what;
	while ((fd = accept(io->fd, NULL, NULL)) != -1) {
		assert_true(server.accepted < nitems_of(server.conns));
		server.conns[server.accepted++] = fd;
		if (server.answer != NULL)
			assert_true(send(fd, server.answer,
			    strlen(server.answer), 0) > 0);
	}
	ev_io_again(io, IO_READ);
}

static void
server_start(void)
{
	struct addr *a = &server.addr;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	a->in.sin_family = AF_INET;
	a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a->len = sizeof(a->in);
	assert_int_equal(bind(fd, &a->sa, a->len), 0);
	assert_int_equal(getsockname(fd, &a->sa, &a->len), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(ev_io_add(&server.io, fd, IO_READ, server_event), 0);
}

/* What it has said on its connection of that number. */
static void
server_hear(unsigned i)
{
	ssize_t n;

	assert_true(i < server.accepted);
	while ((n = recv(server.conns[i], server.heard + server.nheard,
	    sizeof(server.heard) - server.nheard, MSG_DONTWAIT)) > 0)
		server.nheard += (size_t)n;
}

static void
tell(struct watcher *w, const struct finding *f)
{
	(void)w;
	found = *f;
	told++;
	changes += f->changed;
}

static int
begin(void **state)
{
	int r = setup(state);

	memset(&server, 0, sizeof(server));
	server.io.fd = -1;
	conf = (struct conf_probe){ .interval = 100, .timeout = 20000,
		.rise = 2, .fall = 2, .jitter = 0 };
	remote = (struct conf_remote){ .tls = CONF_NOREF };
	told = changes = 0;
	probes_begin(tell);
	return r;
}

static int
end(void **state)
{
	unsigned i;

	for (i = 0; i < server.accepted; i++)
		close(server.conns[i]);
	ev_io_close(&server.io);
	ev_turn(0);
	assert_int_equal(probes_count(), 0);
	return teardown(state);
}

static void
watch_by(struct watcher *w, const struct conf_probe *by, bool known, bool up)
{
	memset(w, 0, sizeof(*w));
	w->aim = (struct aim){ .to = server.addr, .conf = by,
		.remote = &remote };
	assert_int_equal(probes_watch(w, known, up), 0);
}

static void
watch(struct watcher *w, bool known, bool up)
{
	watch_by(w, &conf, known, up);
}

static void
until_told(unsigned n)
{
	const uint64_t limit = ev_now() + LIMIT;

	while (told < n) {
		assert_true(ev_now() < limit);
		ev_turn(100);
	}
}

static void
until_accepted(void)
{
	const uint64_t limit = ev_now() + LIMIT;

	while (server.accepted == 0) {
		assert_true(ev_now() < limit);
		ev_turn(100);
	}
}

static void
test_a_connection_is_enough(void **state)
{
	struct watcher w;

	(void)state;
	server_start();
	watch(&w, false, false);
	until_told(3);
	assert_true(found.up && found.good && changes == 1);
	assert_int_equal(found.row, 3);
	ev_io_close(&server.io);
	until_told(5);
	assert_false(found.good);
	assert_true(!found.up && changes == 2);
	assert_string_equal(found.why, strerror(ECONNREFUSED));
	probes_leave(&w);
	probes_leave(&w);
}

static void
test_what_is_known_stays(void **state)
{
	struct watcher w;

	(void)state;
	server_start();
	watch(&w, true, false);
	until_told(1);
	assert_true(!found.up && found.good && changes == 0);
	until_told(2);
	assert_true(found.up && changes == 1);
	probes_leave(&w);
}

static void
test_a_dialogue(void **state)
{
	static const char header[] = "PROXY UNKNOWN\r\nPING\r\n";
	struct watcher w;

	(void)state;
	conf.send = "PING\\r\\n";
	conf.expect = "^\\+PONG";
	remote.proxy_out = CONF_PROXY_V1;
	server.answer = "+PONG\r\n";
	server_start();
	watch(&w, false, false);
	until_told(1);
	assert_true(found.up);
	server_hear(0);
	assert_int_equal(server.nheard, strlen(header));
	assert_memory_equal(server.heard, header, strlen(header));
	server.answer = "-ERR \033[2J no\r\nx";
	shutdown(server.conns[0], SHUT_RDWR);
	conf.timeout = 50;
	until_told(3);
	assert_true(!found.up);
	assert_non_null(strstr(found.why, "no answer in 50ms"));
	probes_leave(&w);
}

static void
test_an_answer_that_ends(void **state)
{
	struct watcher w;

	(void)state;
	conf.expect = "^SSH";
	server.answer = "-ERR no\r\nx";
	server_start();
	watch(&w, false, false);
	until_accepted();
	shutdown(server.conns[0], SHUT_WR);
	until_told(1);
	assert_true(!found.up && changes == 1);
	assert_string_equal(found.why, "it answers \"-ERR no\"");
	probes_leave(&w);
}

/* However many watch. */
static void
test_one_probe_for_all(void **state)
{
	const char text[] = "x";	/* another one, with the same in it */
	struct watcher w[20], other;
	struct conf_probe same, differs;
	unsigned i;

	(void)state;
	conf.send = "x";
	same = differs = conf;
	same.send = text;
	server_start();
	for (i = 0; i < nitems_of(w); i++)
		watch_by(&w[i], i % 2 == 0 ? &conf : &same, false, false);
	assert_int_equal(probes_count(), 1);
	until_told(nitems_of(w));
	assert_int_equal(server.accepted, 1);
	/* Who comes later is told what is known. */
	probes_leave(&w[3]);
	told = changes = 0;
	watch(&w[3], true, false);
	assert_true(told == 1 && found.up && !found.changed);
	differs.fall = 7;
	watch_by(&other, &differs, false, false);
	assert_int_equal(probes_count(), 2);
	probes_leave(&other);
	for (i = 0; i < nitems_of(w); i++)
		probes_leave(&w[nitems_of(w) - 1 - i]);
}

/* All that can be under way at once are, and then go: who had to wait for them
 * is not forgotten. */
static void
test_who_is_late(void **state)
{
	static struct watcher all[1000], late;
	static struct conf_probe confs[nitems_of(all)];
	struct conf_probe own = conf;
	struct rlimit rl;
	unsigned i;
	int fd, fds;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < nitems_of(all) + 100)
		skip();
	conf.expect = "x";
	server_start();
	fd = server.io.fd;
	ev_io_del(&server.io);	/* nobody is accepted */
	server.io.fd = fd;
	fds = count_fds() + (int)nitems_of(all);
	for (i = 0; i < nitems_of(all); i++) {
		confs[i] = conf;
		confs[i].timeout += i;
		all[i].aim = (struct aim){ .to = server.addr,
			.conf = &confs[i], .remote = &remote };
		assert_int_equal(probes_watch(&all[i], false, false), 0);
	}
	while (count_fds() < fds)
		ev_turn(100);
	late.aim = all[0].aim;
	late.aim.conf = &own;
	own.timeout = 100;
	assert_int_equal(probes_watch(&late, false, false), 0);
	for (i = 0; i < 10; i++)
		ev_turn(50);
	for (i = 0; i < nitems_of(all); i++)
		probes_leave(&all[i]);
	until_told(1);
	probes_leave(&late);
}

/* The one whose aim is under way goes, and all of it with it. */
static void
test_who_leaves_meanwhile(void **state)
{
	struct conf_probe *gone = malloc(sizeof(*gone));
	struct watcher stays, leaves;

	(void)state;
	conf.expect = "x";
	*gone = conf;
	server_start();
	watch(&stays, false, false);
	watch_by(&leaves, gone, false, false);
	until_accepted();
	probes_leave(&leaves);
	free(gone);
	server.answer = "x";
	until_told(1);
	assert_true(found.up);
	assert_int_equal(server.accepted, 2);
	probes_leave(&stays);
}

/* A generation that cannot be had takes no descriptor with it but its own. */
static void
test_a_generation_that_is_none(void **state)
{
	int conf_fd = open("/dev/null", O_RDONLY), targets = dup(conf_fd);

	(void)state;
	assert_int_equal(dup2(conf_fd, STDIN_FILENO), STDIN_FILENO);
	gens_add(1, conf_fd, targets, -1);
	assert_int_equal(fcntl(conf_fd, F_GETFD), -1);
	assert_int_equal(fcntl(targets, F_GETFD), -1);
	assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
}

#define A(f)	cmocka_unit_test_setup_teardown(f, begin, end)

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_escapes),
	cmocka_unit_test(test_answers),
	cmocka_unit_test(test_pace),
	cmocka_unit_test(test_verdict),
	A(test_a_connection_is_enough),
	A(test_what_is_known_stays),
	A(test_a_dialogue),
	A(test_an_answer_that_ends),
	A(test_one_probe_for_all),
	A(test_who_is_late),
	A(test_who_leaves_meanwhile),
	A(test_a_generation_that_is_none),
};

int
main(void)
{
	int failed = 0;

	RUN_MODES(tests, failed);
	return failed;
}
