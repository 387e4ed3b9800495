/*
 * looptest.h - runs tests of the event loop with every mechanism that this
 * system has.
 */
#ifndef LOOPTEST_H
#define LOOPTEST_H

#include "ev.h"
#include "evtest.h"

static const char	*mode;
static int		 fds_before;

static inline int
setup(void **state)
{
	const char *err;

	(void)state;
	fds_before = count_fds();
	setenv("SPAWND_EVENT", mode, 1);
	return ev_init(&err);
}

static inline int
teardown(void **state)
{
	(void)state;
	ev_fini();
	return count_fds() == fds_before ? 0 : -1;
}

/* Is this mechanism here? To Linux "kqueue" is a word for the default. */
static inline bool
mode_set(const char *name)
{
	const char *err;
	bool here;

	mode = name;
	setenv("SPAWND_EVENT", mode, 1);
	here = ev_init(&err) == 0 && strcmp(ev_mechanism(), mode) == 0;
	ev_fini();
	return here;
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A macro, for cmocka takes the size of the array. */
#define RUN_MODES(tests, failed) do {					\
	static const char *const names[] = { "kqueue", "epoll",	\
	    "poll" };							\
	size_t i_, ran_ = 0;						\
									\
	for (i_ = 0; i_ < nitems_of(names); i_++) {			\
		if (!mode_set(names[i_]))				\
			continue;					\
		(failed) += cmocka_run_group_tests_name(names[i_],	\
		    tests, NULL, NULL);					\
		ran_++;							\
	}								\
	if (ran_ == 0)							\
		(failed)++;						\
} while (0)

#endif
