/*
 * notify.h - the supervisor (sd_notify(3)'s protocol, no library).
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "compat.h"

/* Finds out what the supervisor wants to hear; upgraded: it has heard of us
 * before. Until ready, while reloading and while stopping it is asked for
 * more time if that takes long. */
void		 notify_start(bool upgraded);
/* failed: why the last reload did, or NULL. */
void		 notify_ready(const char *failed);
void		 notify_reloading(void);
void		 notify_stopping(void);
/* The start has failed. */
void		 notify_failed(const char *why);

#endif
