/*
 * conf_report.h - what the tests of the configuration share: mistakes as one
 * text of "file:line: sentence" lines.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "conf/conf.h"

static struct {
	char	text[65536];
	size_t	n, mistakes;
} said;

static void
say(void *arg, enum conf_kind kind, const char *file, int line,
    const char *text)
{
	size_t len = strlen(said.text);

	assert_ptr_equal(arg, &said);
	assert_true(*text != '\0' && strpbrk(text, "\n\r") == NULL);
	said.n++;
	said.mistakes += kind == CONF_MISTAKE;
	snprintf(said.text + len, sizeof(said.text) - len, "%s:%d: %s%s\n",
	    file, line, kind != CONF_MISTAKE ? "warning: " : "", text);
}

static struct conf *
load(const char *text)
{
	said.text[0] = '\0';
	said.n = said.mistakes = 0;
	return conf_load_text(text, "t", say, &said);
}

static inline struct conf *
load_file(const char *path)
{
	said.text[0] = '\0';
	said.n = said.mistakes = 0;
	return conf_load(path, say, &said);
}

/* A configuration without mistakes. */
static inline struct conf *
load_ok(const char *text)
{
	struct conf *conf = load(text);

	assert_string_equal(said.text, "");
	assert_non_null(conf);
	return conf;
}

#endif
