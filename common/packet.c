#include "compat.h"

#include "packet.h"

int
packet_sent(ssize_t n, size_t len)
{
	if (n != -1 && (size_t)n != len)
		errno = EPROTO;
	return n != -1 && (size_t)n == len ? 0 : -1;
}

int
packet_send(int fd, const void *buf, size_t len)
{
	ssize_t n;

	do
		n = send(fd, buf, len, PACKET_FLAGS);
	while (n == -1 && errno == EINTR);
	return packet_sent(n, len);
}
