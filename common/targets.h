/*
 * targets.h - the shared memory of places: what the checker knows of each
 * address of each remote of a generation.
 *
 * The master makes it, fills in the addresses of the configuration, and takes
 * over what the generation before knew; from then on the checker is the one
 * writer. Master and workers map it for reading only. A generation in which
 * nothing is checked or looked up has none.
 *
 * An entry has two copies, of which the writer only touches the one that
 * nobody is to read: who dies while it writes leaves the former one. What is
 * read is a claim, of which every value is in range.
 */
#ifndef TARGETS_H
#define TARGETS_H

#include "addr.h"
#include "board.h"
#include "conf/conf.h"

#define TARGET_ERROR	64	/* of the text of an error, with the NUL */

enum target_state { TARGET_UNKNOWN, TARGET_UP, TARGET_DOWN };

/* What is known of a place. */
struct target {
	struct source	addr;		/* AF_UNIX: as in the configuration */
	uint64_t	since;		/* ms, monotonic: in this state; 0: from
					   the start on */
	uint16_t	weight;		/* as a SRV record says, 1 to 256; 0: as
					   in the configuration */
	uint8_t		state;		/* enum target_state */
	uint8_t		present;	/* 0: nothing is to go there; else 1 */
	uint8_t		backup;		/* 1: as a SRV record says */
	uint8_t		back;		/* 1: up, and was down or not there */
	char		error[TARGET_ERROR]; /* of the last check, "" if it was
					   good; printable ASCII */
};

struct targets_mem;

struct targets {
	struct targets_mem	*mem;	/* NULL: there is none */
	unsigned		 n;	/* places */
	size_t			 size;
	int			 fd;	/* to write; -1 but in the master */
	int			 ro;	/* the same, to read */
};

/* Is there anything to know? */
bool	 targets_wanted(const struct conf *);
/* Makes the memory of a generation: each address of the configuration is a
 * place that is present and of an unknown state, what is left is free. The
 * master's. Returns 0, or -1 with errno, having nothing. */
int	 targets_create(struct targets *, const struct conf *);
/* Takes over what is known of the places that stay, by relay, remote and
 * address; of those that are looked up, all there are. */
void	 targets_inherit(struct targets *, const struct conf *,
	    const struct targets *old, const struct conf *old_conf);
/* Takes up the memory behind fd in a master that goes on with it. Returns 0,
 * or -1 with errno; fd is still the caller's then. */
int	 targets_reopen(struct targets *, int fd, const struct conf *);
/* Maps the memory behind fd in another process, for the checker to write to.
 * fd is closed. Returns 0, or -1 with errno. */
int	 targets_attach(struct targets *, int fd, const struct conf *,
	    bool write);
void	 targets_close(struct targets *);

/* Which places have changed. */
const struct board_news *targets_news(const struct targets *);
/* What is known of a place, with every value in range. False if it is being
 * written over and over again, as no honest writer does. */
bool	 target_get(const struct targets *, unsigned place, struct target *);
/* Writes it and adds the news, if it is anything new. */
void	 target_set(struct targets *, unsigned place, const struct target *);
/* The address of a place, as a socket takes it; conf: of that remote, number:
 * of the place there. False: there is none, whatever is said. */
bool	 target_addr(const struct target *, const struct conf_remote *conf,
	    unsigned number, struct addr *);

#endif
