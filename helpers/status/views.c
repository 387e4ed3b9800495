#include "compat.h"

#include "ipc.h"
#include "log.h"
#include "shm.h"
#include "views.h"

#define FRESH	1000	/* ms, before the master is asked again */
#define LATE	5000	/* ms, until somebody learns that it does not answer */

static void	 ask_next(void);
static void	 ask(void);
static void	 keep(char *);
static void	 over(bool);
static void	 late(struct ev_timer *);

static int		 channel;
static void		(*on_done)(enum views_form, bool);
static struct views	 views;
static bool		 wanted[VIEWS_FORMS];
static uint64_t		 asked[VIEWS_FORMS];	/* ev_now(); 0: never */
static bool		 asking;
static enum views_form	 form;			/* which is asked for */
static size_t		 next;			/* of its views */
static uint32_t		 number;		/* of the last question */
static struct ev_timer	 late_timer = EV_TIMER(late);

void
views_begin(int fd, void (*done)(enum views_form, bool))
{
	channel = fd;
	on_done = done;
}

const struct views *
views_known(void)
{
	return &views;
}

bool
views_want(enum views_form f)
{
	if (asked[f] != 0 && ev_now() - asked[f] < FRESH)
		return true;
	wanted[f] = true;
	if (!asking)
		ask_next();
	return false;
}

/* One form after the other, one view after the other. */
static void
ask_next(void)
{
	enum views_form f;

	for (f = 0; f < VIEWS_FORMS; f++)
		if (wanted[f])
			break;
	if (f == VIEWS_FORMS)
		return;
	asking = true;
	form = f;
	next = 0;
	ev_timer_set(&late_timer, LATE);
	ask();
}

/* A channel that is full is a master that does not answer. */
static void
ask(void)
{
	struct proto_look item = { .json = form == VIEWS_JSON };

	item.number = ++number;
	strlcpy(item.view, sight_views[next], sizeof(item.view));
	ipc_send(channel, MSG_LOOK, &item, 1, NULL);
}

void
views_take(const struct proto_seen *seen, int fd)
{
	char *text = fd != -1 && seen->known ? shm_text(fd) : NULL;

	if (fd != -1)
		close(fd);
	if (!asking || seen->number != number) {	/* too late */
		free(text);
		return;
	}
	views.stopping = seen->stopping != 0;
	keep(text);
	if (++next < SIGHT_VIEWS)
		ask();
	else
		over(true);
}

static void
keep(char *text)
{
	if (form == VIEWS_JSON) {
		free(views.json[next]);
		views.json[next] = text;
	} else if (text == NULL)
		sight_forget(&views.rows, next);
	else if (sight_put(&views.rows, next, text) == -1)
		log_warn("a view");
}

static void
over(bool known)
{
	const enum views_form f = form;

	ev_timer_stop(&late_timer);
	asking = wanted[f] = false;
	asked[f] = known ? ev_now() : 0;
	views.turn[f]++;
	on_done(f, known);
	if (!asking)
		ask_next();
}

static void
late(struct ev_timer *t)
{
	(void)t;
	log_warnx("spawnd does not answer");
	over(false);
}
