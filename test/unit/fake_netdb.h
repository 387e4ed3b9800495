/*
 * fake_netdb.h - a resolver of this test's own, so that no test depends on
 * the network, /etc/hosts or /etc/services. For one file of a program: it
 * defines the functions, and the linker takes them for libc's.
 *
 * localhost is ::1 and 127.0.0.1; twelve.test has 12 addresses, 10.0.12.0 and
 * up; four.test has one, 10.0.4.0; for silent.test nobody answers; the services
 * are http and https.
 */
#ifndef FAKE_NETDB_H
#define FAKE_NETDB_H

#include <arpa/inet.h>
#include <netdb.h>

#include <stdlib.h>
#include <string.h>

struct fake_info {
	struct addrinfo		ai;
	struct sockaddr_in6	sa;
};

static struct addrinfo *
fake_info(const char *text, unsigned last, struct addrinfo *next)
{
	struct fake_info *f;
	struct sockaddr_in *in;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		abort();
	in = (struct sockaddr_in *)(void *)&f->sa;
	f->ai.ai_next = next;
	f->ai.ai_socktype = SOCK_STREAM;
	f->ai.ai_addr = (struct sockaddr *)(void *)&f->sa;
	if (inet_pton(AF_INET6, text, &f->sa.sin6_addr) == 1) {
		f->ai.ai_family = f->sa.sin6_family = AF_INET6;
		f->ai.ai_addrlen = sizeof(f->sa);
	} else {
		inet_pton(AF_INET, text, &in->sin_addr);
		in->sin_addr.s_addr += htonl(last);
		f->ai.ai_family = in->sin_family = AF_INET;
		f->ai.ai_addrlen = sizeof(*in);
	}
	return &f->ai;
}

int
getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	int i;

	(void)service;
	(void)hints;
	*res = NULL;
	if (strcmp(host, "silent.test") == 0)
		return EAI_AGAIN;
	if (strcmp(host, "localhost") == 0)
		*res = fake_info("::1", 0, fake_info("127.0.0.1", 0, NULL));
	else if (strcmp(host, "four.test") == 0)
		*res = fake_info("10.0.4.0", 0, NULL);
	else if (strcmp(host, "twelve.test") == 0)
		for (i = 11; i >= 0; i--)
			*res = fake_info("10.0.12.0", i, *res);
	return *res == NULL ? EAI_NONAME : 0;
}

void
freeaddrinfo(struct addrinfo *ai)
{
	struct addrinfo *next;

	for (; ai != NULL; ai = next) {
		next = ai->ai_next;
		free(ai);
	}
}

struct servent *
getservbyname(const char *name, const char *proto)
{
	static struct servent se;

	(void)proto;
	memset(&se, 0, sizeof(se));
	if (strcmp(name, "http") == 0)
		se.s_port = htons(80);
	else if (strcmp(name, "https") == 0)
		se.s_port = htons(443);
	return se.s_port == 0 ? NULL : &se;
}

#endif
