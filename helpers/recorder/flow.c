#include "compat.h"

#include <inttypes.h>

#include "flow.h"
#include "hash.h"

_Static_assert(FEED_MOST <= PCAPNG_SEGMENT, "an item is one packet");

static void	 ends(struct flow_side *, const struct source *,
		    const struct source *, const struct feed_open *, long);
static void	 made_up(struct source *, uint32_t, uint16_t);
static void	 as_ipv6(struct source *);
static uint32_t	 seq(const struct flow *, unsigned, int);
static void	 both(struct flow *, int, uint8_t, const char *, uint64_t);
static void	 put(struct flow *, unsigned, struct packet *, int,
		    const struct flow_data *);
static void	 shake_hands(struct flow *, uint64_t);

void
flow_open(struct flow *f, const struct feed_open *o, struct files *files,
    const struct conf *c, long pid, uint64_t us)
{
	char a[ADDR_STRLEN], b[ADDR_STRLEN];

	memset(f, 0, sizeof(*f));
	f->files = files;
	f->sides = c->records[o->section].side == RECORD_BOTH ? 2 : 1;
	f->passed[0] = o->passed[0];
	f->passed[1] = o->passed[1];
	ends(&f->side[0], &o->client, &o->here, o, pid);
	ends(&f->side[1], &o->local, &o->there, o, pid);
	snprintf(f->who, sizeof(f->who), "session=%lx-%" PRIx64
	    " listener=%s client=%s address=%s%s", pid, o->session,
	    c->listens[o->listener].name, source_str(&o->client, a),
	    source_str(&o->there, b),
	    o->hidden ? " (TLS: its contents are not kept)" : "");
	if (o->passed[0] == 0 && o->passed[1] == 0)
		shake_hands(f, us);
	else
		both(f, 0, TCP_ACK, "goes on from here", us);
}

/* --- who they are --- */

/* Sessions at the same addresses begin at numbers of their own, and the same
 * session at the same ones whoever records it. */
static void
ends(struct flow_side *s, const struct source *client,
    const struct source *remote, const struct feed_open *o, long pid)
{
	const uint64_t key[2] = { o->session, (uint64_t)pid };
	const uint32_t h = hash_bytes(HASH_BEGIN, key, sizeof(key));

	s->begin[0] = h * 0x9e3779b1U;
	s->begin[1] = h * 0x85ebca6bU + 1;
	s->ends[0] = *client;
	s->ends[1] = *remote;
	made_up(&s->ends[0], h, (uint16_t)(1024 + o->session % 64512));
	made_up(&s->ends[1], 0, (uint16_t)(o->listener + 1));
	if (s->ends[0].family == s->ends[1].family)
		return;
	as_ipv6(&s->ends[0]);
	as_ipv6(&s->ends[1]);
}

/* Of a unix socket: from the networks for benchmarks (RFC 2544), which nobody
 * routes. */
static void
made_up(struct source *s, uint32_t h, uint16_t port)
{
	if (s->family == AF_INET || s->family == AF_INET6)
		return;
	memset(s, 0, sizeof(*s));
	s->family = AF_INET;
	s->ip[0] = 198;
	s->ip[1] = 18 + (h >> 16 & 1);
	s->ip[2] = (uint8_t)(h >> 8);
	s->ip[3] = (uint8_t)h;
	s->port = port;
}

/* RFC 4291, 2.5.5.2. */
static void
as_ipv6(struct source *s)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (s->family == AF_INET6)
		return;
	memcpy(s->ip + sizeof(mapped), s->ip, 4);
	memcpy(s->ip, mapped, sizeof(mapped));
	s->family = AF_INET6;
}

/* --- packets --- */

/* SYN and FIN have a number each. */
static uint32_t
seq(const struct flow *f, unsigned side, int remote)
{
	return f->side[side].begin[remote] + 1 + (uint32_t)f->passed[remote] +
	    f->ended[remote];
}

/* Of one packet without data, at both sides. */
static void
both(struct flow *f, int remote, uint8_t flags, const char *comment,
    uint64_t us)
{
	struct packet p = { .us = us, .flags = flags };
	char text[PCAPNG_COMMENT];
	unsigned side;

	for (side = 0; side < f->sides; side++) {
		p.seq = seq(f, side, remote);
		p.ack = seq(f, side, !remote);
		p.comment = comment;
		if (comment != NULL) {
			snprintf(text, sizeof(text), "%s: %s", f->who,
			    comment);
			p.comment = text;
		}
		put(f, side, &p, remote, NULL);
	}
}

/* The first one in a file says whose it is. */
static void
put(struct flow *f, unsigned side, struct packet *p, int remote,
    const struct flow_data *d)
{
	unsigned char *data;
	unsigned file;

	p->interface = side;
	p->from = &f->side[side].ends[remote];
	p->to = &f->side[side].ends[!remote];
	file = files_at(f->files, pcapng_size(p) + PCAPNG_COMMENT);
	if (file != 0 && file != f->file && p->comment == NULL)
		p->comment = f->who;
	if (file != 0 && side + 1 == f->sides)
		f->file = file;
	data = files_packet(f->files, p);
	if (data != NULL && p->kept != 0)
		feed_copy(d->reader, 0, data, p->kept);
}

static void
shake_hands(struct flow *f, uint64_t us)
{
	struct packet p = { .us = us };
	char text[PCAPNG_COMMENT];
	unsigned side;

	for (side = 0; side < f->sides; side++) {
		snprintf(text, sizeof(text), "%s", f->who);
		p.flags = TCP_SYN;
		p.seq = f->side[side].begin[0];
		p.comment = text;
		put(f, side, &p, 0, NULL);
		p.flags = TCP_SYN | TCP_ACK;
		p.seq = f->side[side].begin[1];
		p.ack = f->side[side].begin[0] + 1;
		put(f, side, &p, 1, NULL);
	}
	both(f, 0, TCP_ACK, NULL, us);
}

void
flow_data(struct flow *f, int remote, uint32_t n, const struct flow_data *d,
    uint64_t us)
{
	struct packet p = { .us = us, .flags = TCP_PSH | TCP_ACK, .len = n,
		.kept = (uint32_t)d->len };
	unsigned side;

	for (side = 0; side < f->sides; side++) {
		p.seq = seq(f, side, remote);
		p.ack = seq(f, side, !remote);
		put(f, side, &p, remote, d);
	}
	f->passed[remote] += n;
}

/* That it has arrived is said by the other end, so that who reads the file goes
 * on behind the gap. */
void
flow_lost(struct flow *f, int remote, uint64_t n, uint64_t us)
{
	char text[96];

	f->passed[remote] += n;
	snprintf(text, sizeof(text), "%" PRIu64 " bytes from the %s are not "
	    "recorded", n, remote ? "remote" : "client");
	both(f, !remote, TCP_ACK, text, us);
}

void
flow_fin(struct flow *f, int remote, uint64_t us)
{
	if (f->ended[remote] || f->reset)
		return;
	both(f, remote, TCP_FIN | TCP_ACK, NULL, us);
	f->ended[remote] = true;
	both(f, !remote, TCP_ACK, NULL, us);
}

void
flow_reset(struct flow *f, int remote, uint64_t us)
{
	if (f->reset)
		return;
	both(f, remote, TCP_RST | TCP_ACK, NULL, us);
	f->reset = true;
}

/* Who has not ended by itself was ended by us. */
void
flow_close(struct flow *f, const char *why, uint64_t us)
{
	if (f->ended[0] && f->ended[1])
		return;
	if (!f->reset)
		both(f, 1, TCP_RST | TCP_ACK, why, us);
	f->reset = true;
}
