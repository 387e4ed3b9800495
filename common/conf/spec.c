#include "compat.h"

#include <syslog.h>

#include "conf/int.h"

#define DAYS(n)		((uint64_t)(n) * 86400 * 1000)
#define K		((uint64_t)1024)

#define NUMBER(name, s, field, min, max, def) \
	{ name, CONF_NUMBER, false, offsetof(struct s, field), min, max, \
	    def, NULL, NULL }
#define SIZE(name, s, field, min, max, def) \
	{ name, CONF_SIZE, false, offsetof(struct s, field), min, max, \
	    def, NULL, NULL }
#define DURATION(name, s, field, zero, min, def) \
	{ name, CONF_DURATION, zero, offsetof(struct s, field), min, \
	    DAYS(365), def, NULL, NULL }
#define WORD(name, s, field, words, def) \
	{ name, CONF_WORD, false, offsetof(struct s, field), 0, 0, \
	    def, words, NULL }
#define BOOL(name, s, field, def) \
	{ name, CONF_BOOL, false, offsetof(struct s, field), 0, 0, \
	    def, NULL, NULL }
#define TEXT(name) \
	{ name, CONF_TEXT, false, 0, 0, 0, NULL, NULL, NULL }
#define LIST(name) \
	{ name, CONF_LIST, false, 0, 0, 0, NULL, NULL, NULL }
#define SECTION(name) \
	{ #name, CONF_SECTION, false, 0, 0, 0, NULL, NULL, \
	    &conf_spec_##name }
#define END \
	{ NULL, CONF_TEXT, false, 0, 0, 0, NULL, NULL, NULL }

const struct conf_word conf_spec_overloads[] = {
	{ "queue", OVERLOAD_QUEUE },
	{ "close", OVERLOAD_CLOSE },
	{ "reset", OVERLOAD_RESET },
	{ NULL, 0 }
};

const struct conf_word conf_spec_balances[] = {
	{ "leastconn", BALANCE_LEASTCONN },
	{ "roundrobin", BALANCE_ROUNDROBIN },
	{ "source", BALANCE_SOURCE },
	{ "random", BALANCE_RANDOM },
	{ NULL, 0 }
};

const struct conf_word conf_spec_ios[] = {
	{ "auto", CONF_IO_AUTO },
	{ "copy", CONF_IO_COPY },
	{ "splice", CONF_IO_SPLICE },
	{ NULL, 0 }
};

const struct conf_word conf_spec_facilities[] = {
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

const struct conf_word conf_spec_levels[] = {
	{ "error", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
	{ NULL, 0 }
};

static const struct conf_opt listen_opts[] = {
	TEXT("address"),
	TEXT("port"),
	TEXT("path"),
	TEXT("mode"),
	TEXT("user"),
	TEXT("group"),
	TEXT("relay"),
	NUMBER("backlog", conf_listen, backlog, 1, 65535, "4096"),
	END
};

static const struct conf_opt servers_opts[] = {
	NUMBER("min", conf, servers_min, 1, 1024, "2"),
	NUMBER("max", conf, servers_max, 1, 1024, "8"),
	END
};

static const struct conf_opt users_opts[] = {
	NUMBER("min", conf, users_min, 1, 1000000, "100"),
	NUMBER("max", conf, users_max, 1, 1000000, "4000"),
	END
};

static const struct conf_opt log_opts[] = {
	TEXT("to"),
	WORD("facility", conf, log_facility, conf_spec_facilities, "daemon"),
	WORD("level", conf, log_level, conf_spec_levels, "info"),
	BOOL("sessions", conf, log_sessions, "yes"),
	END
};

static const struct conf_opt spawnd_opts[] = {
	SECTION(listen),
	SECTION(servers),
	SECTION(users),
	WORD("overload", conf, overload, conf_spec_overloads, "queue"),
	LIST("access"),
	TEXT("user"),
	TEXT("chroot"),
	TEXT("pidfile"),
	TEXT("control"),
	SECTION(log),
	DURATION("drain-timeout", conf, drain_timeout, true, 1, "1h"),
	DURATION("start-timeout", conf, start_timeout, false, 100, "10s"),
	DURATION("shrink-after", conf, shrink_after, true, 1, "1m"),
	DURATION("watchdog", conf, watchdog, true, 100, "5s"),
	DURATION("watchdog-kill", conf, watchdog_kill, true, 1, "60s"),
	BOOL("batch", conf, batch, "yes"),
	NUMBER("max-generations", conf, max_generations, 0, 1000, "0"),
	SIZE("memory", conf, memory, K * K, 1024 * K * K * K, "256m"),
	END
};

static const struct conf_opt remote_opts[] = {
	TEXT("address"),
	TEXT("port"),
	TEXT("path"),
	NUMBER("weight", conf_remote, weight, 1, 256, "1"),
	END
};

static const struct conf_opt relay_opts[] = {
	SECTION(remote),
	WORD("balance", conf_relay, balance, conf_spec_balances, "leastconn"),
	NUMBER("retire", conf_relay, retire, 0, INT32_MAX, "0"),
	NUMBER("retries", conf_relay, retries, 0, 16, "3"),
	DURATION("idle-timeout", conf_relay, idle_timeout, true, 1, "10m"),
	DURATION("connect-timeout", conf_relay, connect_timeout, false, 1,
	    "5s"),
	DURATION("half-close-timeout", conf_relay, half_close_timeout, true,
	    1, "1m"),
	SIZE("buffer", conf_relay, buffer, 4 * K, 16 * K * K, "64k"),
	WORD("io", conf_relay, io, conf_spec_ios, "auto"),
	BOOL("keepalive", conf_relay, keepalive, "yes"),
	TEXT("local-address"),
	END
};

static const struct conf_opt root_opts[] = {
	SECTION(spawnd),
	SECTION(relay),
	END
};

const struct conf_section conf_spec_root = { "", false, root_opts };
const struct conf_section conf_spec_spawnd = { "spawnd", false, spawnd_opts };
const struct conf_section conf_spec_listen = { "listen", true, listen_opts };
const struct conf_section conf_spec_servers =
    { "servers", false, servers_opts };
const struct conf_section conf_spec_users = { "users", false, users_opts };
const struct conf_section conf_spec_log = { "log", false, log_opts };
const struct conf_section conf_spec_relay = { "relay", true, relay_opts };
const struct conf_section conf_spec_remote = { "remote", true, remote_opts };

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

const char *
conf_overload_name(enum conf_overload overload)
{
	return conf_spec_word(conf_spec_overloads, overload);
}

const char *
conf_balance_name(enum conf_balance balance)
{
	return conf_spec_word(conf_spec_balances, balance);
}

const char *
conf_io_name(enum conf_io io)
{
	return conf_spec_word(conf_spec_ios, io);
}
