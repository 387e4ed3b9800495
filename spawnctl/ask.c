#include "compat.h"

#include <stdarg.h>

#include "ask.h"
#include "cmd.h"
#include "link.h"
#include "out.h"
#include "sandbox.h"

static char	*ask_verdict(char *);
static char	*ask_fd(const char *, bool, int *);
static void	 ask_clean(char *);

void
ask_confine(bool screen)
{
	const struct sandbox box = { .role = SANDBOX_CTL, .screen = screen };
	static bool done;
	const char *err;

	if (!done && sandbox_basic(box.role) == 0)
		sandbox_enter(&box, &err);
	done = true;
}

char *
ask(bool lasts, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* spawnd takes no longer ones (control.h). */
	if (n == -1 || (size_t)n >= sizeof(line) - 1)
		cmd_wrong("that is too long");
	return ask_line(line, lasts);
}

char *
ask_line(const char *request, bool lasts)
{
	return ask_fd(request, lasts, NULL);
}

char *
ask_list(const char *request, int *fd)
{
	char *text = ask_fd(request, false, fd);

	if (text != NULL && *fd == -1) {
		fprintf(stderr, "spawnctl: spawnd has sent no descriptor\n");
		free(text);
		return NULL;
	}
	return text;
}

/* fd: NULL, or where one is wanted. */
static char *
ask_fd(const char *request, bool lasts, int *fd)
{
	struct link l = { .path = ctl.socket, .limit = ctl.limit,
	    .lasts = lasts };
	char line[512], *text;

	if (strpbrk(request, "\r\n") != NULL)
		cmd_wrong("a line cannot have an end of line in it");
	snprintf(line, sizeof(line), "%s\n", request);
	ask_confine(false);
	text = link_ask(&l, line);
	if (fd != NULL)
		*fd = l.fd;
	else if (l.fd != -1)
		close(l.fd);
	return ask_verdict(text);
}

static char *
ask_verdict(char *text)
{
	const char *error;
	char *rest = ask_answer(text, &error);

	if (rest == NULL)
		fprintf(stderr, "%s\n", error);
	else if ((rest = strdup(rest)) == NULL)
		perror("spawnctl");
	free(text);
	return rest;
}

/* The first line is the verdict, the rest is what was asked for. */
char *
ask_answer(char *text, const char **errp)
{
	const size_t n = strcspn(text, "\n");

	if (text[n] != '\n') {
		*errp = "spawnctl: spawnd closed the connection without an "
		    "answer";
		return NULL;
	}
	if (n == 2 && strncmp(text, "ok", 2) == 0)
		return text + n + 1;
	text[n] = '\0';
	out_clean(text, n);
	*errp = text;
	return NULL;
}

/* Tabs before a line are no harm. */
static void
ask_clean(char *line)
{
	line += strspn(line, "\t");
	out_clean(line, strlen(line));
}

int
ask_print(char *text)
{
	char *line, *rest = text;

	if (text == NULL)
		return 1;
	while ((line = strsep(&rest, "\n")) != NULL && (rest != NULL ||
	    *line != '\0')) {
		if (out_terminal())
			ask_clean(line);
		puts(line);
	}
	free(text);
	return 0;
}
