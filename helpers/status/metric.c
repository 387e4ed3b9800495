#include "compat.h"

#include "metric.h"

/* Rows of the table below: gauges and counters are numbers of a column; MORE
 * is another column of the same, and says by a label which. */
#define COUNTER	"counter"
#define GAUGE	"gauge"
#define MORE	NULL, NULL, NULL
#define NUMBER	AS_NUMBER, NULL, NULL
#define BY(key, word)	AS_NUMBER, NULL, key "=\"" word "\""
#define IS(key, word)	AS_WORD, word, key "=\"" word "\""
#define YES	AS_WORD, "yes", NULL
#define ONE	AS_ONE, NULL, NULL
#define TLS(version, resumed) \
	"version=\"" version "\",resumed=\"" resumed "\""
#define TIMES(name, help, measure, labels) \
	{ name, "histogram", help, "times", "measure", AS_TIMES, measure, \
	    NULL, labels }

static const struct metric_label of_build[] = {
	{ "version", "version" }, { NULL, NULL }
};
static const struct metric_label of_listener[] = {
	{ "listener", "name" }, { NULL, NULL }
};
static const struct metric_label of_socket[] = {
	{ "listener", "name" }, { "address", "address" }, { NULL, NULL }
};
static const struct metric_label of_info[] = {
	{ "listener", "name" }, { "relay", "relay" }, { "tls", "tls" },
	{ "tag", "tag" }, { NULL, NULL }
};
static const struct metric_label of_end[] = {
	{ "listener", "listener" }, { "end", "end" }, { "why", "why" },
	{ NULL, NULL }
};
static const struct metric_label of_place[] = {
	{ "relay", "relay" }, { "remote", "name" }, { "address", "address" },
	{ NULL, NULL }
};
static const struct metric_label of_measure[] = {
	{ "listener", "listener" }, { NULL, NULL }
};
static const struct metric_label of_connect[] = {
	{ "relay", "relay" }, { "remote", "remote" }, { NULL, NULL }
};
static const struct metric_label of_tls[] = {
	{ "listener", "listener" }, { NULL, NULL }
};
static const struct metric_label of_certificate[] = {
	{ "listener", "listener" }, { "name", "name" }, { NULL, NULL }
};

const struct metric metrics[] = {
	{ "build_info", GAUGE, "Version of the running master; always 1.",
	    "summary", "version", ONE, of_build },
	{ "start_time_seconds", GAUGE, "When the master was started, as Unix "
	    "time; an upgrade is no start.", "summary", "start_time", NUMBER,
	    NULL },
	{ "generation", GAUGE, "Number of the current generation.",
	    "summary", "generation", NUMBER, NULL },
	{ "draining_generations", GAUGE, "Generations that still drain.",
	    "generations", "state", AS_WORD, "draining", NULL, NULL },
	{ "last_reload_success", GAUGE, "1 if the last reload took effect, or "
	    "there was none.", "summary", "reload_state", AS_NOT,
	    "failed", NULL, NULL },
	{ "last_reload_timestamp_seconds", GAUGE, "When the configuration "
	    "that holds took effect, as Unix time.", "summary",
	    "config_time", NUMBER, NULL },
	{ "reloads_total", COUNTER, "Reloads by result.", "summary",
	    "reloads_ok", BY("result", "ok"), NULL },
	{ MORE, "summary", "reloads_failed", BY("result", "failed"), NULL },

	{ "listener_info", GAUGE, "What the section says of a listener; "
	    "always 1.", "listeners", "name", ONE, of_info },
	{ "sessions_total", COUNTER, "Sessions handed to a worker.",
	    "listeners", "sessions_total", NUMBER, of_listener },
	{ "failed_sessions_total", COUNTER, "Sessions that came to no remote.",
	    "listeners", "failed", NUMBER, of_listener },
	{ "sessions", GAUGE, "Sessions open now.",
	    "listeners", "sessions", NUMBER, of_listener },
	{ "sessions_max", GAUGE, "The most sessions that may be open, by "
	    "users max and servers max.", "summary", "users_max_total",
	    NUMBER, NULL },
	{ "received_bytes_total", COUNTER, "Bytes from clients that remotes "
	    "have been given (direction up), or the reverse (down).",
	    "listeners", "bytes_in", BY("direction", "up"), of_listener },
	{ MORE, "listeners", "bytes_out", BY("direction", "down"),
	    of_listener },
	{ "session_ends_total", COUNTER, "Sessions that ended, by who ended "
	    "them and why.", "ends", "sessions", NUMBER, of_end },
	TIMES("session_seconds", "From accept until a session ended.",
	    "session", of_measure),

	{ "accepted_connections_total", COUNTER, "Connections that were "
	    "accepted and given to a worker at once.", "listeners",
	    "accepted", NUMBER, of_socket },
	{ "refused_connections_total", COUNTER, "Connections that were "
	    "accepted and closed: denied by access, or over a limit.",
	    "listeners", "denied", BY("reason", "denied"), of_socket },
	{ MORE, "listeners", "limited", BY("reason", "limited"), of_socket },
	{ "aborted_connections_total", COUNTER, "Connections that were gone "
	    "before they were accepted.", "summary", "aborted", NUMBER,
	    NULL },
	{ "accept_pauses_total", COUNTER, "How often nothing was accepted for "
	    "a while, by what was missing.", "summary",
	    "pauses_descriptors", BY("reason", "descriptors"), NULL },
	{ MORE, "summary", "pauses_memory", BY("reason", "memory"), NULL },
	{ MORE, "summary", "pauses_other", BY("reason", "other"), NULL },
	{ "waiting_connections", GAUGE, "Connections in the backlog of the "
	    "kernel.", "listeners", "waiting", NUMBER, of_socket },
	{ "waiting_connections_max", GAUGE, "Connections that the kernel is "
	    "asked to keep there, at most.", "listeners", "backlog", NUMBER,
	    of_socket },
	{ "kept_connections", GAUGE, "Connections that were accepted and wait "
	    "for a worker.", "summary", "kept", NUMBER, NULL },
	{ "overload", GAUGE, "1 while no worker has room for a session.",
	    "summary", "overload", YES, NULL },
	TIMES("queue_seconds", "From accept until a worker took a session.",
	    "queue", of_measure),
	TIMES("handshake_seconds", "From then until a client had said all "
	    "that comes before a connect: PROXY, TLS, SOCKS, CONNECT.",
	    "handshake", of_measure),

	{ "remote_up", GAUGE, "1 if the remote takes sessions.",
	    "remotes", "state", AS_WORD, "up", NULL, of_place },
	{ "remote_state", GAUGE, "1 for the state that the remote is in, 0 "
	    "for the others.", "remotes", "state", IS("state", "up"),
	    of_place },
	{ MORE, "remotes", "state", IS("state", "held"), of_place },
	{ MORE, "remotes", "state", IS("state", "down"), of_place },
	{ MORE, "remotes", "state", IS("state", "draining"), of_place },
	{ MORE, "remotes", "state", IS("state", "disabled"), of_place },
	{ MORE, "remotes", "state", IS("state", "gone"), of_place },
	{ "remote_weight", GAUGE, "Weight of the remote now.",
	    "remotes", "weight", NUMBER, of_place },
	{ "remote_sessions", GAUGE, "Sessions open there or connecting.",
	    "remotes", "active", NUMBER, of_place },
	{ "remote_queued_sessions", GAUGE, "Sessions that wait until it has "
	    "room.", "remotes", "queue", NUMBER, of_place },
	{ "remote_held_workers", GAUGE, "Workers that leave it alone, as "
	    "connects have failed.", "remotes", "held", NUMBER, of_place },
	{ "remote_sessions_total", COUNTER, "Sessions that were connected.",
	    "remotes", "sessions", NUMBER, of_place },
	{ "remote_bytes_total", COUNTER, "Bytes that it was given (direction "
	    "up), or that came from it (down).",
	    "remotes", "bytes_in", BY("direction", "up"), of_place },
	{ MORE, "remotes", "bytes_out", BY("direction", "down"), of_place },
	{ "remote_connect_failures_total", COUNTER, "Connects that failed, "
	    "by reason.", "remotes", "refused", BY("reason", "refused"),
	    of_place },
	{ MORE, "remotes", "timed_out", BY("reason", "timed_out"), of_place },
	{ MORE, "remotes", "unreachable", BY("reason", "unreachable"),
	    of_place },
	{ MORE, "remotes", "other", BY("reason", "other"), of_place },
	TIMES("remote_connect_seconds", "Time to connect to a remote.",
	    "connect", of_connect),

	{ "tls_handshakes_total", COUNTER, "TLS handshakes by version, and "
	    "whether resumed.", "tls", "tls12", AS_LESS, "tls12_resumed",
	    TLS("1.2", "0"), of_tls },
	{ MORE, "tls", "tls12_resumed", AS_NUMBER, NULL, TLS("1.2", "1"),
	    of_tls },
	{ MORE, "tls", "tls13", AS_LESS, "tls13_resumed", TLS("1.3", "0"),
	    of_tls },
	{ MORE, "tls", "tls13_resumed", AS_NUMBER, NULL, TLS("1.3", "1"),
	    of_tls },
	{ "tls_handshake_failures_total", COUNTER, "TLS handshakes that "
	    "failed, by reason.", "tls", "failed_closed",
	    BY("reason", "closed"), of_tls },
	{ MORE, "tls", "failed_timeout", BY("reason", "timeout"), of_tls },
	{ MORE, "tls", "failed_name", BY("reason", "name"), of_tls },
	{ MORE, "tls", "failed_protocol", BY("reason", "protocol"), of_tls },
	{ MORE, "tls", "failed_certificate", BY("reason", "certificate"),
	    of_tls },
	{ MORE, "tls", "failed_refused", BY("reason", "refused"), of_tls },
	{ MORE, "tls", "failed_other", BY("reason", "other"), of_tls },
	{ "tls_certificate_expiry_timestamp_seconds", GAUGE, "When the "
	    "certificate ends, as Unix time.", "tls", "expires_at", AS_LEAST,
	    NULL, NULL, of_certificate },

	{ "workers", GAUGE, "Worker processes, by state.",
	    "workers", "state", IS("state", "starting"), NULL },
	{ MORE, "workers", "state", IS("state", "ready"), NULL },
	{ MORE, "workers", "state", IS("state", "retiring"), NULL },
	{ MORE, "workers", "state", IS("state", "draining"), NULL },
	{ MORE, "workers", "state", IS("state", "stuck"), NULL },
	{ "started_workers_total", COUNTER, "Worker processes that were "
	    "started.", "summary", "workers_started", NUMBER, NULL },
	{ "worker_deaths_total", COUNTER, "Those that ended unasked, with "
	    "their sessions.", "summary", "workers_died", NUMBER, NULL },
	{ "open_fds", GAUGE, "Descriptors that the master has open.",
	    "summary", "descriptors", NUMBER, NULL },
	{ "max_fds", GAUGE, "How many it may have.", "summary",
	    "descriptors_max", NUMBER, NULL },
	{ "dropped_logs_total", COUNTER, "Lines of the log that the logger "
	    "was too slow for.", "summary", "dropped_logs", NUMBER, NULL },

	{ NULL, NULL, NULL, NULL, NULL, NUMBER, NULL }
};
