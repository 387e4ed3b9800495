/*
 * fields.h - what is told of a session, as fields: their names, how each is
 * printed, and how they travel to the logger, which makes a line of them.
 *
 * A packet of fields is "<level>", FIELDS_MARK, the word of what has happened,
 * and of each field FIELDS_NEXT, its name, "=" and its value. As text it is
 * that with spaces, without the fields that are not in it.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include "line.h"

#define FIELDS_MARK	'\036'	/* RS */
#define FIELDS_NEXT	'\037'	/* US; no value has one of both */

enum field_kind {
	FIELD_TEXT,
	FIELD_QUOTED,		/* the same, with quotes around it as text */
	FIELD_NUMBER,
	FIELD_SECONDS		/* as line_seconds() prints them */
};

/*
 *   in code, name, kind, and whether it is in the text; in the order of the
 *   text. Those of TCP are in it where they are asked for. The last ones are
 *   the logger's own.
 */
#define FIELDS(X)							\
	X(SESSION, "session", TEXT, true)				\
	X(LISTENER, "listener", TEXT, true)				\
	X(CLIENT, "client", TEXT, true)					\
	X(RELAY, "relay", TEXT, false)					\
	X(REMOTE, "remote", TEXT, true)					\
	X(ADDRESS, "address", TEXT, true)				\
	X(IN, "in", NUMBER, true)					\
	X(OUT, "out", NUMBER, true)					\
	X(QUEUE, "queue", SECONDS, true)				\
	X(CONNECT, "connect", SECONDS, true)				\
	X(TOTAL, "total", SECONDS, true)				\
	X(PORT, "port", NUMBER, true)					\
	X(TAG, "tag", TEXT, true)					\
	X(BACKLOG, "backlog", SECONDS, true)				\
	X(PROXY, "proxy", TEXT, true)					\
	X(SNI, "sni", TEXT, true)					\
	X(ALPN, "alpn", TEXT, true)					\
	X(TLS, "tls", TEXT, true)					\
	X(USER, "user", TEXT, true)					\
	X(TARGET, "target", TEXT, true)					\
	X(FILTERS, "filters", TEXT, true)				\
	X(TRUNK, "trunk", TEXT, true)					\
	X(RTT_CLIENT, "rtt_client_us", NUMBER, false)			\
	X(RETRANSMITS_CLIENT, "retransmits_client", NUMBER, false)	\
	X(CWND_CLIENT, "cwnd_client", NUMBER, false)			\
	X(UNSENT_CLIENT, "unsent_client", NUMBER, false)		\
	X(RTT_REMOTE, "rtt_remote_us", NUMBER, false)			\
	X(RETRANSMITS_REMOTE, "retransmits_remote", NUMBER, false)	\
	X(CWND_REMOTE, "cwnd_remote", NUMBER, false)			\
	X(UNSENT_REMOTE, "unsent_remote", NUMBER, false)		\
	X(TRIES, "tries", NUMBER, true)					\
	X(END, "end", TEXT, true)					\
	X(WHY, "why", TEXT, true)					\
	X(LIMIT, "limit", TEXT, true)					\
	X(RULE, "rule", QUOTED, true)					\
	X(UNLOGGED, "unlogged", NUMBER, true)				\
	X(ACTIVE, "active", NUMBER, false)				\
	X(DRAW, "draw", NUMBER, false)					\
	X(EVENT, "event", TEXT, false)					\
	X(TIME, "time", TEXT, false)					\
	X(START, "start", TEXT, false)					\
	X(LEVEL, "level", TEXT, false)					\
	X(PROCESS, "process", TEXT, false)				\
	X(PID, "pid", NUMBER, false)					\
	X(HOST, "host", TEXT, false)

#define X(code, name, kind, text)	FIELD_##code,
enum field { FIELDS(X) FIELD_NONE };
#undef X

struct field_row {
	const char	*name;
	enum field_kind	 kind;
	bool		 text;		/* it is in the text */
};
extern const struct field_row field_rows[FIELD_NONE];

/* Is it of what the system knows of a connection? */
static inline bool
field_is_tcp(enum field f)
{
	return f >= FIELD_RTT_CLIENT && f <= FIELD_UNSENT_REMOTE;
}

/* FIELD_NONE if that is no name of one. */
enum field	 field_of(const char *name, size_t len);

/* What a packet says; NULL for a field that is not there. Values are of the
 * kind of their field. */
struct record {
	const char	*event;		/* "session", "refused" */
	const char	*value[FIELD_NONE];
};

/*
 * Writing one, into a line of LOG_LINE bytes at most: first what it is, then
 * fields in the order above.
 */
void		 fields_begin(struct line *, int level, const char *event);
void		 fields_text(struct line *, enum field, const char *);
/* The same, what is not printable or a blank being a question mark. */
void		 fields_word(struct line *, enum field, const char *);
void		 fields_number(struct line *, enum field, uint64_t);
void		 fields_seconds(struct line *, enum field, uint64_t us);

/* Reads a packet behind its "<level>" and writes to it; n bytes of whatever
 * kind, and room for one more. False if it is none of fields. What is no field
 * or no value of its kind is left out; values are clean (utf8.h). */
bool		 fields_read(struct record *, char *packet, size_t n);
/* What line_seconds() has printed, exact to 1000; false if it is none. */
bool		 fields_us(const char *seconds, uint64_t *us);
/* A record as text; tcp: with what it has of that. */
void		 fields_print(struct line *, const struct record *, bool tcp);

#endif
