/*
 * tls.h - stages TLS_IN and TLS_OUT: the handshake with the client, as the one
 * who is asked, and with the remote, as the one who asks. Nothing goes through
 * an end whose handshake is not done.
 */
#ifndef STAGE_TLS_H
#define STAGE_TLS_H

#include "path.h"
#include "sess.h"

bool	  tls_in_wanted(const struct path *);
enum step tls_in_enter(struct sess *);
enum step tls_in_event(struct sess *, struct end *);

bool	  tls_out_wanted(const struct path *);
enum step tls_out_enter(struct sess *);
enum step tls_out_event(struct sess *, struct end *);
enum step tls_out_timeout(struct sess *);

#endif
