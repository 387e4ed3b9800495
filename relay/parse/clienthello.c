#include "compat.h"

#include "host.h"
#include "parse/clienthello.h"

#define RECORD_HEAD	5
#define RECORD_MAX	(16 << 10)	/* bytes of one */
#define RECORD_SHAKE	22		/* its type: handshake */
#define MESSAGE_HEAD	4
#define MESSAGE_HELLO	1
#define EXT_NAME	0
#define EXT_ALPN	16
#define NAME_HOST	0

/* A whole message in its records, being read. */
struct cursor {
	const uint8_t	*p;
	size_t		 record;	/* left of this record */
	size_t		 left;		/* of what is being read */
	bool		 bad;		/* less is left than there should be */
};

static int	 frame(const uint8_t *, size_t, struct hello *);
static int	 frame_needs(struct hello *, size_t);
static bool	 frame_head(const uint8_t *, size_t);
static size_t	 message_size(const uint8_t *, size_t);
static bool	 message(struct cursor *, struct hello *);
static bool	 extensions(struct cursor *, struct hello *);
static void	 names(struct cursor *, struct hello *);
static void	 host(struct cursor *, char[HOST_LEN]);
static void	 protocols(struct cursor *, struct hello *);
static void	 protocol(struct cursor *, char *);
static bool	 is_grease(const uint8_t *, size_t);
static size_t	 cursor_enter(struct cursor *, unsigned);
static void	 cursor_leave(struct cursor *, size_t);
static unsigned	 cursor_number(struct cursor *, unsigned);
static void	 cursor_skip(struct cursor *, size_t);
static size_t	 cursor_some(struct cursor *, size_t);
static void	 cursor_copy(struct cursor *, void *);

int
hello_parse(const uint8_t *buf, size_t len, struct hello *h)
{
	struct cursor c = { .p = buf, .left = MESSAGE_HEAD };
	int size;

	memset(h, 0, sizeof(*h));
	if ((size = frame(buf, len, h)) <= 0)
		return size;
	c.left = cursor_number(&c, MESSAGE_HEAD) & 0xffffff;
	return message(&c, h) ? size : -1;
}

/* Where the message ends: as hello_parse(). */
static int
frame(const uint8_t *buf, size_t len, struct hello *h)
{
	size_t at = 0, n, size = MESSAGE_HEAD, got = 0, have;
	uint8_t head[MESSAGE_HEAD];

	for (; at < HELLO_MAX; at += RECORD_HEAD + n) {
		if (!frame_head(buf + at, len - at))
			return -1;
		if (len - at < RECORD_HEAD)
			return frame_needs(h, len == 0 ? 1 :
			    at + RECORD_HEAD + size - got);
		n = (size_t)buf[at + 3] << 8 | buf[at + 4];
		have = MIN(n, len - at - RECORD_HEAD);
		if (got < MESSAGE_HEAD)
			memcpy(head + got, buf + at + RECORD_HEAD,
			    MIN(have, MESSAGE_HEAD - got));
		got += have;
		if ((size = message_size(head, got)) == 0)
			return -1;
		if (got >= size)
			return at + RECORD_HEAD + have - (got - size) >
			    HELLO_MAX ? -1 :
			    (int)(at + RECORD_HEAD + have - (got - size));
		if (have < n)
			return frame_needs(h, len + size - got +
			    (size - got > n - have ? RECORD_HEAD : 0));
	}
	return -1;
}

static int
frame_needs(struct hello *h, size_t need)
{
	h->need = need;
	return need > HELLO_MAX ? -1 : 0;
}

/* Whether a record of a handshake may begin like that. */
static bool
frame_head(const uint8_t *p, size_t len)
{
	size_t n;

	if ((len > 0 && p[0] != RECORD_SHAKE) || (len > 1 && p[1] != 3))
		return false;
	if (len < RECORD_HEAD)
		return true;
	n = (size_t)p[3] << 8 | p[4];
	return n > 0 && n <= RECORD_MAX;
}

/* With its head, as far as that is known; 0: it is none, or too long. */
static size_t
message_size(const uint8_t *head, size_t got)
{
	size_t n;

	if (got > 0 && head[0] != MESSAGE_HELLO)
		return 0;
	if (got < MESSAGE_HEAD)
		return MESSAGE_HEAD;
	n = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	return n > HELLO_MAX ? 0 : MESSAGE_HEAD + n;
}

static bool
message(struct cursor *c, struct hello *h)
{
	size_t outer;

	cursor_skip(c, 2 + 32);		/* version, random */
	outer = cursor_enter(c, 1);	/* session */
	c->bad |= c->left > 32;
	cursor_leave(c, outer);
	outer = cursor_enter(c, 2);	/* ciphers */
	c->bad |= c->left < 2 || c->left % 2 != 0;
	cursor_leave(c, outer);
	outer = cursor_enter(c, 1);	/* compression */
	c->bad |= c->left == 0;
	cursor_leave(c, outer);
	if (c->bad || c->left == 0)
		return !c->bad;
	outer = cursor_enter(c, 2);
	return !c->bad && outer == 0 && extensions(c, h);
}

static bool
extensions(struct cursor *c, struct hello *h)
{
	bool name = false, alpn = false;
	unsigned type;
	size_t outer;

	while (c->left > 0 && !c->bad) {
		type = cursor_number(c, 2);
		outer = cursor_enter(c, 2);
		/* None may be there twice. */
		if ((type == EXT_NAME && name) || (type == EXT_ALPN && alpn))
			return false;
		if (type == EXT_NAME) {
			names(c, h);
			name = true;
		} else if (type == EXT_ALPN) {
			protocols(c, h);
			alpn = true;
		}
		cursor_leave(c, outer);
	}
	return !c->bad;
}

static void
names(struct cursor *c, struct hello *h)
{
	size_t outer = cursor_enter(c, 2), inner;
	bool first = true;

	c->bad |= outer != 0 || c->left == 0;
	while (c->left > 0 && !c->bad) {
		if (cursor_number(c, 1) != NAME_HOST)
			return;		/* how it goes on nobody knows */
		inner = cursor_enter(c, 2);
		c->bad |= c->left == 0;
		if (first)
			host(c, h->name);
		first = false;
		cursor_leave(c, inner);
	}
	cursor_leave(c, outer);
}

static void
host(struct cursor *c, char name[HOST_LEN])
{
	uint8_t raw[HOST_LEN];
	size_t len = c->left;

	if (c->bad || len > sizeof(raw))
		return;
	cursor_copy(c, raw);
	if (host_normal(raw, len, name) == -1)
		*name = '\0';
}

static void
protocols(struct cursor *c, struct hello *h)
{
	size_t outer = cursor_enter(c, 2), inner;

	c->bad |= outer != 0 || c->left == 0;
	while (c->left > 0 && !c->bad) {
		inner = cursor_enter(c, 1);
		c->bad |= c->left == 0;
		protocol(c, h->alpn);
		cursor_leave(c, inner);
	}
	cursor_leave(c, outer);
}

/* Adds one to the list. */
static void
protocol(struct cursor *c, char *list)
{
	char text[4 * UINT8_MAX + 1], *t = text;
	uint8_t raw[UINT8_MAX];
	size_t i, len = c->left;

	if (c->bad)
		return;
	cursor_copy(c, raw);
	if (is_grease(raw, len))
		return;
	for (i = 0; i < len; i++)
		if (raw[i] > ' ' && raw[i] < 0x7f &&
		    strchr(",\\\"", raw[i]) == NULL)
			*t++ = (char)raw[i];
		else
			t += snprintf(t, 5, "\\x%02x", raw[i]);
	*t = '\0';
	if (strlen(list) + 1 + (size_t)(t - text) >= HELLO_ALPN)
		return;
	strlcat(list, *list == '\0' ? "" : ",", HELLO_ALPN);
	strlcat(list, text, HELLO_ALPN);
}

static bool
is_grease(const uint8_t *p, size_t len)
{
	return len == 2 && p[0] == p[1] && (p[0] & 0x0f) == 0x0a;
}

/* Reads a length of so many bytes, and narrows what is left to what that is
 * of; returns what is left behind it. */
static size_t
cursor_enter(struct cursor *c, unsigned bytes)
{
	size_t n = cursor_number(c, bytes), outer;

	if (n > c->left) {
		c->bad = true;
		n = 0;
	}
	outer = c->left - n;
	c->left = n;
	return outer;
}

/* Passes over what was not read. */
static void
cursor_leave(struct cursor *c, size_t outer)
{
	cursor_skip(c, c->left);
	c->left = outer;
}

static unsigned
cursor_number(struct cursor *c, unsigned bytes)
{
	unsigned n = 0;

	if (c->left < bytes) {
		c->bad = true;
		return 0;
	}
	for (; bytes > 0; bytes--) {
		cursor_some(c, 1);
		n = n << 8 | c->p[-1];
	}
	return n;
}

static void
cursor_skip(struct cursor *c, size_t n)
{
	if (n > c->left) {
		c->bad = true;
		return;
	}
	while (n > 0)
		n -= cursor_some(c, n);
}

/* Passes over n bytes, or the rest of a record, the heads of records left out;
 * returns how many. */
static size_t
cursor_some(struct cursor *c, size_t n)
{
	if (c->record == 0) {
		c->record = (size_t)c->p[3] << 8 | c->p[4];
		c->p += RECORD_HEAD;
	}
	n = MIN(n, c->record);
	c->p += n;
	c->record -= n;
	c->left -= n;
	return n;
}

/* All that is left. */
static void
cursor_copy(struct cursor *c, void *buf)
{
	uint8_t *to = buf;
	size_t n;

	while (c->left > 0) {
		n = cursor_some(c, c->left);
		memcpy(to, c->p - n, n);
		to += n;
	}
}
