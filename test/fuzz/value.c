/*
 * Small values of any text: times, sizes, ports, addresses, bytes, -L and -R.
 * Each is refused with a sentence, or prints to what is understood as the same.
 */
#include "compat.h"

#include "../unit/fake_netdb.h"
#include "conf/conf.h"
#include "conf/int.h"
#include "conf/resolve.h"
#include "quick.h"

#define HOSTS	8

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

typedef int	 parse_fn(const char *, uint64_t *, const char **);
typedef char	*print_fn(uint64_t, char [CONF_UNITLEN]);

static void	 refused(const char *);
static void	 unit(const char *, parse_fn *, print_fn *);
static void	 port(const char *);
static void	 host(const char *);
static void	 escapes(const char *);
static void	 quick(char *, bool);
static void	 quick_load(const char *, unsigned);
static void	 say(void *, enum conf_kind, const char *, int, const char *);

static void
refused(const char *err)
{
	if (err == NULL || *err == '\0')
		abort();
}

static void
unit(const char *text, parse_fn *parse, print_fn *print)
{
	char buf[CONF_UNITLEN];
	const char *err = NULL;
	uint64_t n, again;

	if (parse(text, &n, &err) == -1)
		refused(err);
	else if (parse(print(n, buf), &again, &err) == -1 || again != n)
		abort();
}

static void
port(const char *text)
{
	const char *err = NULL;
	int n = resolve_port(text, false, &err);
	uint16_t low, high;

	if (n == -1)
		refused(err);
	else if (n < 1 || n > 65535 || resolve_port(text, true, &err) != n)
		abort();
	if (resolve_ports(text, false, &low, &high, &err) == -1)
		refused(err);
	else if (low < 1 || low > high || (n != -1 && low != n))
		abort();
}

static void
host(const char *text)
{
	struct addr all[HOSTS], one;
	char buf[ADDR_STRLEN];
	const char *err = NULL;
	int i, n = resolve_host(text, "80", false, all, HOSTS, &err);

	if (n == -1)
		refused(err);
	for (i = 0; i < n; i++)
		if (resolve_host(addr_host_str(&all[i], buf), "80", false,
		    &one, 1, &err) != 1 || addr_cmp(&one, &all[i]) != 0)
			abort();
}

/* No longer than its text, and none without a backslash. */
static void
escapes(const char *text)
{
	uint8_t *bytes = malloc(strlen(text) + 1);
	const char *err = NULL;
	size_t len = 0;

	if (bytes == NULL)
		return;
	if (conf_escapes(text, bytes, &len, &err) == -1)
		refused(err);
	else if (len > strlen(text) || (strchr(text, '\\') == NULL &&
	    memcmp(bytes, text, len) != 0))
		abort();
	free(bytes);
}

/* A line for -L, before it one for -s, behind it one for each -R. */
static void
quick(char *text, bool control)
{
	struct quick q = { .control = NULL };
	const char *err = NULL;
	char *conf;

	if (control)
		q.control = strsep(&text, "\n");
	q.listen = text == NULL ? "" : strsep(&text, "\n");
	while (q.n < QUICK_MAX && text != NULL)
		q.remotes[q.n++] = strsep(&text, "\n");
	conf = quick_text(&q, &err);
	if (conf == NULL)
		refused(err);
	else
		quick_load(conf, q.n);
	free(conf);
}

/* Nothing that stands there adds anything. */
static void
quick_load(const char *text, unsigned n)
{
	unsigned said = 0;
	struct conf *c = conf_load_text(text, "quick", say, &said);

	if ((c == NULL) != (said > 0))
		abort();
	if (c != NULL && (c->nlistens != 1 || c->nrelays != 1 ||
	    c->relays[0].nremotes != n))
		abort();
	conf_free(&c);
}

static void
say(void *arg, enum conf_kind kind, const char *file, int line,
    const char *text)
{
	unsigned *said = arg;

	(void)file;
	(void)line;
	refused(text);
	*said += kind == CONF_MISTAKE;
}

/* The first byte says what it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0 || (text = malloc(size)) == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 't': unit(text, conf_duration_of, conf_duration_str); break;
	case 's': unit(text, conf_size_of, conf_size_str); break;
	case 'p': port(text); break;
	case 'h': host(text); break;
	case 'e': escapes(text); break;
	case 'L':
	case 'S': quick(text, data[0] == 'S'); break;
	}
	free(text);
	return 0;
}
