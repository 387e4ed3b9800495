#include "compat.h"

#include "race.h"
#include "remote/remotes.h"
#include "sockopt.h"

#define OF_SESSION	3	/* beside the one that it has */

static void	 race_io(struct ev_io *, int);
static void	 race_free(struct ev_task *);

static unsigned running, most;

void
race_limit(unsigned n)
{
	most = n;
}

bool
race_room(const struct sess *s)
{
	const struct racer *r;
	unsigned n = 0;

	if (s->extra != NULL)
		SLIST_FOREACH(r, &s->extra->racers, entry)
			n++;
	return running < most && n < OF_SESSION;
}

int
race_add(struct sess *s, struct remote *place, uint8_t version, int fd)
{
	struct racer *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return -1;
	if (ev_io_add(&r->io, fd, IO_READ | IO_WRITE, race_io) == -1) {
		free(r);
		return -1;
	}
	r->sess = s;
	r->place = place;
	r->version = version;
	r->since = ev_now();
	SLIST_INSERT_HEAD(&s->extra->racers, r, entry);
	running++;
	return 0;
}

static void
race_io(struct ev_io *io, int what)
{
	struct racer *r = container_of(io, struct racer, io);

	if (what & IO_EOF)
		r->error = sockopt_error(io->fd);
	if (r->error == 0 && !(what & IO_WRITE))
		return;
	r->known = true;
	r->sess->task.cb(&r->sess->task);
}

struct racer *
race_known(const struct sess *s)
{
	struct racer *r;

	if (s->extra != NULL)
		SLIST_FOREACH(r, &s->extra->racers, entry)
			if (r->known)
				return r;
	return NULL;
}

struct racer *
race_first(const struct sess *s)
{
	struct racer *r, *first = NULL;

	if (s->extra != NULL)
		SLIST_FOREACH(r, &s->extra->racers, entry)
			first = r;
	return first;
}

struct racer *
race_latest(const struct sess *s)
{
	return s->extra == NULL ? NULL : SLIST_FIRST(&s->extra->racers);
}

int
race_take(struct racer *r)
{
	const int fd = r->io.fd;

	ev_io_del(&r->io);
	SLIST_REMOVE(&r->sess->extra->racers, r, racer, entry);
	running--;
	ev_defer(&r->task, race_free);
	return fd;
}

void
race_close(struct sess *s)
{
	struct racer *r;

	while ((r = race_latest(s)) != NULL) {
		close(race_take(r));
		remote_release(r->place, s);
	}
}

static void
race_free(struct ev_task *task)
{
	free(container_of(task, struct racer, task));
}
