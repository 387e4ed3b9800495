/*
 * row.h - how the rows of options are written, for the files that have some:
 * spec.c, and one for each kind of filter.
 */
#ifndef CONF_ROW_H
#define CONF_ROW_H

#include "compat.h"

#include <sys/un.h>

#include "conf/int.h"

#define DAYS(n)		((uint64_t)(n) * 86400 * 1000)
#define K		((uint64_t)1024)
/* What systems take as seconds of a keep-alive. */
#define SECONDS_MAX	((uint64_t)32767 * 1000)

/* A count stands behind the pointer to what it counts. */
#define ARRAY(s, items, n) \
	(offsetof(struct s, items) + 0 * sizeof(char[offsetof(struct s, n) == \
	    offsetof(struct s, items) + sizeof(void *) ? 1 : -1]))

#define NUMBER(n, s, f, lo, hi, d) \
	.name = n, .type = CONF_NUMBER, .offset = offsetof(struct s, f), \
	.min = lo, .max = hi, .def = d
#define SIZE(n, s, f, lo, hi, d) \
	.name = n, .type = CONF_SIZE, .offset = offsetof(struct s, f), \
	.min = lo, .max = hi, .def = d
#define SHARE(n, s, f, lo, d) \
	.name = n, .type = CONF_SHARE, .offset = offsetof(struct s, f), \
	.min = lo, .max = CONF_WHOLE, .def = d
#define DURATION(n, s, f, lo, d) \
	.name = n, .type = CONF_DURATION, .offset = offsetof(struct s, f), \
	.min = lo, .max = DAYS(365), .def = d
/* Or 0, the system's. */
#define SYSTEMS(n, s, f, lo, hi) \
	.name = n, .type = CONF_DURATION, .offset = offsetof(struct s, f), \
	.min = lo, .max = hi, .zero = true, .def = "0"
/* Of CONF_WHOLE; 1 at most. */
#define SHARE(n, s, f, lo, d) \
	.name = n, .type = CONF_SHARE, .offset = offsetof(struct s, f), \
	.min = lo, .max = CONF_WHOLE, .def = d
#define WORD(n, s, f, w, d) \
	.name = n, .type = CONF_WORD, .offset = offsetof(struct s, f), \
	.words = w, .def = d
#define BOOL(n, s, f, d) \
	.name = n, .type = CONF_BOOL, .offset = offsetof(struct s, f), .def = d
#define MODE(n, s, f) \
	.name = n, .type = CONF_MODE, .offset = offsetof(struct s, f), \
	.max = CONF_MODE_MAX
#define REF(n, s, f, sec) \
	.name = n, .type = CONF_REF, .offset = offsetof(struct s, f), \
	.section = &conf_spec_##sec
#define PATH(n, s, f, hi) \
	.name = n, .type = CONF_PATH, .offset = offsetof(struct s, f), .max = hi
#define TEXT(n, s, f) \
	.name = n, .type = CONF_TEXT, .offset = offsetof(struct s, f)
#define SECRET(n, s, f) \
	.name = n, .type = CONF_SECRET, .offset = offsetof(struct s, f)
#define USER(n, s, f, ids) \
	.name = n, .type = CONF_USER, .offset = offsetof(struct s, f), \
	.more = offsetof(struct s, ids)
#define UID(n, s, f, id) \
	.name = n, .type = CONF_UID, .offset = offsetof(struct s, f), \
	.more = offsetof(struct s, id)
#define GID(n, s, f, id) \
	.name = n, .type = CONF_GID, .offset = offsetof(struct s, f), \
	.more = offsetof(struct s, id)
#define HOSTS(n, s, f, a, na, hi) \
	.name = n, .type = CONF_HOSTS, .offset = offsetof(struct s, f), \
	.more = ARRAY(s, a, na), .max = hi
#define PORT(n, s, f, a, na, lo) \
	.name = n, .type = CONF_PORT, .offset = offsetof(struct s, f), \
	.more = ARRAY(s, a, na), .min = lo, .max = 65535
#define SOCKET(n, s, f, a, na, hi) \
	.name = n, .type = CONF_SOCKET, .offset = offsetof(struct s, f), \
	.more = ARRAY(s, a, na), .max = hi, .only = CONF_UNIX
#define RULES(n, s, f) \
	.name = n, .type = CONF_RULES, .offset = offsetof(struct s, f)
#define NETWORKS(n, s, f) \
	RULES(n, s, f), .networks = true
#define TEXTS(n, s, f, nf, hi) \
	.name = n, .type = CONF_TEXTS, .offset = ARRAY(s, f, nf), .max = hi
#define CERTS(n, s, f, nf) \
	.name = n, .type = CONF_CERTS, .offset = ARRAY(s, f, nf), \
	.max = CONF_VALUE_MAX, .wrong = no_path
#define LOCALS(n, s, f, nf) \
	.name = n, .type = CONF_LOCALS, .offset = ARRAY(s, f, nf), .max = 255
#define FILTERS(s) \
	TEXTS("filters", s, filters, nfilters, CONF_NAME - 1), \
	.wrong = conf_item_title
#define SECTIONS(sec, s, f, nf) \
	.name = #sec, .type = CONF_SECTION, .offset = ARRAY(s, f, nf), \
	.section = &conf_spec_##sec
#define SECTION(sec) \
	.name = #sec, .type = CONF_SECTION, .section = &conf_spec_##sec
#define END		{ .name = NULL }

/* The longest name of a socket. */
#define SOCKET_MAX	(sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

#endif
