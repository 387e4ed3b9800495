#include "compat.h"

#include "conf/parse.h"

static const char *hint_meant(const char *);
static void	 hint_where(const struct conf_section *, const char *, char *,
		    size_t);

/* What other programs call it. */
static const struct {
	const char	*word, *meant;
} words[] = {
	{ "accept-proxy", "proxy-from" },
	{ "addr", "address" }, { "algorithm", "balance" },
	{ "allow", "access" }, { "backend", "relay" }, { "bind", "address" },
	{ "bufsize", "buffer" }, { "cafile", "ca" }, { "cert", "certificate" },
	{ "certificate-key", "key" }, { "connections", "users" },
	{ "crl-file", "crl" }, { "crt", "certificate" },
	{ "default_backend", "relay" }, { "deny", "access" },
	{ "disabled", "state" }, { "down", "state" }, { "file", "to" },
	{ "frontend", "listen" }, { "gid", "group" }, { "groupid", "group" },
	{ "health", "check" }, { "healthcheck", "check" },
	{ "host", "address" }, { "hostname", "address" },
	{ "init-addr", "resolve-at-start" }, { "instances", "servers" },
	{ "inter", "interval" }, { "ip", "address" }, { "listener", "listen" },
	{ "logfile", "log" }, { "loglevel", "log" }, { "match", "expect" },
	{ "max_conns", "max-sessions" }, { "maxconn", "max-sessions" },
	{ "method", "balance" }, { "nbproc", "servers" },
	{ "on-marked-down", "on-down" }, { "permit", "access" },
	{ "processes", "servers" }, { "proxy-protocol", "proxy-from" },
	{ "proxy_bind", "local-address" }, { "proxy_pass", "remote" },
	{ "proxy_protocol", "proxy-from" }, { "realm", "tag" },
	{ "resolver", "resolve" }, { "resolvers", "resolve" },
	{ "script", "command" }, { "send-proxy", "proxy-out" },
	{ "send-proxy-v2", "proxy-out" }, { "send-string", "send" },
	{ "server", "remote" }, { "server_name", "sni" },
	{ "servername", "sni" }, { "single-process", "single" },
	{ "slowstart", "slow-start" }, { "socket", "path" },
	{ "source", "local-address" }, { "ssl", "tls" },
	{ "ssl_certificate", "certificate" }, { "ssl_certificate_key", "key" },
	{ "syslog", "log" }, { "tcp-check", "check" }, { "tfo", "fastopen" },
	{ "timeout", "idle-timeout" }, { "uid", "user" }, { "unix", "path" },
	{ "upstream", "relay" }, { "use_backend", "route" },
	{ "userid", "user" }, { "vrf", "interface" },
	{ "worker_connections", "users" }, { "worker_processes", "servers" },
	{ "workers", "servers" }, { "zerocopy", "io" }
};

const char *
conf_hint(const struct conf_section *spec, const char *word,
    char buf[CONF_HINTLEN])
{
	const char *meant = hint_meant(word);
	const struct conf_opt *o;
	struct near near;
	char where[64] = "";

	*buf = '\0';
	if (strcmp(word, "daemon") == 0 || strcmp(word, "background") == 0)
		return "; start spawnd with -b for that";
	hint_where(&conf_spec_root, meant == NULL ? word : meant, where,
	    sizeof(where));
	near_init(&near, word);
	for (o = spec->opts; o->name != NULL; o++) {
		near_try(&near, o->name);
		if (meant != NULL && strcmp(o->name, meant) == 0)
			*where = '\0';
	}
	if (meant != NULL)
		snprintf(buf, CONF_HINTLEN, "; did you mean \"%s\"%s%s?", meant,
		    *where == '\0' ? "" : ", ", where);
	else if (*where != '\0')
		snprintf(buf, CONF_HINTLEN, "; it belongs %s", where);
	else
		strlcpy(buf, near_hint(&near), CONF_HINTLEN);
	return buf;
}

static const char *
hint_meant(const char *word)
{
	size_t i;

	for (i = 0; i < nitems_of(words); i++)
		if (strcasecmp(words[i].word, word) == 0)
			return words[i].meant;
	return NULL;
}

/* The sections that have such an option, but for those inside of them: in
 * "listen" or "remote". */
static void
hint_where(const struct conf_section *spec, const char *word, char *buf,
    size_t size)
{
	const bool found = conf_spec_find(spec, word) != NULL;
	const struct conf_opt *o;

	if (conf_spec_find(&conf_spec_root, word) != NULL) {
		strlcpy(buf, "outside of every section", size);
		return;
	}
	for (o = spec->opts; o->name != NULL; o++) {
		if (found && strcmp(o->name, word) == 0) {
			strlcat(buf, *buf == '\0' ? "in \"" : " or \"", size);
			strlcat(buf, spec->name, size);
			strlcat(buf, "\"", size);
		}
		if (!found && o->type == CONF_SECTION)
			hint_where(o->section, word, buf, size);
	}
}
