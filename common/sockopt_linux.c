#include "compat.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "sockopt.h"

#define SERVERS	2	/* may have it */

const struct sockopt sockopt_names[SOCKOPTS] = {
	[SOCKOPT_FREEBIND] = { IPPROTO_IP, IP_FREEBIND },
	[SOCKOPT_FREEBIND6] = { IPPROTO_IPV6, IPV6_FREEBIND },
	[SOCKOPT_TOS] = { IPPROTO_IP, IP_TOS },
	[SOCKOPT_TCLASS] = { IPPROTO_IPV6, IPV6_TCLASS },
	[SOCKOPT_IDLE] = { IPPROTO_TCP, TCP_KEEPIDLE },
	[SOCKOPT_INTERVAL] = { IPPROTO_TCP, TCP_KEEPINTVL },
	[SOCKOPT_COUNT] = { IPPROTO_TCP, TCP_KEEPCNT },
	[SOCKOPT_USER_TIMEOUT] = { IPPROTO_TCP, TCP_USER_TIMEOUT },
	[SOCKOPT_FASTOPEN] = { IPPROTO_TCP, TCP_FASTOPEN },
	[SOCKOPT_DEFER] = { IPPROTO_TCP, TCP_DEFER_ACCEPT },
	[SOCKOPT_LATE_PORT] = { IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT },
};

const bool sockopt_has_interface = true;
const bool sockopt_has_abstract = true;

const char *
sockopt_no_fastopen(void)
{
	const int fd = open("/proc/sys/net/ipv4/tcp_fastopen", O_RDONLY |
	    O_CLOEXEC);
	char text[16] = "";
	ssize_t n;

	if (fd == -1)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n <= 0 || (atoi(text) & SERVERS) != 0 ? NULL :
	    "it does nothing before net.ipv4.tcp_fastopen is 3 (sysctl)";
}

int
sockopt_interface(int fd, const char *name)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
	    (socklen_t)strlen(name) + 1);
}
