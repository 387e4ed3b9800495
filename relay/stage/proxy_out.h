/*
 * proxy_out.h - stages PROXY_OUT and PROXY_TLS: tells the remote by a header of
 * the PROXY protocol who the client is; the second one inside TLS.
 */
#ifndef PROXY_OUT_H
#define PROXY_OUT_H

#include "path.h"
#include "sess.h"

bool	  proxy_out_wanted(const struct path *);
enum step proxy_out_enter(struct sess *);
bool	  proxy_tls_wanted(const struct path *);
enum step proxy_tls_enter(struct sess *);
/* Of both: each writes at once or ends, and never waits. */
enum step proxy_out_event(struct sess *, struct end *);

#endif
