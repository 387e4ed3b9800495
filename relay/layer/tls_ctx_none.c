#include "compat.h"

#include "layer/tls_ctx.h"
#include "self.h"

void
tls_ctx_load(void)
{
}

/* The reader has refused what would need it. */
int
tls_ctx_init(const char **errp)
{
	*errp = "this relay was built without OpenSSL";
	return self.conf->ntlss == 0 ? 0 : -1;
}

void
tls_ctx_free(void)
{
}

struct ssl_st *
tls_ctx_accept(const struct conf_listen *listen)
{
	(void)listen;
	return NULL;
}

struct ssl_st *
tls_ctx_connect(const struct conf_remote *remote)
{
	(void)remote;
	return NULL;
}

void
tls_ctx_failed(const struct conf_remote *remote)
{
	(void)remote;
}

void
tls_ctx_keys(const struct proto_keys *keys)
{
	(void)keys;
}
