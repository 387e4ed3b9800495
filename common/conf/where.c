#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "conf/parse.h"
#include "conf/resolve.h"
#include "logdest.h"

static unsigned	 where_list(struct conf_check *, const struct conf_at *,
		    char *, struct addr *);
static const struct conf_relay *where_relay(const struct conf_check *,
		    const struct conf_at *);
static bool	 where_is_name(const char *);
static int	 where_service(struct conf_check *, const struct conf_at *,
		    const char *, struct addr *, size_t, const char **);
static char	*where_trim(char *);
static int	 where_host(struct conf_check *, const struct conf_at *,
		    const char *, struct addr *, size_t);
static unsigned	 where_add(struct addr *, unsigned, const struct addr *,
		    unsigned, unsigned);
static void	 where_ports(const struct conf_array *, unsigned,
		    const struct conf_array *);
static void	 where_number(struct conf_check *, const struct conf_at *,
		    uint16_t);
static void	 where_no_word(struct conf_check *, const struct conf_at *,
		    const char *);
static void	 where_folder(struct conf_check *, const struct conf_at *,
		    const char *);
static void	 where_program(struct conf_check *, const struct conf_at *,
		    const char *);
static bool	 where_absolute(struct conf_check *, const struct conf_at *,
		    const char *);

/* "address, address ..."; the default, every address, is no text. */
void
conf_read_hosts(struct conf_check *c, const struct conf_at *at)
{
	struct addr some[CONF_ASKED];
	struct conf_array a;
	const char *text = at->opt->def;
	char *list;

	if (at->v != NULL && (text == NULL || strcmp(at->v->text, text) != 0))
		text = conf_check_text(c, at);
	if (text == NULL)
		return;
	if ((list = strdup(text)) == NULL) {
		c->text->nomem = true;
		return;
	}
	a.n = where_list(c, at, list, some);
	free(list);
	if ((a.items = conf_check_alloc(c, a.n, sizeof(*some))) == NULL)
		return;
	memcpy(a.items, some, a.n * sizeof(*some));
	conf_field_set_array(at->opt, at->base, &a);
}

/* The relay section of a remote; NULL of what is none. */
static const struct conf_relay *
where_relay(const struct conf_check *c, const struct conf_at *at)
{
	return at->opt->asked ? c->up : NULL;
}

/* Of names that are looked up again, more may be taken, and what is more than
 * that is left out. */
static unsigned
where_list(struct conf_check *c, const struct conf_at *at, char *list,
    struct addr *out)
{
	const struct conf_relay *r = where_relay(c, at);
	const bool again = r != NULL && (r->resolve != 0 || *list == '_');
	const unsigned max = again ? CONF_ASKED : CONF_ADDRS;
	unsigned n = 0;
	struct addr some[CONF_ASKED + 1];
	char *next = list, *host;
	int found;

	while ((host = strsep(&next, ",")) != NULL) {
		found = where_host(c, at, where_trim(host), some, max + 1);
		if (found > 0)
			n = where_add(out, n, some, (unsigned)found, max);
		if (n > max && !again) {
			conf_check_fail(c, at->line, "%s stands for more than "
			    "%u address%s", at->name, max,
			    max == 1 ? "" : "es");
			return 0;
		}
		n = MIN(n, max);
	}
	return n;
}

static char *
where_trim(char *s)
{
	char *end;

	s += strspn(s, " \t\n");
	for (end = s + strlen(s); end > s && strchr(" \t\n", end[-1]) != NULL;)
		*--end = '\0';
	return s;
}

static int
where_host(struct conf_check *c, const struct conf_at *at, const char *host,
    struct addr *out, size_t max)
{
	bool listens = at->opt->def != NULL, any = strcmp(host, "*") == 0;
	const struct conf_relay *r = where_relay(c, at);
	const char *err;
	int n;

	if (any && !listens) {
		conf_check_fail(c, at->line, "%s \"*\" is for listeners; use a "
		    "name or a number here", at->name);
		return 0;
	}
	if (r != NULL && r->at_start == CONF_LATER && c->silent &&
	    where_is_name(host)) {
		conf_text_warning(c->text, at->line, "%s: host \"%.64s\": no "
		    "name server answers; it is looked up later", at->name,
		    host);
		return 0;
	}
	if (r != NULL && *host == '_')
		n = where_service(c, at, host, out, max, &err);
	else
		n = resolve_host(any ? NULL : host, "0", listens, out, max,
		    &err);
	if (n != -1)
		return n;
	/* Others would take as long, and a load has a limit. */
	c->silent |= *host != '_' && resolve_is_silent();
	if (r == NULL || r->at_start == CONF_FAIL ||
	    (*host != '_' && resolve_is_wrong()))
		conf_check_fail(c, at->line, "%s: %s", at->name, err);
	else
		conf_text_warning(c->text, at->line, "%s: %s; it is looked up "
		    "later", at->name, err);
	return 0;
}

static bool
where_is_name(const char *host)
{
	char name[CONF_HOST];
	bool number = true;

	conf_next_host(&host, name, &number);
	return !number;
}

/* It has no port but those that it says. */
static int
where_service(struct conf_check *c, const struct conf_at *at,
    const char *name, struct addr *out, size_t max, const char **errp)
{
	const struct conf_value *port = conf_value(at->sec, "port", 0);

	if (port != NULL)
		conf_check_fail(c, port->line, "port and a service, \"%.64s\", "
		    "are both given; a service says its ports itself", name);
	else if (strchr(at->v->text, ',') != NULL)
		conf_check_fail(c, at->line, "%s: the service \"%.64s\" is not "
		    "alone; give it a remote of its own", at->name, name);
	else
		return resolve_service(name, out, max, errp);
	return 0;
}

/* Returns how many there are in out, or max + 1 if they do not fit. */
static unsigned
where_add(struct addr *out, unsigned n, const struct addr *some,
    unsigned nsome, unsigned max)
{
	unsigned i, j;

	for (i = 0; i < nsome; i++) {
		for (j = 0; j < n; j++)
			if (addr_cmp(&out[j], &some[i]) == 0)
				break;
		if (j < n)
			continue;
		if (n == max)
			return max + 1;
		out[n++] = some[i];
	}
	return n;
}

/* The row of the addresses precedes that of the port. */
void
conf_read_port(struct conf_check *c, const struct conf_at *at)
{
	const char *text = conf_check_text(c, at), *err;
	struct conf_array a = conf_field_array(at->opt, at->base), all;
	const bool listens = at->opt->min == 0;
	uint16_t low, high;

	if (text == NULL)
		return;
	if (resolve_ports(text, listens, &low, &high, &err) == -1) {
		conf_check_fail(c, at->line, "%s", err);
		return;
	}
	/* Of a name that is not known yet, nothing else has it. */
	if (a.n == 0 && at->opt->asked)
		where_number(c, at, low);
	all.n = a.n * (unsigned)(high - low + 1);
	if (low != high && !listens)
		conf_check_fail(c, at->line, "port \"%s\" is a range, which "
		    "only listeners may have", text);
	else if (all.n > CONF_SOCKETS)
		conf_check_fail(c, at->line, "port \"%s\" stands for %u "
		    "sockets; use at most %d", text, all.n, CONF_SOCKETS);
	else if ((all.items = conf_check_alloc(c, all.n,
	    sizeof(struct addr))) != NULL) {
		where_ports(&a, low, &all);
		conf_field_set_array(at->opt, at->base, &all);
	}
}

static void
where_number(struct conf_check *c, const struct conf_at *at, uint16_t port)
{
	char *text = conf_check_alloc(c, 8, 1);

	if (text == NULL)
		return;
	snprintf(text, 8, "%u", port);
	conf_field_set_text(at->opt, at->base, text);
}

/* All addresses at the first port, then at the next one. */
static void
where_ports(const struct conf_array *some, unsigned low,
    const struct conf_array *all)
{
	const struct addr *from = (const void *)some->items;
	struct addr *to = (void *)all->items;
	unsigned i;

	for (i = 0; i < all->n; i++) {
		to[i] = from[i % some->n];
		addr_set_port(&to[i], (uint16_t)(low + i / some->n));
	}
}

void
conf_read_path(struct conf_check *c, const struct conf_at *at)
{
	const struct conf_opt *o = at->opt;
	const char *path = conf_check_text(c, at), *err;
	struct log_dest dest;

	if (path == NULL)
		return;
	if (o->dest && strstr(path, "://") != NULL) {
		if (log_dest_parse(path, &dest, &err) == -1)
			conf_check_fail(c, at->line, "%s \"%.255s\" %s",
			    at->name, path, err);
	} else if (o->words != NULL && *path != '/') {
		if (conf_spec_word_of(o->words, path) == NULL)
			where_no_word(c, at, path);
	} else if (where_absolute(c, at, path)) {
		if (o->folder)
			where_folder(c, at, path);
		if (o->program)
			where_program(c, at, path);
	}
}

static void
where_no_word(struct conf_check *c, const struct conf_at *at,
    const char *text)
{
	const struct conf_word *w;
	struct near near;
	char list[128] = "";

	near_init(&near, text);
	for (w = at->opt->words; w->name != NULL; w++) {
		near_try(&near, w->name);
		strlcat(list, *list == '\0' ? "\"" : "\", \"", sizeof(list));
		strlcat(list, w->name, sizeof(list));
	}
	conf_check_fail(c, at->line, "%s \"%.64s\" is not %s\" or a path that "
	    "starts with \"/\"%s", at->name, text, list, near_hint(&near));
}

static void
where_folder(struct conf_check *c, const struct conf_at *at, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		conf_check_fail(c, at->line, "%s \"%.255s\": %s", at->name,
		    path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		conf_check_fail(c, at->line, "%s \"%.255s\" is not a "
		    "directory", at->name, path);
}

static void
where_program(struct conf_check *c, const struct conf_at *at, const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == -1)
		conf_check_fail(c, at->line, "%s \"%.255s\": %s", at->name,
		    path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		conf_check_fail(c, at->line, "%s \"%.255s\" is no file",
		    at->name, path);
	else if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == -1)
		conf_check_fail(c, at->line, "%s \"%.255s\" cannot be "
		    "executed: %s", at->name, path, strerror(errno));
	else if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		conf_trust(c->text, at->line, fd, path);
		close(fd);
	}
}

static bool
where_absolute(struct conf_check *c, const struct conf_at *at,
    const char *path)
{
	if (*path != '/' && !conf_field_is_abstract(at->opt, path))
		conf_check_fail(c, at->line, "%s \"%.255s\" is not absolute; "
		    "start it with \"/\"", at->name, path);
	else if (strlen(path) > at->opt->max)
		conf_check_fail(c, at->line, "%s \"%.255s\" is too long for a "
		    "unix socket; use at most %llu characters", at->name, path,
		    (unsigned long long)at->opt->max);
	else
		return true;
	return false;
}

void
conf_read_socket(struct conf_check *c, const struct conf_at *at)
{
	const char *path = conf_check_text(c, at), *err;
	struct conf_array a = { NULL, 1 };

	if (path == NULL || !where_absolute(c, at, path))
		return;
	if ((a.items = conf_check_alloc(c, 1, sizeof(struct addr))) == NULL)
		return;
	if (addr_unix(path, (void *)a.items, &err) == 0)
		conf_field_set_array(at->opt, at->base, &a);
}
