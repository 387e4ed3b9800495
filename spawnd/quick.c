#include "compat.h"

#include <ctype.h>
#include <stdarg.h>

#include "quick.h"

static int	 quick_fail(const char *, ...) printf_like(1, 2);
static int	 quick_control(FILE *, const char *);
static int	 quick_listen(FILE *, const char *);
static int	 quick_ask(FILE *, const char *);
static int	 quick_remote(FILE *, unsigned, const char *);
static int	 quick_remote_addr(FILE *, const char *, const char *);
static int	 quick_value(FILE *, const char *, const char *, size_t);
static bool	 split(const char *, const char **, size_t *, const char **);

static char	 error[512];

char *
quick_text(const struct quick *q, const char **errp)
{
	char *text = NULL;
	size_t len;
	unsigned i;
	int done;
	FILE *f;

	*errp = error;
	if ((f = open_memstream(&text, &len)) == NULL) {
		quick_fail("%.256s: %s", q->listen != NULL ? q->listen :
		    q->ask, strerror(errno));
		return NULL;
	}
	if ((done = quick_control(f, q->control)) == 0)
		done = q->ask != NULL ? quick_ask(f, q->ask) :
		    quick_listen(f, q->listen);
	fprintf(f, "relay quick {\n");
	/* Who can ask is here, and can go there without us. */
	if (q->ask != NULL)
		fprintf(f, " targets { rules = 'permit *' }\n");
	for (i = 0; i < q->n && done == 0; i++)
		done = quick_remote(f, i + 1, q->remotes[i]);
	fprintf(f, "}\n");
	if (fclose(f) == EOF)
		done = quick_fail("%.256s: %s", q->listen != NULL ?
		    q->listen : q->ask, strerror(errno));
	if (done == 0)
		return text;
	free(text);
	return NULL;
}

static int
quick_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, sizeof(error), fmt, ap);
	va_end(ap);
	return -1;
}

/* Each line ends with the argument that it is made of, as a comment: a mistake
 * in it is called by that. */
static int
quick_control(FILE *f, const char *path)
{
	const char *p;

	fprintf(f, "spawnd {");
	for (p = path; p != NULL && *p != '\0'; p++)
		if (!isprint((unsigned char)*p) || *p == '\'' || *p == '\\')
			return quick_fail("-s %.256s: such a path needs a "
			    "configuration file", path);
	if (path != NULL)
		fprintf(f, " control = '%s' # -s %s", path, path);
	fprintf(f, "\n");
	return 0;
}

static int
quick_listen(FILE *f, const char *text)
{
	const char *host, *port;
	size_t len = 0;

	fprintf(f, " listen quick {");
	if (!split(text, &host, &len, &port))
		return quick_fail("-L %.256s: use [address:]port, an IPv6 "
		    "address in brackets", text);
	if (host != NULL && quick_value(f, "address", host, len) == -1)
		return -1;
	if (quick_value(f, "port", port, strlen(port)) == -1)
		return -1;
	fprintf(f, " } # -L %s\n}\n", text);
	return 0;
}

static int
quick_ask(FILE *f, const char *text)
{
	const char *host = NULL, *port;
	size_t len = 0;

	fprintf(f, " listen quick { ask = any");
	if (!split(text, &host, &len, &port))
		return quick_fail("-S %.256s: use [address:]port, an IPv6 "
		    "address in brackets", text);
	if (host == NULL) {
		host = "127.0.0.1";
		len = strlen(host);
	}
	if (quick_value(f, "address", host, len) == -1 ||
	    quick_value(f, "port", port, strlen(port)) == -1)
		return -1;
	fprintf(f, " } # -S %s\n}\n", text);
	return 0;
}

static int
quick_remote(FILE *f, unsigned n, const char *text)
{
	const char *comma = strrchr(text, ',');
	char *addr = strndup(text, comma == NULL ? strlen(text) :
	    (size_t)(comma - text));
	int done;

	if (addr == NULL)
		return quick_fail("-R %.256s: %s", text, strerror(errno));
	fprintf(f, " remote r%u {", n);
	done = quick_remote_addr(f, addr, text);
	if (done == 0 && comma != NULL)
		done = quick_value(f, "weight", comma + 1, strlen(comma + 1));
	fprintf(f, " } # -R %s\n", text);
	free(addr);
	return done;
}

static int
quick_remote_addr(FILE *f, const char *addr, const char *text)
{
	const char *host, *port;
	size_t len = 0;

	if (!split(addr, &host, &len, &port) || host == NULL)
		return quick_fail("-R %.256s: use host:port[,weight], an IPv6 "
		    "address in brackets", text);
	if (quick_value(f, "address", host, len) == -1)
		return -1;
	return quick_value(f, "port", port, strlen(port));
}

/* A quoted value; what would end the quotes is not part of any address. */
static int
quick_value(FILE *f, const char *key, const char *value, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isgraph((unsigned char)value[i]) ||
		    strchr("'\"\\$", value[i]) != NULL)
			return quick_fail("\"%.*s\" is no address",
			    (int)MIN(len, 256), value);
	fprintf(f, " %s = '%.*s'", key, (int)len, value);
	return 0;
}

/* "host:port", "[v6]:port" or "port" into a host (NULL: none) and a port. */
static bool
split(const char *text, const char **host, size_t *hlen, const char **port)
{
	const char *colon = strrchr(text, ':');

	*host = NULL;
	*port = colon == NULL ? text : colon + 1;
	if (colon == NULL)
		return true;
	*host = text;
	*hlen = (size_t)(colon - text);
	if (text[0] == '[') {
		if (*hlen < 3 || colon[-1] != ']')
			return false;
		(*host)++;
		*hlen -= 2;
	} else if (memchr(text, ':', *hlen) != NULL)
		return false;
	return *hlen != 0;
}
