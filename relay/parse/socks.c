#include "compat.h"

#include "parse/socks.h"

#define HEAD4		8	/* bytes of version 4 before the user */
#define HEAD5		4	/* of version 5 before the address */
#define PORT		2	/* bytes of one */

enum { TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };

static int	 text4(const uint8_t *, size_t, size_t, size_t, size_t *);
static bool	 is_4a(const uint8_t *);
static int	 command_of(const uint8_t *, const struct dest *,
		    enum socks_wrong *);
static uint16_t	 port_of(const uint8_t *);
static int	 more(size_t, size_t *);
static void	 place5(const uint8_t *, size_t, uint16_t, struct dest *);

/* How many bytes there must be at least. */
static int
more(size_t n, size_t *need)
{
	*need = n;
	return 0;
}

int
socks4_request(const uint8_t *p, size_t len, struct request *r,
    enum socks_wrong *wrong, size_t *need)
{
	size_t host = HEAD4, end;
	int n;

	memset(r, 0, sizeof(*r));
	*wrong = SOCKS_RIGHT;
	if (len > 0 && p[0] != SOCKS4)
		return -1;
	if (len <= HEAD4)
		return more(HEAD4 + 1, need);
	if ((n = text4(p, len, host, REQUEST_WORD, need)) <= 0)
		return n;
	memcpy(r->user, p + HEAD4, (size_t)n);
	end = host += (size_t)n;
	if (is_4a(p)) {
		if ((n = text4(p, len, host, HOST_LEN + 1, need)) <= 0)
			return n;
		end += (size_t)n;
		(void)dest_set_host(&r->to, p + host, (size_t)n - 1,
		    port_of(p + 2));
	} else
		dest_set_ip(&r->to, AF_INET, p + 4, port_of(p + 2));
	return command_of(p, &r->to, wrong) == -1 ? -1 : (int)end;
}

/* Of either version. What is not done needs no port. */
static int
command_of(const uint8_t *p, const struct dest *to, enum socks_wrong *wrong)
{
	if (p[1] == SOCKS_CONNECT)
		return to->port == 0 ? -1 : 0;
	*wrong = SOCKS_WRONG_COMMAND;
	return 0;
}

/* A text from there on: its bytes, with the NUL, of at most so many. */
static int
text4(const uint8_t *p, size_t len, size_t at, size_t most, size_t *need)
{
	const uint8_t *end = memchr(p + at, '\0', MIN(len - at, most));

	if (end != NULL)
		return (int)(end - (p + at)) + 1;
	return len - at >= most ? -1 : more(len + 1, need);
}

/* An address that nobody has says that a name follows. */
static bool
is_4a(const uint8_t *p)
{
	return p[4] == 0 && p[5] == 0 && p[6] == 0 && p[7] != 0;
}

static uint16_t
port_of(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

int
socks5_methods(const uint8_t *p, size_t len, unsigned *offers, size_t *need)
{
	size_t i, n;

	*offers = 0;
	if (len > 0 && p[0] != SOCKS5)
		return -1;
	if (len < 2)
		return more(2, need);
	n = 2 + (size_t)p[1];
	if (len < n)
		return more(n, need);
	for (i = 2; i < n; i++)
		if (p[i] == 0)
			*offers |= SOCKS_NONE;
		else if (p[i] == 2)
			*offers |= SOCKS_PASSWORD;
	return (int)n;
}

int
socks5_login(const uint8_t *p, size_t len, struct request *r, size_t *need)
{
	size_t user, password;

	if (len > 0 && p[0] != 1)
		return -1;
	if (len < 3)
		return more(3, need);
	user = p[1];
	if (len < 3 + user)
		return more(3 + user, need);
	password = p[2 + user];
	if (len < 3 + user + password)
		return more(3 + user + password, need);
	if (request_word(r->user, p + 2, user) == -1 ||
	    request_word(r->password, p + 3 + user, password) == -1)
		return -1;
	return (int)(3 + user + password);
}

int
socks5_request(const uint8_t *p, size_t len, struct request *r,
    enum socks_wrong *wrong, size_t *need)
{
	size_t n;

	*wrong = SOCKS_RIGHT;
	memset(&r->to, 0, sizeof(r->to));
	if ((len > 0 && p[0] != SOCKS5) || (len > 2 && p[2] != 0))
		return -1;
	if (len < HEAD5)
		return more(HEAD5, need);
	switch (p[3]) {
	case TYPE_IPV4:	n = 4; break;
	case TYPE_IPV6:	n = 16; break;
	case TYPE_NAME:	n = 1 + (size_t)(len == HEAD5 ? 0 : p[4]); break;
	default:
		/* How long it is nobody knows; what follows is lost. */
		*wrong = SOCKS_WRONG_TYPE;
		return HEAD5;
	}
	if (len < HEAD5 + n + PORT)
		return more(HEAD5 + n + PORT, need);
	place5(p + 3, n, port_of(p + HEAD5 + n), &r->to);
	return command_of(p, &r->to, wrong) == -1 ? -1 :
	    (int)(HEAD5 + n + PORT);
}

/* From the type on; n bytes of address follow it. A name that is none is for
 * who is to connect. */
static void
place5(const uint8_t *p, size_t n, uint16_t port, struct dest *to)
{
	if (p[0] == TYPE_NAME)
		(void)dest_set_host(to, p + 2, n - 1, port);
	else
		dest_set_ip(to, p[0] == TYPE_IPV4 ? AF_INET : AF_INET6, p + 1,
		    port);
}

size_t
socks4_reply(uint8_t buf[SOCKS_REPLY], uint8_t code, const struct addr *bound)
{
	memset(buf, 0, HEAD4);
	buf[1] = code;
	if (bound != NULL && bound->sa.sa_family == AF_INET) {
		memcpy(buf + 2, &bound->in.sin_port, PORT);
		memcpy(buf + 4, &bound->in.sin_addr, 4);
	}
	return HEAD4;
}

size_t
socks5_reply(uint8_t buf[SOCKS_REPLY], uint8_t code, const struct addr *bound)
{
	memset(buf, 0, SOCKS_REPLY);
	buf[0] = SOCKS5;
	buf[1] = code;
	if (bound != NULL && bound->sa.sa_family == AF_INET6) {
		buf[3] = TYPE_IPV6;
		memcpy(buf + HEAD5, &bound->in6.sin6_addr, 16);
		memcpy(buf + HEAD5 + 16, &bound->in6.sin6_port, PORT);
		return HEAD5 + 16 + PORT;
	}
	buf[3] = TYPE_IPV4;
	if (bound != NULL && bound->sa.sa_family == AF_INET) {
		memcpy(buf + HEAD5, &bound->in.sin_addr, 4);
		memcpy(buf + HEAD5 + 4, &bound->in.sin_port, PORT);
	}
	return HEAD5 + 4 + PORT;
}
