#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>

#include "fdname.h"
#include "probe.h"
#include "safe.h"
#include "sockopt.h"

#define LOCALS	256	/* addresses of a range that are looked at */

/* What is looked at, for reports. */
struct probe {
	conf_report	*report;
	const char	*file;
	char		 what[128];	/* of the configuration */
};

static const char *log_file(const struct conf_log *);
static void	 tell(const struct probe *, enum conf_kind, const char *, ...)
		    printf_like(3, 4);
static void	 probe_listen(struct probe *, const struct conf_listen *);
static void	 probe_relay(struct probe *, const struct conf_relay *);
static void	 probe_locals(struct probe *, const struct conf_local *,
		    unsigned);
static void	 probe_fastopen(struct probe *, const struct conf_listen *);
static void	 probe_local(struct probe *, const struct conf_local *);
static void	 probe_covered(struct probe *, const struct conf *,
		    const struct conf_listen *);
static const char *covered_by(const struct conf *, const struct addr *);
static bool	 try_both(const struct conf_listen *, const struct addr *);
static int	 try_socket(const struct conf_socket *, const struct addr *,
		    const char **);
static int	 try_bind(const struct conf_socket *, const struct addr *,
		    uint16_t, const char **);
static void	 probe_failed(struct probe *, const struct conf_listen *,
		    const struct addr *, int, const char *);
static void	 probe_auth(struct probe *, const struct conf_auth *, bool);
static void	 probe_program(struct probe *, const struct conf_program *,
		    bool);
static void	 probe_record(struct probe *, const struct conf *,
		    const struct conf_record *);
static bool	 may_write(const struct conf *, const char *);
static void	 probe_file(struct probe *, const char *, const char *);
static void	 probe_socket(struct probe *, const char *);
static void	 probe_folder(struct probe *, const char *);
static void	 failed(const struct probe *, const char *, int, const char *);
static void	 probe_others(struct probe *, const char *, const char *);

void
probe(const struct conf *c, bool start, const char *file, conf_report *report)
{
	struct probe p = { .report = report, .file = file };
	const struct conf_log *log;
	unsigned i;

	for (i = 0; i < c->nrelays; i++)
		probe_relay(&p, &c->relays[i]);
	for (i = 0; i < c->nauths; i++)
		probe_auth(&p, &c->auths[i], start);
	for (i = 0; i < c->nprograms; i++)
		probe_program(&p, &c->programs[i], start);
	for (i = 0; i < c->nrecords; i++)
		probe_record(&p, c, &c->records[i]);
	probe_others(&p, "pidfile", c->pidfile);
	probe_others(&p, "control", c->control);
	probe_others(&p, "control-readers", c->control_readers);
	for (i = 0; (log = conf_log(c, i)) != NULL; i++)
		probe_others(&p, "log to", log_file(log));
	for (i = 0; i < c->nlistens; i++)
		probe_fastopen(&p, &c->listens[i]);
	if (!start)
		return;
	for (i = 0; i < c->nlistens; i++) {
		probe_listen(&p, &c->listens[i]);
		probe_covered(&p, c, &c->listens[i]);
	}
	probe_file(&p, "pidfile", c->pidfile);
	for (i = 0; (log = conf_log(c, i)) != NULL; i++)
		probe_file(&p, "log to", log_file(log));
	strlcpy(p.what, "control", sizeof(p.what));
	if (c->control != NULL)
		probe_socket(&p, c->control);
	strlcpy(p.what, "control-readers", sizeof(p.what));
	if (c->control_readers != NULL)
		probe_socket(&p, c->control_readers);
}

/* NULL: no file. */
static const char *
log_file(const struct conf_log *log)
{
	return log->to != NULL && log->to[0] == '/' &&
	    fdname_of(log->to) == -1 ? log->to : NULL;
}

static void
tell(const struct probe *p, enum conf_kind kind, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "%s: ", p->what);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	p->report(NULL, kind, p->file, 0, text);
}

static void
probe_fastopen(struct probe *p, const struct conf_listen *l)
{
	const char *why = l->socket.fastopen == 0 ? NULL :
	    sockopt_no_fastopen();

	if (why == NULL)
		return;
	snprintf(p->what, sizeof(p->what), "listen \"%s\"", l->name);
	tell(p, CONF_WARNING, "fastopen: %s", why);
}

static void
probe_listen(struct probe *p, const struct conf_listen *l)
{
	const struct addr *a;
	const char *what;
	unsigned i;
	int error = 0;

	snprintf(p->what, sizeof(p->what), "listen \"%s\"", l->name);
	for (i = 0; i < l->naddr && error != EACCES; i++) {
		a = &l->addr[i];
		if (a->sa.sa_family == AF_UNIX) {
			if (a->un.sun_path[0] == '/')
				probe_socket(p, a->un.sun_path);
			continue;
		}
		error = try_bind(&l->socket, a, addr_get_port(a), &what);
		if (error != 0)
			probe_failed(p, l, a, error, what);
		if (what != NULL)
			return;
	}
}

/* What is not there yet may be when it is tried for a while. */
static void
probe_failed(struct probe *p, const struct conf_listen *l,
    const struct addr *a, int error, const char *what)
{
	const enum conf_kind kind = l->bind_retry != 0 ? CONF_WARNING :
	    CONF_MISTAKE;
	char host[ADDR_STRLEN];

	addr_host_str(a, host);
	if (what != NULL)
		tell(p, error == EPERM ? CONF_WARNING : error == ENODEV ?
		    kind : CONF_MISTAKE, "%s",
		    sockopt_why(&l->socket, what, error));
	else if (error == EADDRNOTAVAIL)
		tell(p, kind, "%s is no address of this machine", host);
	else if (error == EACCES)
		tell(p, CONF_WARNING, "this user may not listen on port %u: "
		    "start it as root, or with CAP_NET_BIND_SERVICE",
		    addr_get_port(a));
	else
		tell(p, CONF_MISTAKE, "%s: %s", host, strerror(error));
}

static void
probe_relay(struct probe *p, const struct conf_relay *r)
{
	unsigned i;

	snprintf(p->what, sizeof(p->what), "relay \"%s\"", r->name);
	probe_locals(p, r->locals, r->nlocals);
	for (i = 0; i < r->nremotes; i++) {
		snprintf(p->what, sizeof(p->what), "remote \"%s/%s\"",
		    r->name, r->remotes[i].name);
		probe_locals(p, r->remotes[i].locals, r->remotes[i].nlocals);
	}
}

static void
probe_locals(struct probe *p, const struct conf_local *l, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		probe_local(p, &l[i]);
}

/* Sessions would fail, or try others, until the machine has it. */
static void
probe_local(struct probe *p, const struct conf_local *l)
{
	static const struct conf_socket plain;
	struct addr a = l->addr;
	char host[ADDR_STRLEN];
	const char *what;
	unsigned i;

	for (i = 0; i < MIN(l->n, LOCALS); i++, addr_add(&a, 1)) {
		if (try_bind(&plain, &a, 0, &what) != EADDRNOTAVAIL)
			continue;
		tell(p, CONF_WARNING, "local-address %s is no address of this "
		    "machine", addr_host_str(&a, host));
		return;
	}
}

/* Returns 0 or errno, and which option it is about or NULL. Who has the port
 * now may be spawnd itself. */
static int
try_bind(const struct conf_socket *s, const struct addr *a, uint16_t port,
    const char **whatp)
{
	struct addr at = *a;
	int fd, error = 0;

	/* Others are for everybody, and nobody is to find one in use. */
	addr_set_port(&at, port < 1024 ? port : 0);
	if ((fd = try_socket(s, &at, whatp)) == -1)
		return errno;
	if (sockopt_change(fd, at.sa.sa_family, NULL, s, whatp) == -1) {
		error = errno;
		close(fd);
		return error;
	}
	*whatp = NULL;
	if (bind(fd, &at.sa, at.len) == -1 && errno != EADDRINUSE)
		error = errno;
	close(fd);
	return error;
}

/* As those that listen. */
static int
try_socket(const struct conf_socket *s, const struct addr *a,
    const char **whatp)
{
	const int on = 1;
	int fd;

	if ((fd = sockopt_socket(a->sa.sa_family, s, whatp)) == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return fd;
}

/* Some systems listen on every address and on one of them at the same port. */
static void
probe_covered(struct probe *p, const struct conf *c,
    const struct conf_listen *l)
{
	const char *by;
	char text[ADDR_STRLEN];
	unsigned i;

	for (i = 0; i < l->naddr; i++)
		if ((by = covered_by(c, &l->addr[i])) != NULL &&
		    !try_both(l, &l->addr[i]))
			tell(p, CONF_MISTAKE, "%s is taken: listen \"%s\" is "
			    "for every address of this port",
			    addr_str(&l->addr[i], text), by);
}

/* The listener of every address at the port of that one; NULL: there is none,
 * or it is that. */
static const char *
covered_by(const struct conf *c, const struct addr *a)
{
	struct addr any = *a;
	unsigned i, k;

	addr_set_any(&any);
	if (a->sa.sa_family == AF_UNIX || addr_get_port(a) == 0 ||
	    addr_cmp(a, &any) == 0)
		return NULL;
	for (i = 0; i < c->nlistens; i++)
		for (k = 0; k < c->listens[i].naddr; k++)
			if (addr_cmp(&c->listens[i].addr[k], &any) == 0)
				return c->listens[i].name;
	return NULL;
}

/* At a port that nobody has. */
static bool
try_both(const struct conf_listen *l, const struct addr *a)
{
	struct addr any = *a, one = *a;
	const char *what;
	int wide, narrow;
	bool can;

	addr_set_any(&any);
	addr_set_port(&any, 0);
	wide = try_socket(&l->socket, &any, &what);
	narrow = try_socket(&l->socket, &one, &what);
	can = wide == -1 || narrow == -1 ||
	    bind(wide, &any.sa, any.len) == -1 || listen(wide, 1) == -1 ||
	    getsockname(wide, &any.sa, &any.len) == -1;
	if (!can) {
		addr_set_port(&one, addr_get_port(&any));
		can = bind(narrow, &one.sa, one.len) == 0 ||
		    errno != EADDRINUSE;
	}
	if (wide != -1)
		close(wide);
	if (narrow != -1)
		close(narrow);
	return can;
}

/* Who puts another in its place decides about sessions. A start does without
 * either; sessions do not. */
static void
probe_auth(struct probe *p, const struct conf_auth *a, bool start)
{
	char path[PATH_MAX], what[64];
	const char *all = a->command != NULL ? a->command : a->path;
	struct stat st;

	snprintf(what, sizeof(what), "%s \"%s\"", a->program ? "program" :
	    "auth", a->name);
	snprintf(path, sizeof(path), "%.*s", (int)(a->command != NULL ?
	    strcspn(all, " ") : strlen(all)), all);
	probe_others(p, what, path);
	strlcpy(p->what, what, sizeof(p->what));
	if (!start)
		return;
	if (a->command != NULL && access(path, X_OK) == -1)
		tell(p, CONF_WARNING, "%s cannot be run: %s", path,
		    strerror(errno));
	else if (a->path != NULL && (stat(path, &st) == -1 ||
	    !S_ISSOCK(st.st_mode)))
		tell(p, CONF_WARNING, "%s is no socket yet, and somebody has "
		    "to listen there", path);
}

/* It sees all that flows. */
static void
probe_program(struct probe *p, const struct conf_program *program, bool start)
{
	struct conf_auth a = { .command = program->command, .program = true };

	strlcpy(a.name, program->name, sizeof(a.name));
	probe_auth(p, &a, start);
}

/* Its files are made by who workers are. */
static void
probe_record(struct probe *p, const struct conf *c,
    const struct conf_record *r)
{
	if (may_write(c, r->directory))
		return;
	snprintf(p->what, sizeof(p->what), "record \"%s\"", r->name);
	if (geteuid() == 0)
		tell(p, CONF_WARNING, "directory %s: user %s, as whom workers "
		    "run, cannot write there: nothing will be recorded",
		    r->directory, c->user);
	else
		tell(p, CONF_WARNING, "directory %s: this user cannot write "
		    "there: nothing will be recorded", r->directory);
}

/* What is not known may be. */
static bool
may_write(const struct conf *c, const char *folder)
{
	struct stat st;
	mode_t may;

	if (geteuid() != 0)
		return faccessat(AT_FDCWD, folder, W_OK | X_OK,
		    AT_EACCESS) == 0;
	if (c->uid == 0 || c->uid == CONF_NOID || stat(folder, &st) == -1)
		return true;
	may = st.st_uid == c->uid ? st.st_mode >> 6 :
	    st.st_gid == c->gid ? st.st_mode >> 3 : st.st_mode;
	return (may & (S_IWOTH | S_IXOTH)) == (S_IWOTH | S_IXOTH);
}

/* One that is written to. */
static void
probe_file(struct probe *p, const char *what, const char *path)
{
	const char *err;

	if (path == NULL)
		return;
	strlcpy(p->what, what, sizeof(p->what));
	if (safe_look(path, &err) == 0)
		return;
	if (errno == ENOENT)
		probe_folder(p, path);
	else
		failed(p, path, errno, err);
}

/* One that is made in the place of what is there. */
static void
probe_socket(struct probe *p, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		tell(p, CONF_MISTAKE, "%s exists and is no socket", path);
	else
		probe_folder(p, path);
}

/* Where one can be made. */
static void
probe_folder(struct probe *p, const char *path)
{
	const char *name;
	int folder = safe_folder(path, &name), error = errno;

	if (folder != -1) {
		error = faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == -1 ?
		    errno : 0;
		close(folder);
	}
	if (error == ENOENT && safe_run(path) && geteuid() == 0)
		return;		/* spawnd makes it */
	if (error == ENOENT)
		tell(p, CONF_WARNING, "%s: there is no such folder; make it "
		    "before the start", path);
	else if (error == ELOOP)
		failed(p, path, error, "a symbolic link on the way belongs to "
		    "another user");
	else if (error != 0)
		failed(p, path, error, strerror(error));
}

/* Another user may have the right, and a file system be writable elsewhere. */
static void
failed(const struct probe *p, const char *path, int error, const char *why)
{
	const bool other = error == EACCES || error == EPERM || error == EROFS;

	tell(p, other ? CONF_WARNING : CONF_MISTAKE, "%s: %s%s", path, why,
	    error == EACCES ? ": this user cannot make or write it" : "");
}

/* Somebody could put a file of his own in the place of ours. */
static void
probe_others(struct probe *p, const char *what, const char *path)
{
	const char *name;
	struct stat st;
	int folder;

	if (path == NULL || (folder = safe_folder(path, &name)) == -1)
		return;
	strlcpy(p->what, what, sizeof(p->what));
	if (fstat(folder, &st) == 0 && (st.st_mode & S_ISVTX) == 0 &&
	    (st.st_mode & S_IWOTH) != 0)
		tell(p, CONF_WARNING, "%s: everybody can write to its folder",
		    path);
	close(folder);
}
