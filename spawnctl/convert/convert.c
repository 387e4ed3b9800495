#include "compat.h"

#include "convert/conv.h"
#include "convert/convert.h"

static void	(*dialect(const struct conv *))(struct conv *);
static char	*read_all(FILE *);
static bool	 is_whole(const struct conv *);

char *
convert_read(const char *file)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
	char *text;

	if (f == NULL)
		return NULL;
	text = read_all(f);
	if (f != stdin) {
		const int error = errno;

		fclose(f);
		errno = error;
	}
	return text;
}

static char *
read_all(FILE *f)
{
	char *text = malloc(CONF_FILE_MAX + 1);
	size_t len;

	if (text == NULL)
		return NULL;
	len = fread(text, 1, CONF_FILE_MAX, f);
	text[len] = '\0';
	if (!ferror(f)) {
		errno = len == CONF_FILE_MAX ? EFBIG : EINVAL;
		if (len < CONF_FILE_MAX && strlen(text) == len)
			return text;
	}
	free(text);
	return NULL;
}

int
convert(const char *file, const char *text, FILE *out, FILE *err)
{
	struct conv c;
	int status;

	if (conv_init(&c, file, text) == -1) {
		fprintf(err, "%s: not enough memory\n", file);
		return 1;
	}
	dialect(&c)(&c);
	conv_tell(&c, err);
	if (!is_whole(&c))
		fprintf(err, "%s: nothing in it can be converted: it needs a "
		    "listener and a remote\n", file);
	else
		conv_print(&c, out);
	status = c.nleft > 0 || !is_whole(&c);
	conv_free(&c);
	return status;
}

/* By the first line that begins something. */
static void
(*dialect(const struct conv *c))(struct conv *)
{
	const char *p;
	char word[16];
	unsigned i;

	for (i = 1; i <= c->nlines; i++) {
		p = c->lines[i] + strspn(c->lines[i], " \t");
		snprintf(word, sizeof(word), "%.*s",
		    (int)MIN(strcspn(p, " \t={"), sizeof(word)), p);
		if (strcmp(word, "id") == 0)
			return tcprelay_convert;
		if (haproxy_begins(word))
			return haproxy_convert;
	}
	return rinetd_convert;
}

static bool
is_whole(const struct conv *c)
{
	const struct part *p, *sub;
	bool listens = false, relays = false;

	TAILQ_FOREACH(p, &c->root.parts, entry) {
		relays = relays || (p->spec == &conf_spec_relay &&
		    !TAILQ_EMPTY(&p->parts));
		TAILQ_FOREACH(sub, &p->parts, entry)
			listens = listens || sub->spec == &conf_spec_listen;
	}
	return listens && relays;
}
