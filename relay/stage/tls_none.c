#include "compat.h"

#include "session.h"
#include "stage/tls.h"

/* Without OpenSSL: no session comes this way. */

bool
tls_in_wanted(const struct path *p)
{
	(void)p;
	return false;
}

bool
tls_out_wanted(const struct path *p)
{
	(void)p;
	return false;
}

enum step
tls_in_enter(struct sess *s)
{
	return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
}

enum step
tls_out_enter(struct sess *s)
{
	return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
}

enum step
tls_in_event(struct sess *s, struct end *any)
{
	(void)any;
	return tls_in_enter(s);
}

enum step
tls_out_event(struct sess *s, struct end *any)
{
	(void)any;
	return tls_out_enter(s);
}

enum step
tls_out_timeout(struct sess *s)
{
	return tls_out_enter(s);
}
