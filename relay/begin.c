#include "compat.h"

#include <sys/resource.h>

#include "begin.h"
#include "channel.h"
#include "dest/place.h"
#include "filter.h"
#include "ktls.h"
#include "log.h"
#include "ondown.h"
#include "path.h"
#include "race.h"
#include "remote/remotes.h"
#include "self.h"
#include "splice.h"
#include "stage.h"
#include "store.h"

static int	 begin_memory(void);
static int	 begin_failed(const char *, const char **);
static void	 begin_spare(const struct conf *);
static bool	 begin_ktls(const struct conf *);

struct self self;

int
begin_load(const char **errp)
{
	self.conf = conf_get(self.fd[PROTO_FD_CONF], errp);
	if (self.conf == NULL)
		return begin_failed(*errp, errp);
	close(self.fd[PROTO_FD_CONF]);
	log_set_level(conf_log_level(self.conf));
	if (self.slot >= BOARD_SLOTS)
		return begin_failed("its slot is out of range", errp);
	if (begin_memory() == -1 || remotes_start() == -1 ||
	    filter_start() == -1 || path_init(stage_set) == -1)
		return begin_failed(strerror(errno), errp);
	if (dest_start(errp) == -1)
		return begin_failed(*errp, errp);
	store_limit(self.conf->memory);
	begin_spare(self.conf);
	self.ktls = begin_ktls(self.conf);
	return 0;
}

static int
begin_memory(void)
{
	if (board_attach(&self.board, self.fd[PROTO_FD_BOARD],
	    self.fd[PROTO_FD_SLOT], self.conf, self.slot) == -1)
		return -1;
	if (buckets_wanted(self.conf) && (buckets_attach(&self.buckets,
	    self.fd[PROTO_FD_BUCKETS]) == -1 ||
	    close(self.fd[PROTO_FD_BUCKETS]) == -1))
		return -1;
	return targets_wanted(self.conf) ? targets_attach(&self.targets,
	    self.fd[PROTO_FD_TARGETS], self.conf, false) : 0;
}

int
begin_serve(void (*done)(void))
{
	if (channel_start(done) == -1)
		return -1;
	ondown_start();
	return 0;
}

static int
begin_failed(const char *why, const char **errp)
{
	static char text[256];

	snprintf(text, sizeof(text), "a worker cannot begin: %s", why);
	*errp = text;
	return -1;
}

/* What sessions do not need of the descriptors may be pipes, and a third one of
 * those that are on their way to a remote. */
static void
begin_spare(const struct conf *c)
{
	rlim_t need = (rlim_t)c->users_max * 2 + PROTO_FD_WORKER +
	    conf_auth_lines(c);
	rlim_t pipes = PROTO_FD_PIPES / 2, races = PROTO_FD_RACES;
	struct rlimit rl;
	unsigned i;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur > need) {
		races += (rl.rlim_cur - need) / 4;
		pipes += (rl.rlim_cur - need) / 4;
	}
	race_limit(races > UINT16_MAX ? UINT16_MAX : (unsigned)races);
	splice_limit(pipes > UINT16_MAX ? UINT16_MAX : (unsigned)pipes);
	for (i = 0; i < c->nrelays && !splice_works(); i++)
		if (c->relays[i].io == CONF_IO_SPLICE)
			log_warnx("relay %s: io = splice: this system cannot "
			    "do it, bytes are copied", c->relays[i].name);
}

/* Only where zero copy is asked for: with keys that the kernel has, there is no
 * answer to a KeyUpdate. */
static bool
begin_ktls(const struct conf *c)
{
	unsigned i;

	for (i = 0; i < c->nrelays && c->ntlss > 0; i++)
		if (c->relays[i].io == CONF_IO_SPLICE)
			return ktls_here();
	return false;
}
