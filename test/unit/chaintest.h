/*
 * chaintest.h - a session whose filters are called by hand: with a clock that
 * is set, bytes that are cut as one likes, and nobody at its ends.
 */
#ifndef CHAINTEST_H
#define CHAINTEST_H

#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "chain.h"
#include "path.h"
#include "self.h"
#include "store.h"

struct self self;

static uint64_t			 now_ms = 1000;
static struct conf_relay	 test_relay = { .buffer = 64 * 1024 };
static struct conf		 test_conf;
static struct path		 test_path = { .relay = &test_relay };
static struct extra		 test_extra;
static struct sess		 test_sess;
static struct board_filter	 test_board;	/* of all filters */

uint64_t
ev_now(void)
{
	return now_ms;
}

/* Opens a session that has these; returns what chain_open() does. */
static inline int
session_begin(struct filter_section **sections, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		sections[i]->board = &test_board;
	self.conf = &test_conf;
	test_path.filters = sections;
	test_path.nfilters = n;
	memset(&test_extra, 0, sizeof(test_extra));
	memset(&test_sess, 0, sizeof(test_sess));
	test_sess.path = &test_path;
	test_sess.extra = &test_extra;
	test_sess.remote.remote = true;
	return chain_open(&test_sess);
}

static inline void
session_end(void)
{
	chain_close(&test_sess);
	chain_free(&test_extra.chain);
	queue_free(&test_sess.client.queue);
	queue_free(&test_sess.remote.queue);
}

/* So many bytes come from an end; returns what chain_run() does. */
static inline int
comes(struct end *from, const char *bytes, size_t n)
{
	if (n > 0)
		assert_int_equal(chain_take(from, bytes, n), 1);
	return chain_run(from);
}

/* It says that it is done. */
static inline int
comes_end(struct end *from)
{
	from->eof = true;
	return chain_run(from);
}

/* That much time passes, with the chain run both ways as often as filters ask
 * for it. */
static inline void
passes(uint64_t ms)
{
	const uint64_t end = now_ms + ms;
	uint64_t due;

	while ((due = chain_due(&test_sess)) != 0 && due <= end) {
		now_ms = MAX(now_ms, due);
		chain_tick(&test_sess);
		chain_run(&test_sess.client);
		chain_run(&test_sess.remote);
	}
	now_ms = end;
}

/* Takes up to max bytes of what has come through from an end. */
static inline size_t
taken(struct end *from, char *buf, size_t max)
{
	struct iovec iov[QUEUE_IOV];
	size_t n, sum = 0;

	while (sum < max && from->queue != NULL) {
		queue_look(from->queue, iov);
		n = MIN(iov[0].iov_len, max - sum);
		memcpy(buf + sum, iov[0].iov_base, n);
		queue_taken(&from->queue, n);
		sum += n;
	}
	return sum;
}

/* All that has come through is this text. */
static inline void
has_come(struct end *from, const char *text)
{
	char buf[65536];
	size_t n = taken(from, buf, sizeof(buf) - 1);

	buf[n] = '\0';
	assert_string_equal(buf, text);
}

#endif
