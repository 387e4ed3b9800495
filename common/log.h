/*
 * log.h - one line a call, to the logger process; never blocks.
 *
 * A line is one datagram "<level>text" on a non-blocking unix socket to the
 * logger (helpers/logger/), which knows whose that is, stamps and writes it.
 * While there is none (at start, in spawnctl, in tests) lines go to standard
 * error. A line
 * that does not fit into the socket is dropped and counted, and the count is
 * reported with the next line that fits.
 */
#ifndef LOG_H
#define LOG_H

#include "compat.h"

#include <stdarg.h>
#include <syslog.h>		/* LOG_ERR .. LOG_DEBUG are the levels */

#define LOG_LINE	2048	/* longest datagram, the rest is cut */

/* fd: our socket to the logger, or -1 for standard error. */
void		 log_init(int fd);
/* That descriptor. */
int		 log_fd(void);
/* The least important level that is written: LOG_ERR, LOG_WARNING,
 * LOG_NOTICE, LOG_INFO or LOG_DEBUG. */
void		 log_set_level(int level);
int		 log_get_level(void);
/* "error warning notice info debug" to a level; -1 if it is none of them. */
int		 log_level_of(const char *name);
const char	*log_level_name(int level);
/* Is the descriptor the stream of systemd's journal, as JOURNAL_STREAM says?
 * There each line begins with "<level>", and has no time of its own. */
bool		 log_is_journal(int fd);
/* Who is told, besides, of each line of this process that is no less important
 * than LOG_INFO, whatever the level: text is without its end. */
void		 log_watch(void (*told)(int level, const char *text));
/* What strerror(3) says, and of a limit which one it is. */
const char	*log_why(int error);
/* Lines as they are on the standard error, for who has started us. */
void		 log_tell(int level, const char *lines);
/* How many lines of this process have been dropped so far. */
uint64_t	 log_dropped(void);

void		 log_write(int level, const char *fmt, ...) printf_like(2, 3);
void		 log_vwrite(int level, const char *fmt, va_list)
		    printf_like(2, 0);
/* As warn(3) and warnx(3): with and without ": strerror(errno)". */
void		 log_warn(const char *fmt, ...) printf_like(1, 2);
void		 log_warnx(const char *fmt, ...) printf_like(1, 2);
void		 log_info(const char *fmt, ...) printf_like(1, 2);
/* A packet of fields (fields.h) with that level in front, which is written
 * to; its line has LOG_LINE bytes at most. */
struct line;
void		 log_fields(int level, struct line *);
/* For what may happen as often as a client likes: at most one line a second, or
 * as many more as it begins with; all else is 0 then. True if now is the time
 * for one; *skipped is then how many there would have been since the last. */
struct log_limit {
	uint64_t	 next;		/* ms: the next second begins */
	unsigned	 more;		/* lines a second beyond the first */
	unsigned	 used;		/* of them */
	unsigned	 skipped;
};
bool		 log_allow(struct log_limit *, uint64_t now_ms,
		    unsigned *skipped);
/* At start, or when the process's own state is broken; exits with status 1.
 * Never for anything that a client, remote or reload can cause. */
void		 fatal(const char *fmt, ...) printf_like(1, 2) no_return;
void		 fatalx(const char *fmt, ...) printf_like(1, 2) no_return;

/* Arguments are not evaluated unless the level is on. */
#define log_debug(...) do {						\
	if (log_get_level() >= LOG_DEBUG)				\
		log_write(LOG_DEBUG, __VA_ARGS__);			\
} while (0)

#endif
