/*
 * sockopt_bsd.c - what each of the BSDs has of them. A filter of FreeBSD that
 * defers accept(2) is none that can be taken off again, and so is not used.
 */
#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "sockopt.h"

const struct sockopt sockopt_names[SOCKOPTS] = {
#if defined(SO_BINDANY)
	[SOCKOPT_FREEBIND] = { SOL_SOCKET, SO_BINDANY },
	[SOCKOPT_FREEBIND6] = { SOL_SOCKET, SO_BINDANY },
#elif defined(IP_BINDANY) && defined(IPV6_BINDANY)
	[SOCKOPT_FREEBIND] = { IPPROTO_IP, IP_BINDANY },
	[SOCKOPT_FREEBIND6] = { IPPROTO_IPV6, IPV6_BINDANY },
#endif
	[SOCKOPT_TOS] = { IPPROTO_IP, IP_TOS },
	[SOCKOPT_TCLASS] = { IPPROTO_IPV6, IPV6_TCLASS },
#ifdef TCP_KEEPIDLE
	[SOCKOPT_IDLE] = { IPPROTO_TCP, TCP_KEEPIDLE },
#endif
#ifdef TCP_KEEPINTVL
	[SOCKOPT_INTERVAL] = { IPPROTO_TCP, TCP_KEEPINTVL },
#endif
#ifdef TCP_KEEPCNT
	[SOCKOPT_COUNT] = { IPPROTO_TCP, TCP_KEEPCNT },
#endif
#ifdef TCP_FASTOPEN
	[SOCKOPT_FASTOPEN] = { IPPROTO_TCP, TCP_FASTOPEN },
#endif
};

const bool sockopt_has_interface = false;
const bool sockopt_has_abstract = false;

const char *
sockopt_no_fastopen(void)
{
	return NULL;
}

int
sockopt_interface(int fd, const char *name)
{
	(void)fd;
	(void)name;
	errno = ENOPROTOOPT;
	return -1;
}
