/*
 * inetd.h - -i: started by inetd(8), "wait".
 */
#ifndef INETD_H
#define INETD_H

/* Takes descriptor 0 as a socket that was passed (activate.h). What is written
 * to the standard error goes to syslog from now on, if nobody reads it. */
void		 inetd_open(void);
/* From now on errors go to the log, and not to syslog directly. */
void		 inetd_log_begins(void);

#endif
