#include "compat.h"

#include "ask.h"
#include "cmd.h"
#include "link.h"
#include "list.h"
#include "past.h"
#include "top/look.h"

#define SELDOM	5000		/* ms between answers that change slowly */
#define REQUEST	512		/* spawnd takes no longer ones (control.h) */

static void	 look_go(void);
static bool	 look_due(size_t);
static void	 look_ask(const char *);
static int	 look_fail(const char *);
static int	 look_link(bool);
static int	 look_told(bool);
static int	 look_over(void);
static int	 look_answered(char *);
static void	 look_take(char *);
static bool	 look_other(const struct rows *, const struct rows *);
static int	 look_acted(char *, const char *);
static void	 look_nobody(const struct rec *);

/* Nothing; a view is asked for, the list, something is to be done; and what
 * workers tell of the last two. */
enum doing { DO_NOTHING, DO_VIEW, DO_LIST, DO_ACT, DO_LISTED, DO_ACTED };

static const struct {
	const char	*request;
	uint64_t	 every;		/* ms, at most */
} views[LOOK_VIEWS] = {
	[LOOK_SUMMARY] = { "show summary\n", 0 },
	[LOOK_LISTENERS] = { "show listeners\n", 0 },
	[LOOK_REMOTES] = { "show remotes\n", 0 },
	[LOOK_WORKERS] = { "show workers\n", 0 },
	[LOOK_GENERATIONS] = { "show generations\n", 0 },
	[LOOK_ERRORS] = { "show errors\n", 0 },
	[LOOK_TIMES] = { "show times\n", SELDOM },
	[LOOK_HISTORY] = { "show history\n", SELDOM },
};

static struct {
	enum doing	 doing;
	bool		 running;	/* a look is under way */
	bool		 complete;	/* so was the last one */
	size_t		 next;		/* view, of it */
	struct rows	 rows[LOOK_VIEWS];
	uint64_t	 when[LOOK_VIEWS];
	struct link	 link;
	int		 fd;		/* of what workers tell */
	uint64_t	 since, limit;	/* ms */
	void		(*take)(const struct rec *);
	char		 act[REQUEST];	/* to be done, or empty */
	char		 why[REQUEST], answer[REQUEST];
} look = { .fd = -1 };

void
look_sessions(void (*take)(const struct rec *))
{
	look.take = take;
}

const struct rows *
look_rows(enum look_view view)
{
	return &look.rows[view];
}

uint64_t
look_when(enum look_view view)
{
	return look.when[view];
}

const char *
look_why(void)
{
	return look.why;
}

const char *
look_answer(void)
{
	return look.answer;
}

void
look_begin(uint64_t limit)
{
	if (look.running)
		return;
	look.running = true;
	look.limit = limit;
	look.next = 0;
	past_next(look.complete);
	look.complete = false;
	if (look.doing == DO_NOTHING)
		look_go();
}

void
look_act(const char *request)
{
	snprintf(look.act, sizeof(look.act), "%s\n", request);
	if (look.doing == DO_NOTHING)
		look_go();
}

/* The next request: what is to be done comes first. */
static void
look_go(void)
{
	while (look.next < LOOK_VIEWS && !look_due(look.next))
		look.next++;
	if (look.act[0] != '\0') {
		look.doing = DO_ACT;
		look_ask(look.act);
	} else if (!look.running)
		look.doing = DO_NOTHING;
	else if (look.next < LOOK_VIEWS) {
		look.doing = DO_VIEW;
		look_ask(views[look.next].request);
	} else {
		look.doing = DO_LIST;
		look_ask("list\n");
	}
}

static bool
look_due(size_t view)
{
	return look.when[view] == 0 || views[view].every == 0 ||
	    link_now() - look.when[view] >= views[view].every;
}

/* What has failed is told at the next step. */
static void
look_ask(const char *request)
{
	look.link.path = ctl.socket;
	look.link.limit = look.limit;
	look.since = link_now();
	look.why[0] = '\0';
	if (link_begin(&look.link, request, false) == -1)
		strlcpy(look.why, look.link.why, sizeof(look.why));
}

int
look_fd(uint64_t *until)
{
	*until = look.why[0] != '\0' && look.doing != DO_NOTHING ? 0 :
	    look.limit == 0 ? UINT64_MAX : look.since + look.limit;
	switch (look.doing) {
	case DO_NOTHING:
		*until = UINT64_MAX;
		return -1;
	case DO_LISTED:
	case DO_ACTED:
		return look.fd;
	default:
		return look.link.sock;
	}
}

uint64_t
look_silent(void)
{
	return look.doing == DO_NOTHING ? 0 : link_now() - look.since;
}

int
look_step(bool readable)
{
	switch (look.doing) {
	case DO_NOTHING:
		return 0;
	case DO_LISTED:
	case DO_ACTED:
		return look_told(readable);
	default:
		return look_link(readable);
	}
}

static int
look_link(bool readable)
{
	int done;

	if (look.link.sock == -1)
		return look_fail(look.why);
	done = readable ? link_step(&look.link) : 0;
	if (done == -1)
		return look_fail(look.link.why);
	if (done == 1)
		return look_answered(link_end(&look.link));
	return look_over() ? look_fail("no answer: spawnd is stopped or very "
	    "busy") : 0;
}

static int
look_over(void)
{
	return look.limit != 0 && link_now() - look.since >= look.limit;
}

/* All that is under way ends with it. */
static int
look_fail(const char *why)
{
	const int what = look.doing == DO_ACT ? LOOK_FAILED | LOOK_ACTED :
	    LOOK_FAILED;

	if (why != look.why)
		strlcpy(look.why, why, sizeof(look.why));
	strlcpy(look.answer, look.why, sizeof(look.answer));
	look_end();
	return what;
}

void
look_end(void)
{
	if (look.doing == DO_VIEW || look.doing == DO_LIST ||
	    look.doing == DO_ACT)
		free(link_end(&look.link));
	if (look.fd != -1)
		close(look.fd);
	look.fd = -1;
	look.act[0] = '\0';
	look.doing = DO_NOTHING;
	look.running = false;
}

/* Frees the text. */
static int
look_answered(char *text)
{
	const char *error = NULL;
	char *rest = ask_answer(text, &error);
	int done = 0;

	if (look.doing == DO_ACT)
		done = look_acted(rest, error);
	else if (look.doing == DO_VIEW && look.next == LOOK_SUMMARY &&
	    rest == NULL)
		done = look_fail(error);
	else if (look.doing == DO_VIEW) {
		look_take(rest);
		look.next++;
		look_go();
	} else if (rest == NULL || look.link.fd == -1)
		done = look_fail(error != NULL ? error : "spawnd has sent no "
		    "descriptor");
	else {
		list_begin(rest);
		look.fd = look.link.fd;
		look.since = link_now();
		look.doing = DO_LISTED;
		look.take(NULL);
	}
	free(text);
	return done;
}

/* A view that another release does not know has no rows. */
static void
look_take(char *text)
{
	struct rows *r = &look.rows[look.next], fresh;
	char *copy = strdup(text != NULL ? text : "");

	if (look.link.fd != -1)
		close(look.link.fd);
	if (copy == NULL || rows_read(&fresh, copy) == -1)
		return;
	if (look.next == LOOK_SUMMARY && look_other(r, &fresh))
		past_forget();
	rows_free(r);
	*r = fresh;
	look.when[look.next] = link_now();
}

static bool
look_other(const struct rows *a, const struct rows *b)
{
	const char *x = rows_cell(a, 0, "pid"), *y = rows_cell(b, 0, "pid");

	return x == NULL || y == NULL || strcmp(x, y) != 0;
}

/* Of what ends sessions, workers tell how many they were. */
static int
look_acted(char *rest, const char *error)
{
	look.act[0] = '\0';
	if (rest != NULL && look.link.fd != -1) {
		list_begin(rest);
		look.fd = look.link.fd;
		look.since = link_now();
		look.doing = DO_ACTED;
		return 0;
	}
	if (rest != NULL)
		rest[strcspn(rest, "\n")] = '\0';
	strlcpy(look.answer, rest == NULL ? error : *rest != '\0' ? rest :
	    "done", sizeof(look.answer));
	look_go();
	return LOOK_ACTED;
}

static int
look_told(bool readable)
{
	const bool listed = look.doing == DO_LISTED;

	if (readable) {
		look.since = link_now();
		if (list_read(look.fd, listed ? look.take : look_nobody))
			return 0;
	} else if (!look_over())
		return 0;
	close(look.fd);
	look.fd = -1;
	if (listed) {
		look.running = false;
		look.complete = true;
	} else
		snprintf(look.answer, sizeof(look.answer), "ended %llu "
		    "session%s", (unsigned long long)list_done(),
		    list_done() == 1 ? "" : "s");
	look_go();
	return listed ? LOOK_SEEN : LOOK_ACTED;
}

static void
look_nobody(const struct rec *r)
{
	(void)r;
}
