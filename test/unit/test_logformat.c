/*
 * Lines of sessions: fields as a packet, and what becomes of one in each
 * format, whatever it says.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../helpers/logger/logger.h"
#include "conf/conf.h"
#include "conf/int.h"
#include "logdest.h"
#include "utf8.h"

#define NOW		{ 1700000000, 123456789 }	/* 22:13:20 UTC */

static char room[TARGET_LINE + 1];
static char packet[LOG_LINE];
static struct writer writer = { .who = "relay[42]: ", .name = "relay",
	.pid = "42" };
static struct target target;

static struct line
line_new(void)
{
	return (struct line){ room, 0, sizeof(room) - 1 };
}

static const char *
text_of(const struct line *l)
{
	room[l->len] = '\0';
	return room;
}

/* Fields as the relay writes them, behind "<6>". */
static size_t
session(const char *client, const char *sni, const char *end, const char *why,
    bool connected)
{
	struct line l = { packet, 0, sizeof(packet) - 1 };

	fields_begin(&l, LOG_INFO, "session");
	fields_text(&l, FIELD_SESSION, "2a-1");
	fields_text(&l, FIELD_LISTENER, "web");
	fields_text(&l, FIELD_CLIENT, client);
	fields_text(&l, FIELD_RELAY, "app");
	fields_text(&l, FIELD_REMOTE, connected ? "a" : "-");
	fields_text(&l, FIELD_ADDRESS, connected ? "10.0.0.1:80" : "-");
	fields_number(&l, FIELD_IN, 5);
	fields_number(&l, FIELD_OUT, UINT64_MAX);
	fields_seconds(&l, FIELD_QUEUE, 1499);
	fields_seconds(&l, FIELD_CONNECT, connected ? 2500 : 0);
	fields_seconds(&l, FIELD_TOTAL, 61000500);
	if (sni != NULL)
		fields_text(&l, FIELD_SNI, sni);
	fields_number(&l, FIELD_TRIES, 3);
	fields_text(&l, FIELD_END, end);
	fields_text(&l, FIELD_WHY, why);
	fields_number(&l, FIELD_ACTIVE, 7);
	assert_memory_equal(packet, "<6>", 3);
	memmove(packet, packet + 3, l.len - 3);
	return l.len - 3;
}

/* What the target makes of that packet, or of a text. */
static const char *
made(size_t n, const char *text)
{
	struct note note = { .by = &writer, .level = LOG_INFO, .now = NOW,
	    .text = text };
	struct line l = line_new();

	if (text == NULL)
		assert_true(fields_read(&note.record, packet, n));
	format_note(&l, &target, &note);
	return text_of(&l);
}

static void
lay_out(const char *custom)
{
	const char *err;

	target.format = CONF_FORMAT_CUSTOM;
	assert_int_equal(layout_parse(&target.layout, custom, &err), 0);
}

static void
test_line(void **state)
{
	struct line l = line_new();
	char small[4];

	(void)state;
	line_number(&l, 0);
	line_number(&l, UINT64_MAX);
	assert_string_equal(text_of(&l), "018446744073709551615");
	l.len = 0;
	line_seconds(&l, 0);
	line_byte(&l, ' ');
	line_seconds(&l, 499);
	line_byte(&l, ' ');
	line_seconds(&l, 999500);
	line_byte(&l, ' ');
	line_seconds(&l, 12345678);
	assert_string_equal(text_of(&l), "0.000 0.000 1.000 12.346");
	l.len = 0;
	line_json(&l, "a\"b\\c\n\x01\x7f\xc3\xbc\xff\xed\xa0\x80");
	assert_string_equal(text_of(&l), "\"a\\\"b\\\\c\\u000a\\u0001\\u007f"
	    "\xc3\xbc\\ufffd\\ufffd\\ufffd\\ufffd\"");
	l = (struct line){ small, 0, sizeof(small) };
	line_text(&l, "abcdef");
	line_number(&l, 77);
	line_byte(&l, 'x');
	assert_int_equal(l.len, 4);
	assert_memory_equal(small, "abcd", 4);
}

/* As it has always been. */
static void
test_text(void **state)
{
	size_t n = session("127.0.0.1:9", "a.example", "client", "fin", true);

	(void)state;
	target = (struct target){ .kind = TARGET_FILE };
	assert_string_equal(made(n, NULL), "2023-11-14T22:13:20.123Z "
	    "relay[42]: session=2a-1 listener=web client=127.0.0.1:9 "
	    "remote=a address=10.0.0.1:80 in=5 out=18446744073709551615 "
	    "queue=0.001 connect=0.003 total=61.001 sni=a.example tries=3 "
	    "end=client why=fin\n");
	assert_string_equal(made(0, "ready"), "2023-11-14T22:13:20.123Z "
	    "relay[42]: ready\n");
	target.journal = true;
	assert_string_equal(made(0, "ready"), "<6>relay[42]: ready\n");
}

static void
test_refused(void **state)
{
	const char fields[] = "\036refused\037listener=a\037client=unix"
	    "\037end=relay\037why=denied\037rule=deny all mon"
	    "\037unlogged=12";

	(void)state;
	target = (struct target){ .kind = TARGET_SYSLOG };
	memcpy(packet, fields, sizeof(fields));
	assert_string_equal(made(sizeof(fields) - 1, NULL), "refused: "
	    "listener=a client=unix end=relay why=denied "
	    "rule=\"deny all mon\" unlogged=12");
	target.format = CONF_FORMAT_HAPROXY;
	memcpy(packet, fields, sizeof(fields));
	assert_int_equal(strncmp(made(sizeof(fields) - 1, NULL), "refused: ",
	    9), 0);
}

/* Whatever a process that was taken over sends. */
static void
test_hostile(void **state)
{
	char fields[] = "\036session\037in=-1\037out=007\037queue=1.5"
	    "\037total=.500\037connect=1.000x\037tries=\037nothing=1\037="
	    "\037\037why\037sni=a=b \"c\"\\\037client=x\nin=7\xff\037"
	    "tag=\037port=99999999999999999999999\037end=\xc3";
	struct record r;

	(void)state;
	assert_true(fields_read(&r, fields, sizeof(fields) - 1));
	assert_string_equal(r.value[FIELD_SNI], "a=b \"c\"\\");
	assert_string_equal(r.value[FIELD_CLIENT], "x?in=7?");
	assert_string_equal(r.value[FIELD_TAG], "");
	assert_string_equal(r.value[FIELD_END], "?");
	assert_null(r.value[FIELD_IN]);
	assert_null(r.value[FIELD_OUT]);
	assert_null(r.value[FIELD_QUEUE]);
	assert_null(r.value[FIELD_TOTAL]);
	assert_null(r.value[FIELD_CONNECT]);
	assert_null(r.value[FIELD_TRIES]);
	assert_null(r.value[FIELD_PORT]);
	assert_null(r.value[FIELD_WHY]);
	assert_false(fields_read(&r, fields + 1, 3));
	assert_false(fields_read(&r, fields, 0));
	/* No value makes another field of it. */
	target = (struct target){ .format = CONF_FORMAT_JSON };
	assert_non_null(strstr(made(session("x\037why=y\036", NULL, "relay",
	    "idle-timeout", true), NULL), "\"client\":\"x?why=y?\""));
	/* What there is nothing of. */
	target.format = CONF_FORMAT_HAPROXY;
	strcpy(packet, "\036session");
	assert_non_null(strstr(made(8, NULL),
	    "] - -/<NOSRV> 0/-1/0 0 IC 0/0/0/0/0 0/0\n"));
}

static void
test_json(void **state)
{
	size_t n = session("[::1]:9", "\"\\", "client", "reset", false);

	(void)state;
	target = (struct target){ .format = CONF_FORMAT_JSON };
	assert_string_equal(made(n, NULL),
	    "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\","
	    "\"process\":\"relay\",\"pid\":42,\"event\":\"session\","
	    "\"session\":\"2a-1\",\"listener\":\"web\","
	    "\"client\":\"[::1]:9\",\"relay\":\"app\",\"remote\":null,"
	    "\"address\":null,\"in\":5,\"out\":18446744073709551615,"
	    "\"queue\":0.001,\"connect\":0.000,\"total\":61.001,"
	    "\"sni\":\"\\\"\\\\\",\"tries\":3,\"end\":\"client\","
	    "\"why\":\"reset\",\"active\":7}\n");
	assert_string_equal(made(0, "say \"no\""),
	    "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\","
	    "\"process\":\"relay\",\"pid\":42,"
	    "\"message\":\"say \\\"no\\\"\"}\n");
}

static void
test_custom_line(void **state)
{
	size_t n = session("10.0.0.7:1", "x\"y", "client", "fin", true);

	(void)state;
	target = (struct target){ .format = CONF_FORMAT_TEXT };
	lay_out("%{start} %{client}|%{sni:quoted} %{sni:json} 100%% "
	    "%{queue:ms}/%{connect:ms}/%{total:ms} %{tag} %{tag:json} "
	    "%{tag:quoted} %{in:json}%{process}[%{pid}] %{level}%%");
	assert_string_equal(made(n, NULL), "2023-11-14T22:12:19.122Z "
	    "10.0.0.7:1|\"x\\\"y\" \"x\\\"y\" 100% 1/3/61001 - null - "
	    "5relay[42] info%\n");
	/* What is no session has no fields to be laid out. */
	assert_string_equal(made(0, "ready"), "2023-11-14T22:13:20.123Z "
	    "relay[42]: ready\n");
}

static void
wrong(const char *custom, const char *what)
{
	const char *err = conf_item_layout(custom);

	assert_non_null(err);
	assert_string_equal(err, what);
}

static void
test_custom_mistakes(void **state)
{
	char many[2 * LAYOUT_PARTS + 4];
	size_t i;

	(void)state;
	assert_null(conf_item_layout("%{client}"));
	assert_null(conf_item_layout("nothing"));
	wrong("%{clint}", "has \"clint\", which is no field; did you mean "
	    "\"client\"?");
	wrong("%{}", "has \"\", which is no field");
	wrong("50%", "has a \"%\" without a name; write %{field}, or %% for "
	    "one \"%\"");
	wrong("%{client", "has a \"%\" without a name; write %{field}, or %% "
	    "for one \"%\"");
	wrong("%d", "has a \"%\" without a name; write %{field}, or %% for "
	    "one \"%\"");
	wrong("%{client:q}", "has \":q\" behind a field, which is nothing; "
	    "use :quoted, :json or :ms");
	wrong("%{client:}", "has \":\" behind a field, which is nothing; "
	    "use :quoted, :json or :ms");
	wrong("%{client:ms}", "has %{client:ms}, and that is no time that "
	    "something took");
	wrong("a\nb", "has a control character, and is to be one line");
	for (i = 0; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "%%", 2);
	many[i] = '\0';
	wrong(many, "has more than 256 parts");
}

/* However much a line of its user's own asks for. */
static void
test_long(void **state)
{
	static char custom[4096 + 1];
	char sni[1200];
	size_t i, n;
	const char *s;

	(void)state;
	for (i = 0; i + 3 < sizeof(sni); i += 3)
		memcpy(sni + i, "\xe2\x82\xac", 3);
	sni[i] = '\0';
	for (i = 0; i < 200; i++)
		strcat(custom, "%{sni:json}");
	target = (struct target){ .format = CONF_FORMAT_TEXT };
	lay_out(custom);
	n = session("a", sni, "client", "fin", true);
	s = made(n, NULL);
	assert_int_equal(strlen(s), TARGET_LINE);
	assert_int_equal(s[TARGET_LINE - 1], '\n');
	for (i = 0; i < TARGET_LINE - 1; i += n) {
		n = utf8_len(s + i, TARGET_LINE - 1 - i);
		assert_int_not_equal(n, 0);
	}
	/* Quotes all through fit as JSON. */
	memset(sni, '"', sizeof(sni) - 1);
	sni[sizeof(sni) - 1] = '\0';
	target.format = CONF_FORMAT_JSON;
	n = session("a", sni, "client", "fin", true);
	s = made(n, NULL);
	assert_string_equal(s + strlen(s) - 13, ",\"active\":7}\n");
}

static void
test_haproxy(void **state)
{
	static const struct {
		const char *end, *why, *state;
		bool connected;
	} cases[] = {
		{ "client", "fin", "--", true },
		{ "client", "reset", "CD", true },
		{ "client", "reset", "CC", false },
		{ "remote", "reset", "SD", true },
		{ "relay", "idle-timeout", "cD", true },
		{ "remote", "connect-failed", "SC", false },
		{ "remote", "connect-timeout", "sC", false },
		{ "relay", "no-remote", "SC", false },
		{ "relay", "drain-timeout", "KD", true },
		{ "relay", "drain-timeout", "KC", false },
		{ "relay", "remote-down", "DD", true },
		{ "relay", "handshake-timeout", "cR", false },
		{ "client", "proxy-header", "PR", false },
		{ "relay", "limit", "PC", false },
		{ "relay", "memory", "RC", false },
		{ "relay", "what is new", "ID", true },
	};
	char want[256];
	size_t i, n;

	(void)state;
	setenv("TZ", "UTC0", 1);
	format_start();
	target = (struct target){ .format = CONF_FORMAT_HAPROXY };
	for (i = 0; i < nitems_of(cases); i++) {
		n = session("[::1]:9", NULL, cases[i].end, cases[i].why,
		    cases[i].connected);
		snprintf(want, sizeof(want), " relay[42]: ::1:9 "
		    "[14/Nov/2023:22:12:19.122] web app/%s 1/%s/61001 "
		    "18446744073709551615 %s 7/7/7/7/2 0/0\n",
		    cases[i].connected ? "a" : "<NOSRV>",
		    cases[i].connected ? "3" : "-1", cases[i].state);
		assert_string_equal(strstr(made(n, NULL), " relay"), want);
	}
	assert_int_equal(strncmp(room, "Nov 14 22:13:20 ", 16), 0);
	n = session("unix", NULL, "client", "fin", true);
	assert_non_null(strstr(made(n, NULL), ": unix:1 ["));
}

static void
test_syslog(void **state)
{
	size_t n = session("a", NULL, "client", "fin", true);
	const char *s;

	(void)state;
	target = (struct target){ .kind = TARGET_DGRAM,
	    .facility = LOG_LOCAL7 };
	s = made(n, NULL);
	assert_int_equal(strncmp(s, "<190>1 2023-11-14T22:13:20.123Z ", 32),
	    0);
	assert_non_null(strstr(s, " relay 42 session - session=2a-1 "));
	target.format = CONF_FORMAT_JSON;
	s = made(0, "ready");
	assert_non_null(strstr(s, " relay 42 - - {\"time\":"));
	assert_int_equal(s[strlen(s) - 1], '}');
}

static void
test_journald(void **state)
{
	size_t n = session("[::1]:9", "a=b", "client", "fin", true);
	const char *s;

	(void)state;
	target = (struct target){ .kind = TARGET_JOURNALD,
	    .facility = LOG_DAEMON };
	s = made(n, NULL);
	assert_int_equal(strncmp(s, "MESSAGE=session=2a-1 listener=web ", 34),
	    0);
	assert_non_null(strstr(s, "\nPRIORITY=6\nSYSLOG_FACILITY=3\n"
	    "SYSLOG_IDENTIFIER=relay\nSYSLOG_PID=42\nSPAWND_SESSION=2a-1\n"
	    "SPAWND_LISTENER=web\nSPAWND_CLIENT=[::1]:9\n"));
	assert_non_null(strstr(s, "\nSPAWND_SNI=a=b\n"));
	assert_non_null(strstr(s, "\nSPAWND_EVENT=session\n"));
	assert_string_equal(made(0, "ready"), "MESSAGE=ready\nPRIORITY=6\n"
	    "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=relay\nSYSLOG_PID=42\n");
}

static void
test_dest(void **state)
{
	static const char *const bad[] = { "udp://", "udp://10.0.0.1",
	    "udp://10.0.0.1:", "udp://10.0.0.1:0", "udp://10.0.0.1:70000",
	    "udp://loghost:514", "tcp://::1:514", "tcp://[::1]514",
	    "tcp://[10.0.0.1]:1", "tcp://10.0.0.1:5x", "unix://a",
	    "unix://", "http://10.0.0.1:80", "tcp://[::1", "" };
	char text[ADDR_STRLEN];
	struct log_dest d;
	const char *err;
	size_t i;

	(void)state;
	assert_int_equal(log_dest_parse("udp://192.0.2.7:514", &d, &err), 0);
	assert_int_equal(d.type, SOCK_DGRAM);
	assert_string_equal(addr_str(&d.addr, text), "192.0.2.7:514");
	assert_int_equal(log_dest_parse("tcp://[2001:db8::7]:601", &d, &err),
	    0);
	assert_int_equal(d.type, SOCK_STREAM);
	assert_string_equal(addr_str(&d.addr, text), "[2001:db8::7]:601");
	assert_int_equal(log_dest_parse("unix:///run/log", &d, &err), 0);
	assert_string_equal(addr_str(&d.addr, text), "/run/log");
	for (i = 0; i < nitems_of(bad); i++) {
		err = NULL;
		assert_int_equal(log_dest_parse(bad[i], &d, &err), -1);
		assert_non_null(err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_custom_line),
		cmocka_unit_test(test_custom_mistakes),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_haproxy),
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_journald),
		cmocka_unit_test(test_dest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
