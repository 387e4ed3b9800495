#include "compat.h"

#include <syslog.h>

#include "conf/row.h"

static const char *no_path(const char *);

static const struct conf_word overloads[] = {
	{ "queue", OVERLOAD_QUEUE },
	{ "close", OVERLOAD_CLOSE },
	{ "reset", OVERLOAD_RESET },
	{ NULL, 0 }
};

static const struct conf_word serves[] = {
	{ "relay", SERVE_RELAY },
	{ "status", SERVE_STATUS },
	{ NULL, 0 }
};

static const struct conf_word overs[] = {
	{ "reset", OVER_RESET },
	{ "close", OVER_CLOSE },
	{ "queue", OVER_QUEUE },
	{ NULL, 0 }
};

static const struct conf_word sandboxes[] = {
	{ "auto", CONF_SANDBOX_AUTO },
	{ "require", CONF_SANDBOX_REQUIRE },
	{ "off", CONF_SANDBOX_OFF },
	{ NULL, 0 }
};

static const struct conf_word balances[] = {
	{ "leastconn", BALANCE_LEASTCONN },
	{ "roundrobin", BALANCE_ROUNDROBIN },
	{ "source", BALANCE_SOURCE },
	{ "random", BALANCE_RANDOM },
	{ "first", BALANCE_FIRST },
	{ NULL, 0 }
};

static const struct conf_word states[] = {
	{ "enabled", STATE_ENABLED },
	{ "drain", STATE_DRAIN },
	{ "disabled", STATE_DISABLED },
	{ NULL, 0 }
};

static const struct conf_word on_downs[] = {
	{ "keep", ON_DOWN_KEEP },
	{ "close", ON_DOWN_CLOSE },
	{ NULL, 0 }
};

static const struct conf_word ios[] = {
	{ "auto", CONF_IO_AUTO },
	{ "copy", CONF_IO_COPY },
	{ "splice", CONF_IO_SPLICE },
	{ NULL, 0 }
};

static const struct conf_word proxies[] = {
	{ "none", CONF_PROXY_NONE },
	{ "v1", CONF_PROXY_V1 },
	{ "v2", CONF_PROXY_V2 },
	{ NULL, 0 }
};

static const struct conf_word at_starts[] = {
	{ "fail", CONF_FAIL },
	{ "later", CONF_LATER },
	{ NULL, 0 }
};

static const struct conf_word probe_types[] = {
	{ "tcp", CONF_PROBE_TCP },
	{ "tls", CONF_PROBE_TLS },
	{ NULL, 0 }
};

static const struct conf_word protocols[] = {
	{ "tcp", CONF_TCP },
	{ "mptcp", CONF_MPTCP },
	{ "sctp", CONF_SCTP },
	{ NULL, 0 }
};

/* RFC 2474, 2597, 3246, 5865 and 8622. */
static const struct conf_word dscps[] = {
	{ "ef", 46 }, { "va", 44 }, { "le", 1 },
	{ "af11", 10 }, { "af12", 12 }, { "af13", 14 },
	{ "af21", 18 }, { "af22", 20 }, { "af23", 22 },
	{ "af31", 26 }, { "af32", 28 }, { "af33", 30 },
	{ "af41", 34 }, { "af42", 36 }, { "af43", 38 },
	{ "cs0", 0 }, { "cs1", 8 }, { "cs2", 16 }, { "cs3", 24 },
	{ "cs4", 32 }, { "cs5", 40 }, { "cs6", 48 }, { "cs7", 56 },
	{ NULL, 0 }
};

static const struct conf_word facilities[] = {
	{ "auth", LOG_AUTH },
	{ "cron", LOG_CRON },
	{ "daemon", LOG_DAEMON },
	{ "ftp", LOG_FTP },
	{ "lpr", LOG_LPR },
	{ "mail", LOG_MAIL },
	{ "news", LOG_NEWS },
	{ "syslog", LOG_SYSLOG },
	{ "user", LOG_USER },
	{ "uucp", LOG_UUCP },
	{ "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 },
	{ NULL, 0 }
};

static const struct conf_word levels[] = {
	{ "error", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
	{ NULL, 0 }
};

static const struct conf_word log_targets[] = {
	{ "stderr", 0 },
	{ "syslog", 0 },
	{ "journald", 0 },
	{ NULL, 0 }
};

static const struct conf_word formats[] = {
	{ "text", CONF_FORMAT_TEXT },
	{ "json", CONF_FORMAT_JSON },
	{ "haproxy", CONF_FORMAT_HAPROXY },
	{ "custom", CONF_FORMAT_CUSTOM },
	{ NULL, 0 }
};

static const struct conf_word versions[] = {
	{ "1.2", 0x303 },
	{ "1.3", 0x304 },
	{ NULL, 0 }
};

static const struct conf_word verifies[] = {
	{ "required", CONF_VERIFY_REQUIRED },
	{ "optional", CONF_VERIFY_OPTIONAL },
	{ NULL, 0 }
};

static const struct conf_word fails[] = {
	{ "deny", CONF_FAIL_DENY },
	{ "permit", CONF_FAIL_PERMIT },
	{ NULL, 0 }
};

static const struct conf_opt tls_opts[] = {
	{ CERTS("certificate", conf_tls, certs, ncerts) },
	{ TEXTS("key", conf_tls, keys, nkeys, CONF_VALUE_MAX),
	    .wrong = no_path },
	{ SECRET("passphrase", conf_tls, passphrase) },
	{ PATH("passphrase-file", conf_tls, passphrase_file,
	    CONF_VALUE_MAX) },
	{ WORD("min-version", conf_tls, min_version, versions, "1.2") },
	{ WORD("max-version", conf_tls, max_version, versions, "1.3") },
	{ TEXT("ciphers", conf_tls, ciphers) },
	{ TEXT("ciphersuites", conf_tls, ciphersuites) },
	{ TEXT("groups", conf_tls, groups) },
	{ TEXTS("alpn", conf_tls, alpn, nalpn, 255) },
	{ PATH("client-ca", conf_tls, client_ca, CONF_VALUE_MAX) },
	{ WORD("client-verify", conf_tls, client_verify, verifies,
	    "required") },
	{ CERTS("crl", conf_tls, crls, ncrls) },
	{ BOOL("strict-sni", conf_tls, strict_sni, "no") },
	{ BOOL("tickets", conf_tls, tickets, "yes") },
	{ DURATION("ticket-lifetime", conf_tls, ticket_lifetime, 1000,
	    "12h") },
	{ PATH("ticket-keys", conf_tls, ticket_keys, CONF_VALUE_MAX) },
	{ PATH("ca", conf_tls, ca, CONF_VALUE_MAX) },
	{ TEXT("name", conf_tls, server_name) },
	{ BOOL("verify", conf_tls, verify, "yes") },
	END
};

static const struct conf_opt auth_opts[] = {
	{ TEXT("command", conf_auth, command) },
	{ PATH("path", conf_auth, path, SOCKET_MAX) },
	{ NUMBER("processes", conf_auth, processes, 1, 64, "1") },
	{ USER("user", conf_auth, user, uid) },
	{ DURATION("timeout", conf_auth, timeout, 1, "2s") },
	{ WORD("fail", conf_auth, fail, fails, "deny") },
	{ BOOL("sni", conf_auth, sni, "no") },
	END
};

/* The longest protocol: several stand in a line of the log. */
#define ALPN_MAX	64

static const struct conf_opt route_opts[] = {
	{ TEXTS("sni", conf_route, sni, nsni, 255), .wrong = conf_item_host },
	{ TEXTS("alpn", conf_route, alpn, nalpn, ALPN_MAX),
	    .wrong = conf_item_alpn },
	{ NETWORKS("from", conf_route, from), .filled = true },
	{ TEXTS("target", conf_route, target, ntarget, 512),
	    .wrong = conf_item_aim },
	{ REF("relay", conf_route, relay, relay), .required = true },
	END
};

/* The most that servers max and users max make together. */
#define PLACES_MAX	1024000000

static const struct conf_opt listen_opts[] = {
	{ HOSTS("address", conf_listen, address, addr, naddr, CONF_ADDRS),
	    .only = CONF_INET, .def = "*" },
	{ PORT("port", conf_listen, port, addr, naddr, 0),
	    .only = CONF_INET, .required = true },
	{ SOCKET("path", conf_listen, path, addr, naddr, SOCKET_MAX),
	    .abstract = true },
	{ MODE("mode", conf_listen, mode), .only = CONF_UNIX },
	{ UID("user", conf_listen, user, uid), .only = CONF_UNIX },
	{ GID("group", conf_listen, group, gid), .only = CONF_UNIX },
	{ WORD("serve", conf_listen, serve, serves, "relay") },
	{ SECTIONS(route, conf_listen, routes, nroutes) },
	{ REF("relay", conf_listen, relay, relay), .unless = "route",
	    .by_relay = true },
	{ REF("tls", conf_listen, tls, tls), .optional = true },
	{ REF("auth", conf_listen, auth, auth), .optional = true },
	{ TEXTS("ask", conf_listen, ask, nask, 16), .wrong = conf_item_ask },
	{ PATH("users", conf_listen, users, CONF_VALUE_MAX) },
	{ NUMBER("backlog", conf_listen, backlog, 1, 65535, "4096") },
	{ DURATION("handshake-timeout", conf_listen, handshake_timeout, 1,
	    "10s") },
	{ NETWORKS("proxy-from", conf_listen, proxy_from) },
	{ RULES("access", conf_listen, acl) },
	{ FILTERS(conf_listen) },
	{ TEXT("tag", conf_listen, tag), .wrong = conf_item_tag },
	{ BOOL("v6only", conf_listen, v6only, "no"), .only = CONF_INET },
	{ DURATION("bind-retry", conf_listen, bind_retry, 1, "0"),
	    .zero = true, .only = CONF_INET },
	{ TEXT("interface", conf_listen, socket.interface),
	    .only = CONF_INET, .wrong = conf_item_interface },
	{ BOOL("freebind", conf_listen, socket.freebind, "no"),
	    .only = CONF_INET },
	{ WORD("protocol", conf_listen, socket.protocol, protocols, "tcp"),
	    .only = CONF_INET },
	{ NUMBER("dscp", conf_listen, socket.dscp, 0, 63, "0"),
	    .only = CONF_INET, .words = dscps },
	{ BOOL("defer-accept", conf_listen, socket.defer_accept, "no"),
	    .only = CONF_INET },
	{ NUMBER("fastopen", conf_listen, socket.fastopen, 0, 65535, "0"),
	    .only = CONF_INET },
	{ SYSTEMS("keepalive-idle", conf_listen, socket.keepalive_idle, 1000,
	    SECONDS_MAX), .only = CONF_INET },
	{ SYSTEMS("keepalive-interval", conf_listen,
	    socket.keepalive_interval, 1000, SECONDS_MAX),
	    .only = CONF_INET },
	{ NUMBER("keepalive-count", conf_listen, socket.keepalive_count, 0,
	    127, "0"), .only = CONF_INET },
	{ SYSTEMS("user-timeout", conf_listen, socket.user_timeout, 1,
	    DAYS(24)), .only = CONF_INET },
	{ NUMBER("max-sessions", conf_listen, max_sessions, 0, PLACES_MAX,
	    "0") },
	{ NUMBER("source-sessions", conf_listen, source_sessions, 0,
	    PLACES_MAX, "0") },
	{ NUMBER("source-rate", conf_listen, source_rate, 0, 1000000, "0") },
	{ NUMBER("source-burst", conf_listen, source_burst, 0, 1000000,
	    "0") },
	{ NUMBER("source-prefix", conf_listen, source_prefix, 1, 32, "32") },
	{ NUMBER("source-prefix6", conf_listen, source_prefix6, 1, 128,
	    "64") },
	{ WORD("over-limit", conf_listen, over_limit, overs, "reset") },
	{ NUMBER("reserve", conf_listen, reserve, 0, PLACES_MAX, "0") },
	{ BOOL("sticky", conf_listen, sticky, "no") },
	{ DURATION("sticky-period", conf_listen, sticky_period, 1, "10m") },
	{ NUMBER("sticky-size", conf_listen, sticky_size, 1, 1000000,
	    "10000") },
	END
};

static const struct conf_opt servers_opts[] = {
	{ NUMBER("min", conf, servers_min, 1, 1024, "2") },
	{ NUMBER("max", conf, servers_max, 1, 1024, "8") },
	END
};

static const struct conf_opt users_opts[] = {
	{ NUMBER("min", conf, users_min, 1, 1000000, "100") },
	{ NUMBER("max", conf, users_max, 1, 1000000, "4000") },
	END
};

#define LOG_OPTS							\
	{ WORD("facility", conf_log, facility, facilities, "daemon") },	\
	{ WORD("level", conf_log, level, levels, "info") },		\
	{ BOOL("sessions", conf_log, sessions, "yes") },		\
	{ WORD("format", conf_log, format, formats, "text") },		\
	{ TEXT("custom", conf_log, custom), .wrong = conf_item_layout }, \
	{ SHARE("sample", conf_log, sample, 0, "1") },			\
	{ NUMBER("rate", conf_log, rate, 0, 1000000, "0") },		\
	{ BOOL("tcp-info", conf_log, tcp_info, "no") }

static const struct conf_opt log_opts[] = {
	{ PATH("to", conf_log, to, CONF_VALUE_MAX), .words = log_targets,
	    .dest = true },
	LOG_OPTS,
	{ USER("user", conf_log, user, uid) },
	END
};

static const struct conf_opt log_named_opts[] = {
	{ PATH("to", conf_log, to, CONF_VALUE_MAX), .words = log_targets,
	    .dest = true, .required = true },
	LOG_OPTS,
	END
};

static const struct conf_opt spawn_opts[] = {
	{ PATH("exec", conf, exec, CONF_VALUE_MAX), .program = true },
	{ TEXTS("arguments", conf, exec_args, nexec_args, CONF_VALUE_MAX) },
	END
};

static const struct conf_opt spawnd_opts[] = {
	{ SECTIONS(listen, conf, listens, nlistens), .required = true },
	{ SECTION(servers) },
	{ SECTION(users) },
	{ SECTION(spawn) },
	{ WORD("overload", conf, overload, overloads, "queue") },
	{ RULES("access", conf, acl) },
	{ USER("user", conf, user, uid) },
	{ USER("status-user", conf, status_user, status_uid) },
	{ PATH("chroot", conf, chroot, CONF_VALUE_MAX), .folder = true },
	{ PATH("pidfile", conf, pidfile, CONF_VALUE_MAX) },
	{ PATH("control", conf, control, SOCKET_MAX) },
	{ PATH("control-readers", conf, control_readers, SOCKET_MAX) },
	{ GID("control-group", conf, control_group, control_gid) },
	{ SECTION(log), .offset = offsetof(struct conf, log) },
	/* No option is written so: the one above, with a name. */
	{ .name = ".log", .type = CONF_SECTION,
	    .offset = ARRAY(conf, logs, nlogs),
	    .section = &conf_spec_log_named },
	{ DURATION("drain-timeout", conf, drain_timeout, 1, "1h"),
	    .zero = true },
	{ DURATION("start-timeout", conf, start_timeout, 100, "10s") },
	{ DURATION("shrink-after", conf, shrink_after, 1, "1m"), .zero = true },
	{ DURATION("watchdog", conf, watchdog, 100, "5s"), .zero = true },
	{ DURATION("watchdog-kill", conf, watchdog_kill, 1, "60s"),
	    .zero = true },
	{ BOOL("batch", conf, batch, "yes") },
	{ WORD("sandbox", conf, sandbox, sandboxes, "auto") },
	{ BOOL("single", conf, single, "no") },
	{ NUMBER("max-generations", conf, max_generations, 0, 1000, "0") },
	{ TEXTS("setenv", conf, env, nenv, CONF_VALUE_MAX),
	    .wrong = conf_item_variable },
	{ PATH("working-directory", conf, working_directory, CONF_VALUE_MAX),
	    .folder = true },
	{ NUMBER("nice", conf, nice, 0, 19, "0") },
	{ SIZE("core-limit", conf, core_limit, 0, 1024 * K * K * K, "0") },
	{ SIZE("memory", conf, memory, K * K, 1024 * K * K * K, "256m") },
	END
};

static const struct conf_opt check_opts[] = {
	{ WORD("type", conf_probe, type, probe_types, "tcp") },
	{ DURATION("interval", conf_probe, interval, 100, "2s") },
	{ DURATION("timeout", conf_probe, timeout, 10, "1s") },
	{ NUMBER("rise", conf_probe, rise, 1, 1000, "2") },
	{ NUMBER("fall", conf_probe, fall, 1, 1000, "3") },
	{ NUMBER("jitter", conf_probe, jitter, 0, 50, "10") },
	{ NUMBER("port", conf_probe, port, 0, 65535, "0") },
	{ TEXT("send", conf_probe, send) },
	{ TEXT("expect", conf_probe, expect) },
	END
};

static const struct conf_opt remote_opts[] = {
	{ HOSTS("address", conf_remote, address, addr, naddr, CONF_ASKED),
	    .only = CONF_INET, .required = true, .asked = true },
	{ PORT("port", conf_remote, port, addr, naddr, 1),
	    .only = CONF_INET, .required = true, .asked = true },
	{ SOCKET("path", conf_remote, path, addr, naddr, SOCKET_MAX) },
	{ NUMBER("weight", conf_remote, weight, 1, 256, "1") },
	{ BOOL("backup", conf_remote, backup, "no") },
	{ WORD("state", conf_remote, state, states, "enabled") },
	{ NUMBER("max-sessions", conf_remote, max_sessions, 0, 1000000,
	    "0") },
	{ DURATION("slow-start", conf_remote, slow_start, 100, "0"),
	    .zero = true },
	{ WORD("proxy-out", conf_remote, proxy_out, proxies, "none") },
	{ BOOL("proxy-tls", conf_remote, proxy_tls, "no") },
	{ REF("tls", conf_remote, tls, tls), .optional = true },
	{ LOCALS("local-address", conf_remote, locals, nlocals),
	    .only = CONF_INET },
	{ SECTIONS(check, conf_remote, checks, nchecks) },
	END
};

static const struct conf_word who_names[] = {
	{ "proxy", CONF_NAMES_PROXY },
	{ "refuse", CONF_NAMES_REFUSE },
	{ NULL, 0 }
};

static const struct conf_word families[] = {
	{ "any", PREFER_ANY },
	{ "ipv4", PREFER_IPV4 },
	{ "ipv6", PREFER_IPV6 },
	{ NULL, 0 }
};

static const struct conf_opt targets_opts[] = {
	{ TEXTS("rules", conf_targets, rules, nrules, CONF_VALUE_MAX),
	    .wrong = conf_item_target },
	{ WORD("private", conf_targets, special, fails, "deny") },
	{ WORD("names", conf_targets, names, who_names, "proxy") },
	{ WORD("prefer", conf_targets, prefer, families, "any") },
	{ DURATION("dns-timeout", conf_targets, dns_timeout, 1, "5s") },
	END
};

static const struct conf_opt relay_opts[] = {
	{ SECTIONS(targets, conf_relay, targets, ntargets) },
	/* Those of remotes are read by these two. */
	{ DURATION("resolve", conf_relay, resolve, 1000, "0s"), .zero = true },
	{ WORD("resolve-at-start", conf_relay, at_start, at_starts, "fail") },
	{ SECTIONS(remote, conf_relay, remotes, nremotes), .required = true,
	    .unless = "targets" },
	{ WORD("balance", conf_relay, balance, balances, "leastconn") },
	{ WORD("on-down", conf_relay, on_down, on_downs, "keep") },
	{ NUMBER("rebalance", conf_relay, rebalance, 0, INT32_MAX, "0") },
	{ NUMBER("retire", conf_relay, retire, 0, INT32_MAX, "0") },
	{ NUMBER("retries", conf_relay, retries, 0, 16, "3") },
	{ DURATION("idle-timeout", conf_relay, idle_timeout, 1, "10m"),
	    .zero = true },
	{ DURATION("connect-timeout", conf_relay, connect_timeout, 1, "5s") },
	{ DURATION("half-close-timeout", conf_relay, half_close_timeout, 1,
	    "1m"), .zero = true },
	{ SIZE("buffer", conf_relay, buffer, 4 * K, 16 * K * K, "64k") },
	{ WORD("io", conf_relay, io, ios, "auto") },
	{ BOOL("keepalive", conf_relay, keepalive, "yes") },
	{ FILTERS(conf_relay) },
	{ LOCALS("local-address", conf_relay, locals, nlocals) },
	END
};

static const struct conf_opt root_opts[] = {
	{ SECTION(spawnd), .required = true },
	{ SECTIONS(relay, conf, relays, nrelays), .required = true,
	    .by_relay = true },
	{ SECTIONS(tls, conf, tlss, ntlss) },
	{ SECTIONS(auth, conf, auths, nauths) },
	{ SECTIONS(match, conf, matches, nmatches) },
	{ SECTIONS(program, conf, programs, nprograms) },
	{ SECTIONS(rate, conf, rates, nrates) },
	{ SECTIONS(fault, conf, faults, nfaults) },
	{ SECTIONS(record, conf, records, nrecords) },
	{ SECTIONS(dump, conf, dumps, ndumps) },
	END
};

const struct conf_section conf_spec_root = { .name = "", .opts = root_opts };
const struct conf_section conf_spec_spawnd = { .name = "spawnd",
	.purpose = "it says where to listen", .opts = spawnd_opts };
const struct conf_section conf_spec_listen = { .name = "listen",
	.size = sizeof(struct conf_listen), .opts = listen_opts,
	.purpose = "it needs one at least" };
const struct conf_section conf_spec_route = { .name = "route",
	.size = sizeof(struct conf_route), .opts = route_opts,
	.untitled = true };
const struct conf_section conf_spec_servers = { .name = "servers",
	.prefix = "servers: ", .opts = servers_opts };
const struct conf_section conf_spec_users = { .name = "users",
	.prefix = "users: ", .opts = users_opts };
const struct conf_section conf_spec_spawn = { .name = "spawn",
	.prefix = "spawn: ", .opts = spawn_opts };
const struct conf_section conf_spec_log = { .name = "log",
	.prefix = "log: ", .opts = log_opts };
const struct conf_section conf_spec_log_named = { .name = "log",
	.prefix = "log: ", .size = sizeof(struct conf_log),
	.opts = log_named_opts };
const struct conf_section conf_spec_relay = { .name = "relay",
	.size = sizeof(struct conf_relay), .opts = relay_opts,
	.purpose = "it says where to relay to" };
const struct conf_section conf_spec_remote = { .name = "remote",
	.size = sizeof(struct conf_remote), .opts = remote_opts,
	.purpose = "it needs one at least" };
const struct conf_section conf_spec_check = { .name = "check",
	.prefix = "check: ", .size = sizeof(struct conf_probe),
	.opts = check_opts, .untitled = true };
const struct conf_section conf_spec_targets = { .name = "targets",
	.prefix = "targets: ", .size = sizeof(struct conf_targets),
	.opts = targets_opts, .untitled = true };
const struct conf_section conf_spec_tls = { .name = "tls",
	.size = sizeof(struct conf_tls), .opts = tls_opts };
const struct conf_section conf_spec_auth = { .name = "auth",
	.size = sizeof(struct conf_auth), .opts = auth_opts };

static const char *
no_path(const char *text)
{
	return *text == '/' ? NULL :
	    "is not absolute; start it with \"/\"";
}

const struct conf_opt *
conf_spec_find(const struct conf_section *section, const char *name)
{
	const struct conf_opt *o;

	for (o = section->opts; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

const char *
conf_spec_word(const struct conf_word *w, int value)
{
	for (; w->name != NULL; w++)
		if (w->value == value)
			return w->name;
	return "?";
}

const struct conf_word *
conf_spec_word_of(const struct conf_word *w, const char *name)
{
	for (; w->name != NULL; w++)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}

const char *
conf_overload_name(enum conf_overload overload)
{
	return conf_spec_word(overloads, overload);
}

const char *
conf_state_name(enum conf_state state)
{
	return conf_spec_word(states, state);
}
