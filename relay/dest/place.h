/*
 * place.h - what the sessions of a relay section with targets have in place of
 * a remote: one for all, wherever they go. Nobody chooses, holds or counts it.
 */
#ifndef DEST_PLACE_H
#define DEST_PLACE_H

/* Makes those of all relay sections, and reads what is asked of this machine
 * for them, while the process still may. Returns 0, or -1 with *errp (static).
 */
int	 dest_start(const char **errp);

#endif
