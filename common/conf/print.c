#include "compat.h"

#include "conf/int.h"

static void	 print_relay(FILE *, const struct conf_relay *,
		    enum conf_style);
static void	 print_remote(FILE *, const struct conf_remote *,
		    enum conf_style);
static void	 print_spawnd(FILE *, const struct conf *, enum conf_style);
static void	 print_log(FILE *, const struct conf *);
static void	 print_listen(FILE *, const struct conf *,
		    const struct conf_listen *, enum conf_style);
static void	 print_socket(FILE *, const struct conf_listen *,
		    enum conf_style);
static void	 print_access(FILE *, const struct acl *);
static void	 print_endpoint(FILE *, const char *, const char *,
		    const struct addr *, unsigned, enum conf_style);
static void	 print_user(FILE *, const struct conf *, enum conf_style);
static void	 print_id(FILE *, const char *, const char *, uint32_t,
		    enum conf_style);
static void	 print_number(FILE *, const char *, const char *, unsigned);
static void	 print_duration(FILE *, const char *, const char *, uint64_t);
static void	 print_word(FILE *, const char *, const char *, const char *);
static void	 print_text(FILE *, const char *, const char *, const char *);
static void	 print_quoted(FILE *, const char *);

#define IN1	"\t"
#define IN2	"\t\t"

int
conf_print(const struct conf *conf, enum conf_style style, FILE *f)
{
	unsigned i;

	print_spawnd(f, conf, style);
	for (i = 0; i < conf->nrelays; i++)
		print_relay(f, &conf->relays[i], style);
	return ferror(f) || fflush(f) == EOF ? -1 : 0;
}

static void
print_spawnd(FILE *f, const struct conf *c, enum conf_style style)
{
	char buf[CONF_UNITLEN];
	unsigned i;

	fprintf(f, "spawnd {\n");
	for (i = 0; i < c->nlistens; i++)
		print_listen(f, c, &c->listens[i], style);
	fprintf(f, IN1 "servers {\n");
	print_number(f, IN2, "min", c->servers_min);
	print_number(f, IN2, "max", c->servers_max);
	fprintf(f, IN1 "}\n" IN1 "users {\n");
	print_number(f, IN2, "min", c->users_min);
	print_number(f, IN2, "max", c->users_max);
	fprintf(f, IN1 "}\n");
	print_word(f, IN1, "overload", conf_overload_name(c->overload));
	print_access(f, &c->acl);
	print_user(f, c, style);
	print_text(f, IN1, "chroot", c->chroot);
	print_text(f, IN1, "pidfile", c->pidfile);
	print_text(f, IN1, "control", c->control);
	print_log(f, c);
	print_duration(f, IN1, "drain-timeout", c->drain_timeout);
	print_duration(f, IN1, "start-timeout", c->start_timeout);
	print_duration(f, IN1, "shrink-after", c->shrink_after);
	print_duration(f, IN1, "watchdog", c->watchdog);
	print_duration(f, IN1, "watchdog-kill", c->watchdog_kill);
	print_word(f, IN1, "batch", c->batch ? "yes" : "no");
	print_number(f, IN1, "max-generations", c->max_generations);
	print_word(f, IN1, "memory", conf_size_str(c->memory, buf));
	fprintf(f, "}\n");
}

static void
print_log(FILE *f, const struct conf *c)
{
	fprintf(f, IN1 "log {\n");
	print_text(f, IN2, "to", c->log_to);
	print_word(f, IN2, "facility",
	    conf_spec_word(conf_spec_facilities, c->log_facility));
	print_word(f, IN2, "level",
	    conf_spec_word(conf_spec_levels, c->log_level));
	print_word(f, IN2, "sessions", c->log_sessions ? "yes" : "no");
	fprintf(f, IN1 "}\n");
}

static void
print_listen(FILE *f, const struct conf *c, const struct conf_listen *l,
    enum conf_style style)
{
	fprintf(f, IN1 "listen %s {\n", l->name);
	if (l->path != NULL)
		print_socket(f, l, style);
	else
		print_endpoint(f, l->address == NULL ? "*" : l->address,
		    l->port, l->addr, l->naddr, style);
	print_word(f, IN2, "relay", c->relays[l->relay].name);
	print_number(f, IN2, "backlog", l->backlog);
	fprintf(f, IN1 "}\n");
}

static void
print_socket(FILE *f, const struct conf_listen *l, enum conf_style style)
{
	print_text(f, IN2, "path", l->path);
	if (l->mode == CONF_NOID)
		print_text(f, IN2, "mode", NULL);
	else
		fprintf(f, IN2 "mode = %04o\n", l->mode);
	print_id(f, "user", l->user, l->uid, style);
	print_id(f, "group", l->group, l->gid, style);
}

static void
print_relay(FILE *f, const struct conf_relay *r, enum conf_style style)
{
	char buf[MAX(ADDR_STRLEN, CONF_UNITLEN)];
	unsigned i;

	fprintf(f, "relay %s {\n", r->name);
	for (i = 0; i < r->nremotes; i++)
		print_remote(f, &r->remotes[i], style);
	print_word(f, IN1, "balance", conf_balance_name(r->balance));
	print_number(f, IN1, "retire", r->retire);
	print_number(f, IN1, "retries", r->retries);
	print_duration(f, IN1, "idle-timeout", r->idle_timeout);
	print_duration(f, IN1, "connect-timeout", r->connect_timeout);
	print_duration(f, IN1, "half-close-timeout", r->half_close_timeout);
	print_word(f, IN1, "buffer", conf_size_str(r->buffer, buf));
	print_word(f, IN1, "io", conf_io_name(r->io));
	print_word(f, IN1, "keepalive", r->keepalive ? "yes" : "no");
	print_text(f, IN1, "local-address", !r->has_local ? NULL :
	    style == CONF_RESOLVED ? addr_host_str(&r->local, buf) :
	    r->local_address);
	fprintf(f, "}\n");
}

static void
print_remote(FILE *f, const struct conf_remote *r, enum conf_style style)
{
	fprintf(f, IN1 "remote %s {\n", r->name);
	if (r->path != NULL)
		print_text(f, IN2, "path", r->path);
	else
		print_endpoint(f, r->address, r->port, r->addr, r->naddr,
		    style);
	print_number(f, IN2, "weight", r->weight);
	fprintf(f, IN1 "}\n");
}

static void
print_endpoint(FILE *f, const char *address, const char *port,
    const struct addr *addr, unsigned naddr, enum conf_style style)
{
	char host[ADDR_STRLEN];
	unsigned i;

	if (style == CONF_AS_WRITTEN) {
		print_text(f, IN2, "address", address);
		if (port[strspn(port, "0123456789")] == '\0')
			print_word(f, IN2, "port", port);
		else
			print_text(f, IN2, "port", port);
		return;
	}
	fprintf(f, IN2 "address = \"");
	for (i = 0; i < naddr; i++)
		fprintf(f, "%s%s", i == 0 ? "" : ", ",
		    addr_host_str(&addr[i], host));
	fprintf(f, "\"\n");
	print_number(f, IN2, "port", addr_get_port(&addr[0]));
}

static void
print_access(FILE *f, const struct acl *acl)
{
	char rule[ADDR_STRLEN];
	size_t i;

	fprintf(f, IN1 "access = {");
	for (i = 0; i < acl->n; i++)
		fprintf(f, "%s\"%s\"", i == 0 ? "" : ", ",
		    acl_str(&acl->rules[i], rule));
	fprintf(f, "}\n");
}

static void
print_user(FILE *f, const struct conf *c, enum conf_style style)
{
	char ids[32];

	snprintf(ids, sizeof(ids), "%u:%u", c->uid, c->gid);
	print_text(f, IN1, "user", c->user != NULL && style == CONF_RESOLVED ?
	    ids : c->user);
}

static void
print_id(FILE *f, const char *name, const char *text, uint32_t id,
    enum conf_style style)
{
	if (text != NULL && style == CONF_RESOLVED)
		print_number(f, IN2, name, id);
	else
		print_text(f, IN2, name, text);
}

static void
print_number(FILE *f, const char *indent, const char *name, unsigned n)
{
	fprintf(f, "%s%s = %u\n", indent, name, n);
}

static void
print_duration(FILE *f, const char *indent, const char *name, uint64_t ms)
{
	char buf[CONF_UNITLEN];

	print_word(f, indent, name, conf_duration_str(ms, buf));
}

static void
print_word(FILE *f, const char *indent, const char *name, const char *word)
{
	fprintf(f, "%s%s = %s\n", indent, name, word);
}

static void
print_text(FILE *f, const char *indent, const char *name, const char *text)
{
	if (text == NULL) {
		fprintf(f, "%s# %s is not set\n", indent, name);
		return;
	}
	fprintf(f, "%s%s = ", indent, name);
	print_quoted(f, text);
	fputc('\n', f);
}

/* Nothing in it is expanded or ends the string when it is read again. */
static void
print_quoted(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f) {
			fprintf(f, "\\x%02x", (unsigned char)*s);
			continue;
		}
		if (strchr("\"\\$", *s) != NULL)
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}
