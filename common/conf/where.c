#include "compat.h"

#include <sys/stat.h>

#include <grp.h>
#include <pwd.h>

#include "conf/int.h"

#define ID_MAX		((long long)UINT32_MAX - 1) /* the last says "none" */

/* An address that is bound, for the search for twins. */
struct bound {
	struct addr	addr;
	unsigned	line;
};

static void	 where_socket(struct conf_check *, const struct cfg_t *,
		    struct conf_listen *);
static void	 where_no_path(struct conf_check *, const struct cfg_t *);
static void	 where_no_address(struct conf_check *, const struct cfg_t *);
static unsigned	 where_path(struct conf_check *, const struct conf_value *,
		    const char *, struct addr *);
static unsigned	 where_addresses(struct conf_check *, const struct cfg_t *,
		    const char *, bool, struct addr *);
static unsigned	 where_list(struct conf_check *, unsigned, char *,
		    const char *, bool, struct addr *);
static char	*where_trim(char *);
static unsigned	 where_add(struct addr *, unsigned, const struct addr *,
		    unsigned);
static void	 where_local_family(struct conf_check *, unsigned,
		    const struct conf_relay *);
static bool	 where_mode(const char *, uint32_t *);
static int	 where_id(const char *, uint32_t *);
static void	 where_uid(struct conf_check *, unsigned, const char *,
		    uint32_t *, uint32_t *);
static void	 where_gid(struct conf_check *, unsigned, const char *,
		    uint32_t *);
static bool	 where_absolute(struct conf_check *, const struct conf_value *,
		    const char *, char **);
static int	 where_bound_cmp(const void *, const void *);

void
conf_where_listen(struct conf_check *c, const struct cfg_t *sec,
    struct conf_listen *l)
{
	const struct conf_value *path = conf_value(sec, "path", 0);

	l->mode = l->uid = l->gid = CONF_NOID;
	l->address = conf_check_text(c, "address",
	    conf_value(sec, "address", 0));
	l->port = conf_check_text(c, "port", conf_value(sec, "port", 0));
	l->path = conf_check_text(c, "path", path);
	if (path != NULL) {
		where_no_address(c, sec);
		if (l->path != NULL)
			l->naddr = where_path(c, path, l->path, l->addr);
		where_socket(c, sec, l);
		return;
	}
	if (l->address != NULL && strcmp(l->address, "*") == 0) {
		free(l->address);
		l->address = NULL;
	}
	where_no_path(c, sec);
	if (conf_value(sec, "port", 0) == NULL)
		conf_check_missing(c, conf_line(sec), "listen \"%s\" needs a "
		    "port, or a path", l->name);
	l->naddr = where_addresses(c, sec, l->port, true, l->addr);
}

/* Who may use a unix socket. */
static void
where_socket(struct conf_check *c, const struct cfg_t *sec,
    struct conf_listen *l)
{
	const struct conf_value *mode = conf_value(sec, "mode", 0);
	const struct conf_value *user = conf_value(sec, "user", 0);
	const struct conf_value *group = conf_value(sec, "group", 0);
	uint32_t gid;

	if (mode != NULL && !where_mode(mode->text, &l->mode))
		conf_check_fail(c, mode->line, "mode \"%.64s\" is no file "
		    "mode; use an octal number from 0 to 0777", mode->text);
	if ((l->user = conf_check_text(c, "user", user)) != NULL)
		where_uid(c, user->line, l->user, &l->uid, &gid);
	if ((l->group = conf_check_text(c, "group", group)) != NULL)
		where_gid(c, group->line, l->group, &l->gid);
}

static void
where_no_path(struct conf_check *c, const struct cfg_t *sec)
{
	static const char *const names[] = { "mode", "user", "group" };
	const struct conf_value *v;
	size_t i;

	for (i = 0; i < nitems_of(names); i++)
		if ((v = conf_value(sec, names[i], 0)) != NULL)
			conf_check_fail(c, v->line, "%s is for a unix socket; "
			    "there is no path here", names[i]);
}

static void
where_no_address(struct conf_check *c, const struct cfg_t *sec)
{
	static const char *const names[] = { "address", "port" };
	const struct conf_value *v;
	size_t i;

	for (i = 0; i < nitems_of(names); i++)
		if ((v = conf_value(sec, names[i], 0)) != NULL)
			conf_check_fail(c, v->line, "%s and path are both "
			    "given; use address and port, or path", names[i]);
}

static unsigned
where_path(struct conf_check *c, const struct conf_value *v, const char *path,
    struct addr *out)
{
	const char *err;

	if (*path != '/')
		conf_check_fail(c, v->line, "path \"%.255s\" is not absolute; "
		    "start it with \"/\"", path);
	else if (addr_unix(path, out, &err) == -1)
		conf_check_fail(c, v->line, "%s", err);
	else
		return 1;
	return 0;
}

void
conf_where_remote(struct conf_check *c, const struct cfg_t *sec,
    struct conf_remote *r)
{
	const struct conf_value *path = conf_value(sec, "path", 0);
	bool address, port;

	r->address = conf_check_text(c, "address",
	    conf_value(sec, "address", 0));
	r->port = conf_check_text(c, "port", conf_value(sec, "port", 0));
	r->path = conf_check_text(c, "path", path);
	if (path != NULL) {
		where_no_address(c, sec);
		if (r->path != NULL)
			r->naddr = where_path(c, path, r->path, r->addr);
		return;
	}
	address = conf_value(sec, "address", 0) != NULL;
	port = conf_value(sec, "port", 0) != NULL;
	if (!address || !port)
		conf_check_missing(c, conf_line(sec), "remote \"%s\" needs %s",
		    r->name, address ? "a port" : port ? "an address" :
		    "an address and a port, or a path");
	r->naddr = where_addresses(c, sec, r->port, false, r->addr);
}

/* An address that is missing is every address, for who listens. */
static unsigned
where_addresses(struct conf_check *c, const struct cfg_t *sec,
    const char *port, bool listens, struct addr *out)
{
	const struct conf_value *v = conf_value(sec, "address", 0);
	unsigned line, n;
	const char *err;
	char *list;

	if (port != NULL && addr_port(port, listens, &err) == -1) {
		line = conf_value(sec, "port", 0)->line;
		conf_check_fail(c, line, "%s", err);
		port = NULL;
	}
	if (v == NULL ? !listens : *v->text == '\0')
		return 0;
	if ((list = strdup(v == NULL ? "*" : v->text)) == NULL) {
		c->text->nomem = true;
		return 0;
	}
	line = v == NULL ? conf_line(sec) : v->line;
	n = where_list(c, line, list, port == NULL ? "0" : port, listens, out);
	free(list);
	return n;
}

static unsigned
where_list(struct conf_check *c, unsigned line, char *list, const char *port,
    bool listens, struct addr *out)
{
	struct addr some[CONF_ADDRS + 1];
	const char *err = NULL;
	char *next = list, *host;
	unsigned n = 0;
	int found;

	while ((host = strsep(&next, ",")) != NULL) {
		host = where_trim(host);
		if (strcmp(host, "*") == 0 && !listens) {
			conf_check_fail(c, line, "address \"*\" is for "
			    "listeners; a remote needs a name or a number");
			continue;
		}
		found = addr_resolve(strcmp(host, "*") == 0 ? NULL : host,
		    port, listens, some, nitems_of(some), &err);
		if (found == -1)
			conf_check_fail(c, line, "address: %s", err);
		else
			n = where_add(out, n, some, found);
		if (n > CONF_ADDRS) {
			conf_check_fail(c, line, "address stands for more "
			    "than %d addresses", CONF_ADDRS);
			return CONF_ADDRS;
		}
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

/* Returns how many there are in out, or CONF_ADDRS + 1 if they do not fit. */
static unsigned
where_add(struct addr *out, unsigned n, const struct addr *some,
    unsigned nsome)
{
	unsigned i, j;

	for (i = 0; i < nsome; i++) {
		for (j = 0; j < n; j++)
			if (addr_cmp(&out[j], &some[i]) == 0)
				break;
		if (j < n)
			continue;
		if (n == CONF_ADDRS)
			return CONF_ADDRS + 1;
		out[n++] = some[i];
	}
	return n;
}

void
conf_where_local(struct conf_check *c, const struct cfg_t *sec,
    struct conf_relay *r)
{
	const struct conf_value *v = conf_value(sec, "local-address", 0);
	struct addr some[2];
	const char *err;
	int n;

	r->local_address = conf_check_text(c, "local-address", v);
	if (r->local_address == NULL)
		return;
	n = addr_resolve(r->local_address, "0", false, some, nitems_of(some),
	    &err);
	if (n == -1)
		conf_check_fail(c, v->line, "local-address: %s", err);
	else if (n > 1)
		conf_check_fail(c, v->line, "local-address \"%.255s\" stands "
		    "for more than one address", r->local_address);
	else {
		r->has_local = true;
		r->local = some[0];
		where_local_family(c, v->line, r);
	}
}

/* A remote that could never be reached from there. */
static void
where_local_family(struct conf_check *c, unsigned line,
    const struct conf_relay *r)
{
	const struct conf_remote *remote;
	bool six = r->local.sa.sa_family == AF_INET6, fits;
	unsigned i, j;

	for (i = 0; i < r->nremotes; i++) {
		remote = &r->remotes[i];
		fits = remote->naddr == 0;
		for (j = 0; j < remote->naddr && !fits; j++)
			fits = remote->addr[j].sa.sa_family == AF_UNIX ||
			    remote->addr[j].sa.sa_family ==
			    r->local.sa.sa_family;
		if (!fits)
			conf_check_fail(c, line, "local-address is IPv%d, but "
			    "remote \"%s\" has no IPv%d address",
			    six ? 6 : 4, remote->name, six ? 6 : 4);
	}
}

static bool
where_mode(const char *text, uint32_t *mode)
{
	size_t digits = strspn(text, "01234567");
	unsigned long value;

	if (digits == 0 || digits > 8 || text[digits] != '\0')
		return false;
	value = strtoul(text, NULL, 8);
	if (value > 0777)
		return false;
	*mode = value;
	return true;
}

/* 1: text is a number in range, 0: it is a name, -1: a number out of range. */
static int
where_id(const char *text, uint32_t *id)
{
	const char *err;
	long long n;

	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return 0;
	n = strtonum(text, 0, ID_MAX, &err);
	if (err != NULL)
		return -1;
	*id = n;
	return 1;
}

/* *gid is the user's own group, CONF_NOID for a number without an entry. */
static void
where_uid(struct conf_check *c, unsigned line, const char *text,
    uint32_t *uid, uint32_t *gid)
{
	const struct passwd *pw;

	*gid = CONF_NOID;
	switch (where_id(text, uid)) {
	case 1:
		if ((pw = getpwuid(*uid)) != NULL)
			*gid = pw->pw_gid;
		break;
	case 0:
		if ((pw = getpwnam(text)) == NULL) {
			conf_check_fail(c, line,
			    "there is no user \"%.64s\"", text);
			break;
		}
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
		break;
	default:
		conf_check_fail(c, line, "user %.64s is out of range; use a "
		    "name or 0 to %lld", text, ID_MAX);
		break;
	}
}

static void
where_gid(struct conf_check *c, unsigned line, const char *text,
    uint32_t *gid)
{
	const struct group *gr;

	switch (where_id(text, gid)) {
	case 1:
		break;
	case 0:
		if ((gr = getgrnam(text)) == NULL)
			conf_check_fail(c, line,
			    "there is no group \"%.64s\"", text);
		else
			*gid = gr->gr_gid;
		break;
	default:
		conf_check_fail(c, line, "group %.64s is out of range; use a "
		    "name or 0 to %lld", text, ID_MAX);
		break;
	}
}

void
conf_where_user(struct conf_check *c, const struct cfg_t *sec)
{
	const struct conf_value *v = conf_value(sec, "user", 0);
	struct conf *conf = c->conf;
	char *user, *group;

	conf->uid = conf->gid = CONF_NOID;
	if ((conf->user = conf_check_text(c, "user", v)) == NULL)
		return;
	if ((user = strdup(conf->user)) == NULL) {
		c->text->nomem = true;
		return;
	}
	if ((group = strchr(user, ':')) != NULL)
		*group++ = '\0';
	where_uid(c, v->line, user, &conf->uid, &conf->gid);
	if (group != NULL)
		where_gid(c, v->line, group, &conf->gid);
	else if (conf->uid != CONF_NOID && conf->gid == CONF_NOID)
		conf_check_fail(c, v->line, "user %s has no entry that names "
		    "its group; write user = \"%s:GROUP\"", user, user);
	free(user);
}

void
conf_where_paths(struct conf_check *c, const struct cfg_t *sec)
{
	const struct conf_value *chroot = conf_value(sec, "chroot", 0);
	const struct conf_value *control = conf_value(sec, "control", 0);
	struct conf *conf = c->conf;
	struct addr addr;
	struct stat st;
	const char *err;

	where_absolute(c, conf_value(sec, "pidfile", 0), "pidfile",
	    &conf->pidfile);
	if (where_absolute(c, control, "control", &conf->control) &&
	    addr_unix(conf->control, &addr, &err) == -1)
		conf_check_fail(c, control->line, "control: %s", err);
	if (!where_absolute(c, chroot, "chroot", &conf->chroot))
		return;
	if (stat(conf->chroot, &st) == -1)
		conf_check_fail(c, chroot->line, "chroot \"%.255s\": %s",
		    conf->chroot, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		conf_check_fail(c, chroot->line, "chroot \"%.255s\" is not a "
		    "directory", conf->chroot);
}

static bool
where_absolute(struct conf_check *c, const struct conf_value *v,
    const char *name, char **path)
{
	if ((*path = conf_check_text(c, name, v)) == NULL)
		return false;
	if (**path == '/')
		return true;
	conf_check_fail(c, v->line, "%s \"%.255s\" is not absolute; start it "
	    "with \"/\"", name, *path);
	return false;
}

void
conf_where_twice(struct conf_check *c, const unsigned *lines,
    unsigned control_line)
{
	const struct conf *conf = c->conf;
	struct bound *b;
	char where[4096], text[ADDR_STRLEN];
	const char *err;
	size_t n = 0;
	unsigned i, j;

	for (i = 0; i < conf->nlistens; i++)
		n += conf->listens[i].naddr;
	if ((b = conf_check_alloc(c, n, sizeof(*b))) == NULL)
		return;
	n = 0;
	for (i = 0; i < conf->nlistens; i++)
		for (j = 0; j < conf->listens[i].naddr; j++) {
			b[n].addr = conf->listens[i].addr[j];
			b[n++].line = lines[i];
		}
	if (conf->control != NULL &&
	    addr_unix(conf->control, &b[n].addr, &err) == 0)
		b[n++].line = control_line;
	qsort(b, n, sizeof(*b), where_bound_cmp);
	for (i = 1; i < n; i++)
		if (addr_cmp(&b[i].addr, &b[i - 1].addr) == 0 &&
		    (b[i].addr.sa.sa_family == AF_UNIX ||
		    addr_get_port(&b[i].addr) != 0))
			conf_check_fail(c, b[i].line, "%s is listened on "
			    "twice; it is on %s already",
			    addr_str(&b[i].addr, text),
			    conf_text_where(c->text, b[i - 1].line,
			    b[i].line, where, sizeof(where)));
	free(b);
}

static int
where_bound_cmp(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;
	int diff;

	if ((diff = addr_cmp(&x->addr, &y->addr)) != 0)
		return diff;
	return x->line < y->line ? -1 : x->line > y->line;
}
