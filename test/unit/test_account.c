/*
 * test_account.c - what was done at listen sections and remotes, by name: no
 * number falls, whoever ends. The generations and workers are the test's own,
 * their boards are real ones. And what times can be told by their buckets.
 */
#include "evtest.h"

#include "master.h"
#include "proc/account.h"
#include "proc/generation.h"

struct master master;

static struct addr		 addr;
static struct conf_remote	 remotes[] = {
	{ .name = "a", .addr = &addr, .naddr = 1 },
	{ .name = "b", .addr = &addr, .naddr = 1 },
};
static struct conf_relay	 relay = {
	.name = "x", .remotes = remotes, .nremotes = 2
};
static struct conf_listen	 listens[] = {
	{ .name = "web", .tls = CONF_NOREF },
	{ .name = "ssh", .tls = CONF_NOREF }
};
static struct conf		 both = { .relays = &relay, .nrelays = 1,
	.listens = listens, .nlistens = 2 };
static struct conf		 one = { .relays = &relay, .nrelays = 1,
	.listens = listens + 1, .nlistens = 1 };

static struct generation *
generation_make(struct conf *c)
{
	struct generation *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->conf = c;
	TAILQ_INIT(&g->workers);
	assert_int_equal(board_create(&g->board, c), 0);
	assert_int_equal(account_generation(g), 0);
	TAILQ_INSERT_TAIL(&master.gens, g, entry);
	return g;
}

static struct worker *
worker_make(struct generation *g, unsigned slot)
{
	struct worker *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->gen = g;
	w->slot = slot;
	assert_int_equal(board_slot_make(&g->board, slot), 0);
	TAILQ_INSERT_TAIL(&g->workers, w, entry);
	return w;
}

static void
worker_end(struct worker *w)
{
	account_fold(w);
	board_slot_free(&w->gen->board, w->slot);
	TAILQ_REMOVE(&w->gen->workers, w, entry);
	free(w);
}

static void
generation_end(struct generation *g)
{
	while (!TAILQ_EMPTY(&g->workers))
		worker_end(TAILQ_FIRST(&g->workers));
	account_generation_free(g);
	board_close(&g->board);
	TAILQ_REMOVE(&master.gens, g, entry);
	free(g);
}

/* A worker has a session more at the listener of that place, which came to a
 * remote and has moved some bytes. */
static void
session(const struct worker *w, unsigned listener, unsigned place, bool ended)
{
	const struct board *b = &w->gen->board;
	struct board_worker *mem = board_slot(b, w->slot);
	struct board_listener *l = board_listener(b, mem, listener);
	struct board_listener_more *more = board_listener_more(b, mem,
	    listener);

	board_add(&l->sessions, 1);
	board_add(&l->bytes_in, 10);
	board_add(&l->bytes_out, 1000);
	board_add(&mem->places[place].sessions, 1);
	board_took(&board_place_more(b, mem, place)->connect, 700);
	if (!ended)
		return;
	board_took(&more->queue, 0);
	board_took(&more->session, 2000000);
	board_add(&more->ends[WHO_CLIENT][WHY_FIN], 1);
}

static const struct account *
account(const char *section, const char *what)
{
	const struct account *a = NULL;

	account_look();
	while ((a = account_next(a)) != NULL)
		if (strcmp(a->relay, section) == 0 &&
		    strcmp(a->what, what) == 0)
			return a;
	return NULL;
}

static void
has(const char *name, uint64_t sessions, uint64_t open, uint64_t ended,
    uint64_t lost)
{
	const struct account *a = account("", name);

	assert_non_null(a);
	assert_true(a->now.listener.sessions == sessions);
	assert_true(a->now.listener.bytes_in == 10 * sessions);
	assert_true(a->now.listener.bytes_out == 1000 * sessions);
	assert_true(a->now.listener.open == open);
	assert_true(a->now.listener.ends[WHO_CLIENT][WHY_FIN] == ended);
	assert_true(a->now.listener.session.n[times_bucket(2000000)] == ended);
	assert_true(a->now.listener.session.us == ended * 2000000);
	assert_true(a->now.listener.lost == lost);
}

/* Text as it goes over an upgrade, taken up again. */
static void
upgrade(void)
{
	char *text, *rest, *line;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	account_save(f);
	fclose(f);
	for (rest = text; (line = strsep(&rest, "\n")) && rest != NULL;)
		assert_true(account_take(line));
	free(text);
}

static void
test_no_number_falls(void **state)
{
	struct generation *g, *next;
	struct worker *w, *other;

	(void)state;
	TAILQ_INIT(&master.gens);
	g = generation_make(&both);
	w = worker_make(g, 0);
	session(w, 0, 0, true);
	session(w, 1, 1, false);
	session(w, 1, 1, true);
	has("web", 1, 0, 1, 0);
	has("ssh", 2, 1, 1, 0);
	/* It dies, and has not been buried: what was open is over. */
	w->state = WORKER_DEAD;
	has("ssh", 2, 0, 1, 0);
	worker_end(w);
	has("ssh", 2, 0, 1, 1);
	/* A reload takes away a section, whose session is still open. */
	w = worker_make(g, 0);
	session(w, 0, 0, false);
	next = generation_make(&one);
	other = worker_make(next, 0);
	session(other, 0, 1, false);
	has("web", 2, 1, 1, 0);
	has("ssh", 3, 1, 1, 1);
	assert_true(account("x", "b")->now.remote.connect.n[1] == 3);
	upgrade();
	has("ssh", 3, 1, 1, 1);
	generation_end(g);
	assert_null(account("", "web"));
	assert_true(account("x", "a")->now.remote.connect.n[1] == 2);
	/* Another one brings it back. */
	g = generation_make(&both);
	has("web", 2, 0, 1, 1);
	upgrade();
	has("web", 2, 0, 1, 1);
	has("ssh", 3, 1, 1, 1);
	generation_end(next);
	generation_end(g);
}

/* Names of all time are not kept. */
/* Who has been taken over claims what it likes: nothing is below none. */
static void
test_more_ends_than_sessions(void **state)
{
	struct generation *g;
	struct worker *w;
	uint64_t lost;

	(void)state;
	TAILQ_INIT(&master.gens);
	g = generation_make(&one);
	w = worker_make(g, 0);
	lost = account("", "ssh")->past.listener.lost;
	board_add(&board_listener(&g->board, board_slot(&g->board, 0),
	    0)->sessions, 1);
	board_add(&board_listener_more(&g->board, board_slot(&g->board, 0),
	    0)->session.n[0], 3);
	assert_true(account("", "ssh")->now.listener.open == 0);
	account_fold(w);
	assert_true(account("", "ssh")->past.listener.lost == lost);
	generation_end(g);
}

static void
test_old_names_go(void **state)
{
	char name[CONF_NAME], line[64];
	struct conf_listen l = { .tls = CONF_NOREF };
	struct conf c = { .listens = &l, .nlistens = 1 };
	struct generation *g;
	unsigned i;

	(void)state;
	TAILQ_INIT(&master.gens);
	for (i = 0; i < ACCOUNT_KEPT; i++) {
		snprintf(line, sizeof(line), "account listener n%u 0:%u", i,
		    i + 1);
		assert_true(account_take(line));
	}
	strlcpy(l.name, "new", sizeof(l.name));
	g = generation_make(&c);
	generation_end(g);
	assert_null(account_listener("n0"));
	for (i = 1; i < ACCOUNT_KEPT; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_true(account_listener(name)->past.listener.sessions ==
		    i + 1);
	}
	assert_false(account_take("account listener"));
	assert_false(account_take("account remote x"));
	assert_false(account_take("account listener y 100000:1"));
	assert_false(account_take("account listener y 1:"));
}

static void
test_times(void **state)
{
	uint64_t n[TIMES_N + 1] = { 0 };
	unsigned i;

	(void)state;
	assert_true(times_share(n, 0.5) < 0);
	assert_int_equal(times_bucket(0), 0);
	for (i = 0; i < TIMES_N; i++) {
		assert_int_equal(times_bucket(times_bounds[i]), i);
		assert_int_equal(times_bucket(times_bounds[i] + 1), i + 1);
	}
	n[0] = 100;
	assert_true(times_share(n, 0.5) == 250);
	n[2] = 100;
	assert_true(times_share(n, 0.5) == 500);
	assert_true(times_share(n, 0.75) == 1750);
	n[TIMES_N] = 1;
	assert_true(times_share(n, 1) == (double)times_bounds[TIMES_N - 1]);
	n[0] = n[2] = 0;
	assert_true(times_share(n, 0.5) == (double)times_bounds[TIMES_N - 1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_number_falls),
		cmocka_unit_test(test_more_ends_than_sessions),
		cmocka_unit_test(test_old_names_go),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
