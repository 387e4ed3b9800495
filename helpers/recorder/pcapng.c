#include "compat.h"

#include <arpa/inet.h>

#include "pcapng.h"

/* draft-ietf-opsawg-pcapng, 4. */
#define SECTION		0x0a0d0d0a
#define INTERFACE	1
#define ENHANCED	6
#define MAGIC		0x1a2b3c4d
#define LINKTYPE_RAW	101		/* begins with the IP header */
#define OPT_END		0
#define OPT_COMMENT	1
#define OPT_IF_NAME	2
#define OPT_USERAPPL	4
#define ENHANCED_HEAD	28
#define TAIL		4

#define TTL		64
#define SYN_OPTIONS	8

/* Where the next byte goes. */
struct out {
	unsigned char	*at;
};

static void	 put32(struct out *, uint32_t);
static void	 put16(struct out *, uint16_t);
static void	 net32(struct out *, uint32_t);
static void	 net16(struct out *, uint16_t);
static void	 put(struct out *, const void *, size_t);
static void	 put_text(struct out *, uint16_t, const char *);
static void	 put_interface(struct out *, const char *);
static void	 put_end(struct out *, unsigned char *);
static size_t	 padded(size_t);
static size_t	 comment_len(const struct packet *);
static size_t	 head_len(const struct packet *);
static void	 put_ip(struct out *, const struct packet *);
static void	 put_ipv4(struct out *, const struct packet *, uint16_t);
static void	 put_tcp(struct out *, const struct packet *);
static uint16_t	 checksum(const unsigned char *, size_t);

static void
put(struct out *o, const void *p, size_t len)
{
	memcpy(o->at, p, len);
	o->at += len;
}

/* As this machine has them; the section says so. */
static void
put32(struct out *o, uint32_t n)
{
	put(o, &n, sizeof(n));
}

static void
put16(struct out *o, uint16_t n)
{
	put(o, &n, sizeof(n));
}

static void
net32(struct out *o, uint32_t n)
{
	put32(o, htonl(n));
}

static void
net16(struct out *o, uint16_t n)
{
	put16(o, htons(n));
}

static size_t
padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* An option; cut where it is too long, but in no character. */
static void
put_text(struct out *o, uint16_t code, const char *text)
{
	size_t len = strnlen(text, PCAPNG_COMMENT);

	while (len == PCAPNG_COMMENT && (text[len - 1] & 0x80) != 0)
		len--;
	put16(o, code);
	put16(o, (uint16_t)len);
	memset(o->at, 0, padded(len));
	memcpy(o->at, text, len);
	o->at += padded(len);
}

/* Its length stands at both ends of a block. */
static void
put_end(struct out *o, unsigned char *block)
{
	const uint32_t len = (uint32_t)(o->at - block) + TAIL;

	put32(o, len);
	memcpy(block + 4, &len, sizeof(len));
}

size_t
pcapng_head(unsigned char out[PCAPNG_HEAD], const char *const *names,
    unsigned n)
{
	struct out o = { out };
	unsigned i;

	put32(&o, SECTION);
	put32(&o, 0);
	put32(&o, MAGIC);
	put16(&o, 1);
	put16(&o, 0);
	put32(&o, UINT32_MAX);	/* how long it is, nobody knows yet */
	put32(&o, UINT32_MAX);
	put_text(&o, OPT_USERAPPL, PACKAGE_STRING);
	put32(&o, OPT_END);
	put_end(&o, out);
	for (i = 0; i < n; i++)
		put_interface(&o, names[i]);
	return (size_t)(o.at - out);
}

static void
put_interface(struct out *o, const char *name)
{
	unsigned char *block = o->at;

	put32(o, INTERFACE);
	put32(o, 0);
	put16(o, LINKTYPE_RAW);
	put16(o, 0);
	put32(o, 0);		/* no packet is cut for its length */
	put_text(o, OPT_IF_NAME, name);
	put32(o, OPT_END);
	put_end(o, block);
}

static size_t
comment_len(const struct packet *p)
{
	return p->comment == NULL ? 0 :
	    4 + padded(strnlen(p->comment, PCAPNG_COMMENT)) + 4;
}

/* Of IP and TCP. */
static size_t
head_len(const struct packet *p)
{
	return (p->from->family == AF_INET ? 20 : 40) + 20 +
	    (p->flags & TCP_SYN ? SYN_OPTIONS : 0);
}

size_t
pcapng_size(const struct packet *p)
{
	return ENHANCED_HEAD + padded(head_len(p) + p->kept) +
	    comment_len(p) + TAIL;
}

unsigned char *
pcapng_packet(unsigned char *out, const struct packet *p)
{
	const size_t head = head_len(p);
	struct out o = { out };
	unsigned char *data;

	put32(&o, ENHANCED);
	put32(&o, 0);
	put32(&o, p->interface);
	put32(&o, (uint32_t)(p->us >> 32));
	put32(&o, (uint32_t)p->us);
	put32(&o, (uint32_t)head + p->kept);
	put32(&o, (uint32_t)head + p->len);
	put_ip(&o, p);
	put_tcp(&o, p);
	data = o.at;
	o.at += padded(head + p->kept) - head;
	memset(data + p->kept, 0, (size_t)(o.at - data) - p->kept);
	if (p->comment != NULL) {
		put_text(&o, OPT_COMMENT, p->comment);
		put32(&o, OPT_END);
	}
	put_end(&o, out);
	return data;
}

/* --- IP and TCP --- */

static void
put_ip(struct out *o, const struct packet *p)
{
	const uint16_t len = (uint16_t)(head_len(p) + p->len);

	if (p->from->family == AF_INET) {
		put_ipv4(o, p, len);
		return;
	}
	net32(o, 6U << 28);
	net16(o, (uint16_t)(len - 40));
	*o->at++ = IPPROTO_TCP;
	*o->at++ = TTL;
	put(o, p->from->ip, 16);
	put(o, p->to->ip, 16);
}

static void
put_ipv4(struct out *o, const struct packet *p, uint16_t len)
{
	unsigned char *head = o->at;
	uint16_t sum;

	net16(o, 0x4500);
	net16(o, len);
	net16(o, 0);
	net16(o, 0x4000);	/* not to be fragmented */
	*o->at++ = TTL;
	*o->at++ = IPPROTO_TCP;
	net16(o, 0);
	put(o, p->from->ip, 4);
	put(o, p->to->ip, 4);
	sum = checksum(head, 20);
	memcpy(head + 10, &sum, sizeof(sum));
}

/* RFC 1071. */
static uint16_t
checksum(const unsigned char *p, size_t len)
{
	uint32_t sum = 0;
	uint16_t n;

	for (; len > 1; p += 2, len -= 2) {
		memcpy(&n, p, sizeof(n));
		sum += n;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

/* Its checksum is 0, as where a card makes it: it would take a look at every
 * byte. A large window (RFC 7323), so that none looks exhausted. */
static void
put_tcp(struct out *o, const struct packet *p)
{
	const bool syn = (p->flags & TCP_SYN) != 0;
	const uint16_t words = syn ? 5 + SYN_OPTIONS / 4 : 5;

	net16(o, p->from->port);
	net16(o, p->to->port);
	net32(o, p->seq);
	net32(o, p->flags & TCP_ACK ? p->ack : 0);
	net16(o, (uint16_t)(words << 12 | p->flags));
	net16(o, 65535);
	net32(o, 0);
	if (!syn)
		return;
	net32(o, 0x02040000 | PCAPNG_SEGMENT);	/* maximum segment size */
	net32(o, 0x0103030e);			/* scaled by 2^14 */
}
