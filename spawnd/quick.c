#include "compat.h"

#include <ctype.h>
#include <stdarg.h>

#include "quick.h"

static int	 quick_fail(const char *, ...) printf_like(1, 2);
static int	 quick_control(FILE *, const char *);
static int	 quick_listen(FILE *, const struct quick *);
static int	 quick_ask(FILE *, const struct quick *);
static void	 quick_uses(FILE *, const struct quick *);
static int	 quick_remote(FILE *, unsigned, const char *);
static int	 quick_remote_addr(FILE *, const char *, const char *);
static int	 quick_filters(FILE *, const struct quick *);
static int	 quick_fault(FILE *, unsigned, const char *);
static int	 quick_setting(FILE *, const char *, size_t, const char *);
static int	 quick_value(FILE *, const char *, const char *, size_t);
static int	 quick_path(FILE *, const char *, const char *, const char *);
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
		done = q->ask != NULL ? quick_ask(f, q) : quick_listen(f, q);
	fprintf(f, "relay quick {\n");
	/* Who can ask is here, and can go there without us. */
	if (q->ask != NULL)
		fprintf(f, " targets { rules = 'permit *' }\n");
	for (i = 0; i < q->n && done == 0; i++)
		done = quick_remote(f, i + 1, q->remotes[i]);
	fprintf(f, "}\n");
	if (done == 0)
		done = quick_filters(f, q);
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
	int done = 0;

	fprintf(f, "spawnd {");
	if (path != NULL && (done = quick_path(f, "-s", "control", path)) == 0)
		fprintf(f, " # -s %s", path);
	fprintf(f, "\n");
	return done;
}

static int
quick_path(FILE *f, const char *opt, const char *key, const char *path)
{
	const char *p;

	for (p = path; *p != '\0'; p++)
		if (!isprint((unsigned char)*p) || *p == '\'' || *p == '\\')
			return quick_fail("%s %.256s: such a path needs a "
			    "configuration file", opt, path);
	fprintf(f, " %s = '%s'", key, path);
	return 0;
}

static int
quick_listen(FILE *f, const struct quick *q)
{
	const char *text = q->listen, *host, *port;
	size_t len = 0;

	fprintf(f, " listen quick {");
	quick_uses(f, q);
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
quick_ask(FILE *f, const struct quick *q)
{
	const char *text = q->ask, *host = NULL, *port;
	size_t len = 0;

	fprintf(f, " listen quick { ask = any");
	quick_uses(f, q);
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

/* What is recorded and dumped is what the client sees. */
static void
quick_uses(FILE *f, const struct quick *q)
{
	const char *comma = "";
	unsigned i;

	if (q->record == NULL && q->dump == NULL && q->nfaults == 0)
		return;
	fprintf(f, " filters = {");
	if (q->record != NULL) {
		fprintf(f, " record");
		comma = ",";
	}
	if (q->dump != NULL) {
		fprintf(f, "%s dump", comma);
		comma = ",";
	}
	for (i = 0; i < q->nfaults; i++, comma = ",")
		fprintf(f, "%s fault%u", comma, i + 1);
	fprintf(f, " }");
}

static int
quick_filters(FILE *f, const struct quick *q)
{
	unsigned i;

	if (q->record != NULL) {
		fprintf(f, "record record {");
		if (quick_path(f, "--record", "directory", q->record) == -1)
			return -1;
		fprintf(f, " } # --record %s\n", q->record);
	}
	if (q->dump != NULL) {
		fprintf(f, "dump dump {");
		if (quick_value(f, "format", q->dump, strlen(q->dump)) == -1)
			return -1;
		fprintf(f, " } # --dump=%s\n", q->dump);
	}
	for (i = 0; i < q->nfaults; i++)
		if (quick_fault(f, i + 1, q->faults[i]) == -1)
			return -1;
	return 0;
}

/* "latency=100ms,jitter=20ms". */
static int
quick_fault(FILE *f, unsigned n, const char *text)
{
	const char *p = text;
	size_t len;

	fprintf(f, "fault fault%u {", n);
	for (;; p += len + 1) {
		len = strcspn(p, ",");
		if (quick_setting(f, p, len, text) == -1)
			return -1;
		if (p[len] == '\0')
			break;
	}
	fprintf(f, " } # --fault %s\n", text);
	return 0;
}

static int
quick_setting(FILE *f, const char *p, size_t len, const char *text)
{
	const char *eq = memchr(p, '=', len);
	char key[32];
	size_t n;

	n = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
	if (eq == NULL || n == 0 || p + n != eq || n >= sizeof(key))
		return quick_fail("--fault %.256s: use OPTION=VALUE, and a "
		    "comma before the next, as in latency=100ms,jitter=20ms",
		    text);
	memcpy(key, p, n);
	key[n] = '\0';
	return quick_value(f, key, eq + 1, len - n - 1);
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
			return quick_fail("\"%.*s\" is no %s",
			    (int)MIN(len, 256), value, key);
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
