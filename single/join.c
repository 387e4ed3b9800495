/*
 * join.c - spawnd and relay in one program (single = yes): the only file that
 * knows both. They speak over a channel as two processes do, and turn in one
 * event loop.
 */
#include "compat.h"

#include <fcntl.h>

#include "../relay/begin.h"
#include "../relay/layer/tls_ctx.h"
#include "../relay/self.h"
#include "../spawnd/proc/inside.h"

static bool	 begun;

bool
inside_can(void)
{
	return true;
}

bool
inside_free(void)
{
	return !begun;
}

int
inside_start(unsigned generation, unsigned slot, const int fds[PROTO_FD_END],
    void (*ended)(void), const char **errp)
{
	int i;

	begun = true;
	self.inside = true;
	self.pid = getpid();
	self.generation = generation;
	self.slot = slot;
	/* None that an image before this one may have given, in one log. */
	self.serial = (uint64_t)generation << 32;
	for (i = 0; i < PROTO_FD_END; i++) {
		self.fd[i] = fds[i] == -1 ? -1 :
		    fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (fds[i] != -1 && self.fd[i] == -1) {
			*errp = strerror(errno);
			return -1;
		}
	}
	if (begin_load(errp) == -1)
		return -1;
	tls_ctx_load();
	if (tls_ctx_init(errp) == -1)
		return -1;
	if (begin_serve(ended) == 0)
		return 0;
	*errp = strerror(errno);
	return -1;
}

void
inside_end(void)
{
	/* By that the recorder knows that no more comes. */
	if (self.fd[PROTO_FD_WAKE] != -1)
		close(self.fd[PROTO_FD_WAKE]);
	self.fd[PROTO_FD_WAKE] = -1;
	tls_ctx_free();
}
