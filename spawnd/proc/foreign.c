#include "compat.h"

#include "conf/conf.h"
#include "proc/foreign.h"
#include "proc/generation.h"
#include "proto.h"
#include "shm.h"

#define NUMBERS		3	/* arguments behind those of the file */

static int	 foreign_print(const struct conf *, int);
static int	 foreign_run(struct worker *, char *const [], int);

/* Names are replaced by numbers: nobody need ask for them. */
int
foreign_text(struct generation *g)
{
	int fd, saved;

	if (g->conf->exec == NULL)
		return 0;
	if ((fd = shm_create("spawnd-text", 0)) == -1)
		return -1;
	if (foreign_print(g->conf, fd) == -1 || lseek(fd, 0, SEEK_SET) == -1 ||
	    shm_seal(fd) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	g->text_fd = fd;
	return 0;
}

static int
foreign_print(const struct conf *conf, int fd)
{
	const int copy = dup(fd);
	FILE *f = copy == -1 ? NULL : fdopen(copy, "w");
	int done;

	if (f == NULL) {
		if (copy != -1)
			close(copy);
		return -1;
	}
	done = conf_print(conf, CONF_RESOLVED, f);
	return fclose(f) == EOF ? -1 : done;
}

enum proto_who
foreign_who(const struct worker *w)
{
	return w->gen->conf->exec != NULL ? WHO_FOREIGN : WHO_WORKER;
}

int
foreign_start(struct worker *w, int log)
{
	const struct conf *c = w->gen->conf;
	const unsigned numbers[NUMBERS] = { w->gen->number, w->slot,
	    PROTO_PUBLIC };
	char text[NUMBERS][16], **argv;
	unsigned i, n = 0;
	int r, saved;

	argv = calloc(c->nexec_args + NUMBERS + 2, sizeof(*argv));
	if (argv == NULL)
		return -1;
	argv[n++] = (char *)(uintptr_t)c->exec;
	for (i = 0; i < c->nexec_args; i++)
		argv[n++] = (char *)(uintptr_t)c->exec_args[i];
	for (i = 0; i < NUMBERS; i++) {
		snprintf(text[i], sizeof(text[i]), "%u", numbers[i]);
		argv[n++] = text[i];
	}
	r = foreign_run(w, argv, log);
	saved = errno;
	free(argv);
	errno = saved;
	return r;
}

/* It finds no secrets, as nothing has TLS, and may read the text as any file:
 * where it stands there is its own. */
static int
foreign_run(struct worker *w, char *const argv[], int log)
{
	const struct conf *c = w->gen->conf;
	const int text = shm_read_only(w->gen->text_fd);
	const struct child_fd fds[] = {
		{ w->its_end,		PROTO_FD_CHANNEL },
		{ text,			PROTO_FD_CONF },
		{ w->gen->board.ro,	PROTO_FD_BOARD },
		{ log,			PROTO_FD_LOG },
		{ w->gen->board.slots[w->slot].fd, PROTO_FD_SLOT }
	};
	int r, saved;

	if (text == -1)
		return -1;
	w->child.user = c->user;
	w->child.uid = c->uid;
	w->child.gid = c->gid;
	w->child.confined = c->sandbox != CONF_SANDBOX_OFF;
	r = child_start(&w->child, c->exec, argv, fds, nitems_of(fds));
	saved = errno;
	close(text);
	errno = saved;
	return r;
}
