/*
 * Any bytes as the secrets that a worker finds: it makes its contexts of them,
 * or says in a sentence why not, and nothing of either is left.
 */
#include "compat.h"

#include "layer/tls_ctx.h"
#include "self.h"
#include "shm.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct self self;

static const char	*alpn[] = { "h2" };
static struct conf_cert	 certs[] = { { "/a", "", 0, 0 },
	{ "/b", "", 0, 0 } };
static struct conf_tls	 tls = {
	.name = "t", .certs = certs, .ncerts = 2, .min_version = 0x303,
	.max_version = 0x304, .alpn = alpn, .nalpn = 1, .client_ca = "/c",
	.tickets = true, .ticket_lifetime = 1000, .verify = true
};
static struct conf_listen listen_tls;
static struct conf_remote remote;
static struct conf_relay relay = { .remotes = &remote, .nremotes = 1 };
static struct conf	 conf = {
	.listens = &listen_tls, .nlistens = 1, .relays = &relay, .nrelays = 1,
	.tlss = &tls, .ntlss = 1
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *err = NULL;
	int fd = shm_create("fuzz", 0);

	self.conf = &conf;
	self.fd[PROTO_FD_SECRETS] = PROTO_FD_SECRETS;
	if (fd == -1 || write(fd, data, size) != (ssize_t)size ||
	    dup2(fd, PROTO_FD_SECRETS) == -1)
		abort();
	if (fd != PROTO_FD_SECRETS)
		close(fd);
	if (tls_ctx_init(&err) == -1 && (err == NULL || *err == '\0'))
		abort();
	tls_ctx_free();
	close(PROTO_FD_SECRETS);
	return 0;
}
