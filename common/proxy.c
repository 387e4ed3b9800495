#include "compat.h"

#include <arpa/inet.h>

#include "proxy.h"

#define V2_FIXED	16	/* signature, command, family, length */
#define V1_SHORTEST	15	/* "PROXY UNKNOWN\r\n" */
#define CRC_LEN		4
#define ID_MAX		128	/* bytes of a unique id */
#define SSL_FIXED	5	/* client, verify */
#define TLV_FIXED	3	/* type, length */
#define TEXT_MAX	255	/* bytes of a text that is written */

enum { CMD_LOCAL = 0x20, CMD_PROXY = 0x21 };
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX, FAMILIES };
enum { STREAM = 1, DATAGRAM = 2 };
enum { TLV_ALPN = 0x01, TLV_AUTHORITY = 0x02, TLV_CRC32C = 0x03,
	TLV_NOOP = 0x04, TLV_UNIQUE_ID = 0x05, TLV_SSL = 0x20,
	TLV_SSL_VERSION = 0x21, TLV_SSL_CN = 0x22, TLV_SSL_CIPHER = 0x23,
	TLV_NETNS = 0x30 };
enum { CLIENT_SSL = 1, CLIENT_CERT_CONN = 2, CLIENT_CERT_SESS = 4 };

/* The rest of a line; no word of it is empty. */
struct line {
	const char	*p, *end;
	char		 word[INET6_ADDRSTRLEN];
};

static int	 fail(const char **, const char *);
static int	 v1_parse(const uint8_t *, size_t, struct proxy *,
		    const char **);
static int	 v1_end(const uint8_t *, size_t);
static int	 v1_line(struct line *, struct proxy *, const char **);
static int	 v1_family(struct line *);
static bool	 v1_word(struct line *);
static int	 v1_ip(struct line *, int, struct source *);
static int	 v1_port(struct line *, struct source *);
static int	 v2_parse(const uint8_t *, size_t, struct proxy *,
		    const char **);
static int	 v2_proxy(const uint8_t *, size_t, struct proxy *,
		    const char **);
static void	 v2_names(const uint8_t *, size_t, struct proxy *);
static int	 v2_tlvs(const uint8_t *, size_t, size_t, const char **);
static int	 v2_tlv(const uint8_t *, const uint8_t *, size_t,
		    const char **);
static int	 v2_ssl(const uint8_t *, size_t, const char **);
static uint32_t	 crc32c(uint32_t, const void *, size_t);
static bool	 crc_right(const uint8_t *, size_t, const uint8_t *);
static unsigned	 number16(const uint8_t *);
static bool	 both_ip(const struct proxy *);
static void	 ip_of(const struct source *, bool, uint8_t [16]);
static char	*put_names(char *, const struct proxy *);
static char	*put_tls(char *, const struct proxy_tls *);
static char	*put_fields(char *, const char *, const struct proxy *,
		    const struct proxy_tls *);
static bool	 put_wanted(int, const struct proxy_tls *);
static char	*put_ssl(char *, const struct proxy_tls *);
static char	*put_tlv(char *, int, const void *, size_t);
static char	*put_text(char *, int, const char *);
static void	 put16(char *, size_t);
static void	 put_crc(char *, size_t, char *);

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
static const char v1_start[] = "PROXY ";

/* Bytes of the two addresses of a family. */
static const unsigned v2_address[FAMILIES] = { 0, 12, 36, 216 };

static int
fail(const char **errp, const char *why)
{
	*errp = why;
	return -1;
}

int
proxy_parse(const uint8_t *buf, size_t len, struct proxy *p,
    const char **errp)
{
	memset(p, 0, sizeof(*p));
	if (len == 0)
		return 0;
	if (memcmp(buf, v1_start, MIN(len, strlen(v1_start))) == 0)
		return v1_parse(buf, len, p, errp);
	if (memcmp(buf, signature, MIN(len, sizeof(signature))) == 0)
		return v2_parse(buf, len, p, errp);
	return fail(errp, "there is none");
}

/* Each is the shortest that can come of what is there. */
size_t
proxy_need(const uint8_t *buf, size_t len)
{
	if (len == 0 || buf[0] != signature[0])
		return len < V1_SHORTEST ? V1_SHORTEST :
		    len + (buf[len - 1] == '\r' ? 1 : 2);
	return len < V2_FIXED ? V2_FIXED : V2_FIXED + number16(buf + 14);
}

/* --- version 1 --- */

static int
v1_parse(const uint8_t *buf, size_t len, struct proxy *p, const char **errp)
{
	const int end = v1_end(buf, MIN(len, PROXY_V1_MAX));
	struct line line = { .p = (const char *)buf + strlen(v1_start) };

	if (end == -1)
		return fail(errp, "its line ends by a LF alone");
	if (end == 0)
		return len < PROXY_V1_MAX ? 0 :
		    fail(errp, "its line does not end");
	line.end = (const char *)buf + end - 2;
	return v1_line(&line, p, errp) == -1 ? -1 : end;
}

/* The length up to the first LF, CR before it; 0 if there is none yet. */
static int
v1_end(const uint8_t *buf, size_t len)
{
	const uint8_t *lf = memchr(buf, '\n', len);

	if (lf == NULL)
		return 0;
	return lf > buf && lf[-1] == '\r' ? (int)(lf - buf) + 1 : -1;
}

static int
v1_line(struct line *line, struct proxy *p, const char **errp)
{
	int family;

	if ((family = v1_family(line)) == -1)
		return fail(errp, "its protocol is not known");
	if (family == AF_UNSPEC)
		return 0;
	if (v1_ip(line, family, &p->from) == -1 ||
	    v1_ip(line, family, &p->to) == -1)
		return fail(errp, "an address in it is none");
	if (v1_port(line, &p->from) == -1 || v1_port(line, &p->to) == -1)
		return fail(errp, "a port in it is none");
	if (line->p != NULL)
		return fail(errp, "its line goes on after the ports");
	p->named = true;
	return 0;
}

static int
v1_family(struct line *line)
{
	if (!v1_word(line))
		return -1;
	if (strcmp(line->word, "TCP4") == 0)
		return AF_INET;
	if (strcmp(line->word, "TCP6") == 0)
		return AF_INET6;
	return strcmp(line->word, "UNKNOWN") == 0 ? AF_UNSPEC : -1;
}

/* Up to the next space, which is taken as well; p becomes NULL with the last
 * one. False: there is none, or it is none that could be right. */
static bool
v1_word(struct line *line)
{
	const char *end;
	size_t len;

	if (line->p == NULL)
		return false;
	end = memchr(line->p, ' ', (size_t)(line->end - line->p));
	len = (size_t)((end == NULL ? line->end : end) - line->p);
	if (len == 0 || len >= sizeof(line->word) ||
	    memchr(line->p, '\0', len) != NULL)
		return false;
	memcpy(line->word, line->p, len);
	line->word[len] = '\0';
	line->p = end == NULL ? NULL : end + 1;
	return true;
}

static int
v1_ip(struct line *line, int family, struct source *s)
{
	struct addr a = { .len = 0 };

	a.sa.sa_family = (sa_family_t)family;
	if (!v1_word(line) || inet_pton(family, line->word,
	    family == AF_INET ? (void *)&a.in.sin_addr :
	    (void *)&a.in6.sin6_addr) != 1)
		return -1;
	source_set(s, &a.sa);
	return 0;
}

static int
v1_port(struct line *line, struct source *s)
{
	const char *w = line->word;
	unsigned n = 0;

	if (!v1_word(line) || (w[0] == '0' && w[1] != '\0'))
		return -1;
	for (; *w != '\0'; w++) {
		if (*w < '0' || *w > '9' ||
		    (n = n * 10 + (unsigned)(*w - '0')) > UINT16_MAX)
			return -1;
	}
	s->port = (uint16_t)n;
	return 0;
}

/* --- version 2 --- */

static int
v2_parse(const uint8_t *buf, size_t len, struct proxy *p, const char **errp)
{
	size_t whole;

	if (len > 12 && buf[12] != CMD_LOCAL && buf[12] != CMD_PROXY)
		return fail(errp, "its version or command is not known");
	if (len > 13 && (buf[13] >> 4 >= FAMILIES ||
	    (buf[13] & 0xf) > DATAGRAM))
		return fail(errp, "its family or protocol is not known");
	if (len < V2_FIXED)
		return 0;
	whole = V2_FIXED + number16(buf + 14);
	if (whole > PROXY_MAX)
		return fail(errp, "it is longer than 4096 bytes");
	if (buf[12] == CMD_PROXY &&
	    whole - V2_FIXED < v2_address[buf[13] >> 4])
		return fail(errp, "its addresses are cut off");
	if (len < whole)
		return 0;
	if (buf[12] == CMD_PROXY && v2_proxy(buf, whole, p, errp) == -1)
		return -1;
	return (int)whole;
}

/* What has no family has no addresses either, and nobody can know where its
 * fields begin. */
static int
v2_proxy(const uint8_t *buf, size_t len, struct proxy *p, const char **errp)
{
	const unsigned family = buf[13] >> 4;
	const size_t address = v2_address[family];

	if (family == FAMILY_UNSPEC)
		return 0;
	if (v2_tlvs(buf, len, V2_FIXED + address, errp) == -1)
		return -1;
	if (family == FAMILY_UNIX || (buf[13] & 0xf) != STREAM)
		return 0;
	v2_names(buf + V2_FIXED, (address - 4) / 2, p);
	p->fields = buf + V2_FIXED + address;
	p->nfields = len - V2_FIXED - address;
	return 0;
}

/* width: bytes of one address. */
static void
v2_names(const uint8_t *buf, size_t width, struct proxy *p)
{
	struct addr from = { .len = 0 }, to = { .len = 0 };

	if (width == 4) {
		from.sa.sa_family = to.sa.sa_family = AF_INET;
		memcpy(&from.in.sin_addr, buf, width);
		memcpy(&to.in.sin_addr, buf + width, width);
	} else {
		from.sa.sa_family = to.sa.sa_family = AF_INET6;
		memcpy(&from.in6.sin6_addr, buf, width);
		memcpy(&to.in6.sin6_addr, buf + width, width);
	}
	addr_set_port(&from, (uint16_t)number16(buf + 2 * width));
	addr_set_port(&to, (uint16_t)number16(buf + 2 * width + 2));
	source_set(&p->from, &from.sa);
	source_set(&p->to, &to.sa);
	p->named = true;
}

static int
v2_tlvs(const uint8_t *buf, size_t len, size_t at, const char **errp)
{
	bool sum = false;
	size_t n;

	for (; at < len; at += TLV_FIXED + n) {
		if (len - at < TLV_FIXED ||
		    (n = number16(buf + at + 1)) > len - at - TLV_FIXED)
			return fail(errp, "a field is longer than the header");
		if (buf[at] == TLV_CRC32C && sum)
			return fail(errp, "it has two checksums");
		sum |= buf[at] == TLV_CRC32C;
		if (v2_tlv(buf + at, buf, len, errp) == -1)
			return -1;
	}
	return 0;
}

/* Only what has a form of its own is looked into; whole: the header. */
static int
v2_tlv(const uint8_t *tlv, const uint8_t *whole, size_t len,
    const char **errp)
{
	const size_t n = number16(tlv + 1);

	switch (tlv[0]) {
	case TLV_CRC32C:
		if (n != CRC_LEN || !crc_right(whole, len, tlv + TLV_FIXED))
			return fail(errp, "its checksum is wrong");
		break;
	case TLV_UNIQUE_ID:
		if (n > ID_MAX)
			return fail(errp, "its id is longer than 128 bytes");
		break;
	case TLV_SSL:
		return v2_ssl(tlv + TLV_FIXED, n, errp);
	default:
		break;
	}
	return 0;
}

static int
v2_ssl(const uint8_t *buf, size_t len, const char **errp)
{
	size_t at, n;

	if (len < SSL_FIXED)
		return fail(errp, "what it says of TLS is cut off");
	for (at = SSL_FIXED; at < len; at += TLV_FIXED + n)
		if (len - at < TLV_FIXED ||
		    (n = number16(buf + at + 1)) > len - at - TLV_FIXED)
			return fail(errp, "what it says of TLS is cut off");
	return 0;
}

/* Of Castagnoli (RFC 3720, B.4), reflected; begins and ends with ~0. */
static uint32_t
crc32c(uint32_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	int bit;

	for (; len > 0; len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
	}
	return crc;
}

/* Its own bytes count as 0. */
static bool
crc_right(const uint8_t *buf, size_t len, const uint8_t *sum)
{
	static const uint8_t zero[CRC_LEN];
	uint32_t crc = crc32c(UINT32_MAX, buf, (size_t)(sum - buf));

	crc = crc32c(crc, zero, sizeof(zero));
	crc = ~crc32c(crc, sum + CRC_LEN, (size_t)(buf + len - sum) - CRC_LEN);
	return sum[0] == crc >> 24 && sum[1] == (crc >> 16 & 0xff) &&
	    sum[2] == (crc >> 8 & 0xff) && sum[3] == (crc & 0xff);
}

static unsigned
number16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* --- writing --- */

static bool
both_ip(const struct proxy *p)
{
	return p->named && p->from.family != AF_UNIX &&
	    p->to.family != AF_UNIX;
}

/* Of 16 bytes, mapped if it has fewer, or of 4. */
static void
ip_of(const struct source *s, bool six, uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (s->family == AF_INET && six) {
		memcpy(ip, mapped, sizeof(mapped));
		memcpy(ip + sizeof(mapped), s->ip, 4);
	} else
		memcpy(ip, s->ip, six ? 16 : 4);
}

size_t
proxy_put_v1(char buf[PROXY_MAX], const struct proxy *p)
{
	const bool six = p->from.family != AF_INET || p->to.family != AF_INET;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	uint8_t ip[16];

	if (!both_ip(p))
		return strlcpy(buf, "PROXY UNKNOWN\r\n", PROXY_MAX);
	ip_of(&p->from, six, ip);
	inet_ntop(six ? AF_INET6 : AF_INET, ip, from, sizeof(from));
	ip_of(&p->to, six, ip);
	inet_ntop(six ? AF_INET6 : AF_INET, ip, to, sizeof(to));
	return (size_t)snprintf(buf, PROXY_MAX, "PROXY TCP%d %s %s "
	    "%u %u\r\n", six ? 6 : 4, from, to, p->from.port, p->to.port);
}

size_t
proxy_put_v2(char buf[PROXY_MAX], const struct proxy *p,
    const struct proxy_tls *tls)
{
	char *at = buf + V2_FIXED, *sum;

	memcpy(buf, signature, sizeof(signature));
	buf[12] = both_ip(p) ? CMD_PROXY : CMD_LOCAL;
	buf[13] = FAMILY_UNSPEC;
	if (both_ip(p)) {
		at = put_names(buf, p);
		if (tls != NULL)
			at = put_tls(at, tls);
		at = put_fields(at, buf + PROXY_MAX - TLV_FIXED - CRC_LEN, p,
		    tls);
		sum = at + TLV_FIXED;
		at = put_tlv(at, TLV_CRC32C, "\0\0\0", CRC_LEN);
		put16(buf + 14, (size_t)(at - buf) - V2_FIXED);
		put_crc(buf, (size_t)(at - buf), sum);
	} else
		put16(buf + 14, 0);
	return (size_t)(at - buf);
}

static char *
put_names(char *buf, const struct proxy *p)
{
	const bool six = p->from.family != AF_INET || p->to.family != AF_INET;
	const size_t width = six ? 16 : 4;
	char *at = buf + V2_FIXED;
	uint8_t ip[16];

	buf[13] = (char)((six ? FAMILY_INET6 : FAMILY_INET) << 4 | STREAM);
	ip_of(&p->from, six, ip);
	memcpy(at, ip, width);
	ip_of(&p->to, six, ip);
	memcpy(at + width, ip, width);
	put16(at + 2 * width, p->from.port);
	put16(at + 2 * width + 2, p->to.port);
	return at + 2 * width + 4;
}

static char *
put_tls(char *at, const struct proxy_tls *tls)
{
	at = put_text(at, TLV_ALPN, tls->alpn);
	at = put_text(at, TLV_AUTHORITY, tls->authority);
	return tls->version == NULL ? at : put_ssl(at, tls);
}

/* Up to end. */
static char *
put_fields(char *at, const char *end, const struct proxy *p,
    const struct proxy_tls *tls)
{
	size_t i, n;

	for (i = 0; i < p->nfields; i += TLV_FIXED + n) {
		n = number16(p->fields + i + 1);
		if (put_wanted(p->fields[i], tls) &&
		    n + TLV_FIXED <= (size_t)(end - at))
			at = put_tlv(at, p->fields[i], p->fields + i +
			    TLV_FIXED, n);
	}
	return at;
}

/* What is of the connection that it came by is for nobody else, and of two
 * TLS the nearer one is told. */
static bool
put_wanted(int type, const struct proxy_tls *tls)
{
	switch (type) {
	case TLV_CRC32C:
	case TLV_NOOP:
	case TLV_NETNS:
		return false;
	case TLV_SSL:
		return tls == NULL || tls->version == NULL;
	case TLV_ALPN:
		return tls == NULL || tls->alpn == NULL;
	case TLV_AUTHORITY:
		return tls == NULL || tls->authority == NULL;
	default:
		return true;
	}
}

static char *
put_ssl(char *at, const struct proxy_tls *tls)
{
	char *start = at;

	at += TLV_FIXED;
	*at++ = (char)(CLIENT_SSL |
	    (tls->certificate ? CLIENT_CERT_SESS : 0) |
	    (tls->certificate && !tls->resumed ? CLIENT_CERT_CONN : 0));
	memset(at, 0, 4);
	at[3] = !(tls->certificate && tls->verified);
	at = put_text(at + 4, TLV_SSL_VERSION, tls->version);
	at = put_text(at, TLV_SSL_CIPHER, tls->cipher);
	at = put_text(at, TLV_SSL_CN, tls->name);
	start[0] = TLV_SSL;
	put16(start + 1, (size_t)(at - start) - TLV_FIXED);
	return at;
}

static char *
put_tlv(char *at, int type, const void *value, size_t len)
{
	at[0] = (char)type;
	put16(at + 1, len);
	memcpy(at + TLV_FIXED, value, len);
	return at + TLV_FIXED + len;
}

/* One that is too long to be true is left out. */
static char *
put_text(char *at, int type, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);

	return len == 0 || len > TEXT_MAX ? at :
	    put_tlv(at, type, text, len);
}

static void
put16(char *at, size_t n)
{
	at[0] = (char)(n >> 8);
	at[1] = (char)n;
}

static void
put_crc(char *buf, size_t len, char *sum)
{
	const uint32_t crc = ~crc32c(UINT32_MAX, buf, len);

	put16(sum, crc >> 16);
	put16(sum + 2, crc & 0xffff);
}
