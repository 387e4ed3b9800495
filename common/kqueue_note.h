/*
 * kqueue_note.h - between kqueue_linux.c and kqueue_note.c: the filters that
 * are not on a descriptor of the caller.
 */
#ifndef KQUEUE_NOTE_H
#define KQUEUE_NOTE_H

#include "compat.h"

#define KQUEUE_MODES	(EV_CLEAR | EV_ONESHOT | EV_DISPATCH)

struct note;

/* Makes one change of a filter on a signal, a process or the user's own.
 * Returns 0 or what is wrong, as errno has it. */
int		 kqueue_note_change(const struct kevent *);

/* How many have fired; no call, as it is asked at each wait. */
extern unsigned int kqueue_note_nfired;

/* Writes up to room events of those that have fired; returns how many. */
int		 kqueue_note_take(struct kevent *events, int room);

/* A descriptor that kqueue_hold() watches is readable: that of the signals,
 * that of a process. */
void		 kqueue_note_signals(void);
void		 kqueue_note_exited(struct note *);

/* Forgets all of them. */
void		 kqueue_note_close(void);

/* Of kqueue_linux.c: watches a descriptor of a note, or with NULL that of the
 * signals. Returns 0, or -1 with errno. */
int		 kqueue_hold(int fd, struct note *);

/* For both: what the flags of a change make of a filter's state, which is
 * KQUEUE_MODES, EV_ADD and EV_ENABLE. */
uint8_t		 kqueue_state(uint8_t, const struct kevent *);

/* Whether its filter is on a descriptor of the caller. */
static inline bool
kqueue_is_fd(const struct kevent *kev)
{
	return kev->filter == EVFILT_READ || kev->filter == EVFILT_WRITE;
}

#endif
