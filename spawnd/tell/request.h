/*
 * request.h - what spawnctl may ask for.
 */
#ifndef REQUEST_H
#define REQUEST_H

/* Requests of the control socket are answered from now on. */
void		 request_begin(void);

#endif
