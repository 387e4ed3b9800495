/*
 * test_record.c - what the recorder makes of what a worker tells: files of
 * packets whose streams have the bytes of the session, with what is lost, cut
 * or not to be kept; and dumps.
 */
#include "evtest.h"

#include <sys/stat.h>

#include "../../helpers/recorder/feeds.h"
#include "../../helpers/recorder/taps.h"
#include "ev.h"

#define CLIENT	0
#define REMOTE	1

static char		 dir[] = "/tmp/spawnd-record-XXXXXX";
static struct conf_record records[1];
static struct conf_dump	 dumps[1];
static struct conf_listen listens[1];
static struct conf	 conf = { .records = records, .nrecords = 1,
			    .dumps = dumps, .ndumps = 1, .listens = listens,
			    .nlistens = 1, .users_max = 10 };
static struct sections	 sections = { .conf = &conf };
static struct feed_writer w;
static struct feed_reader r;
static int		 wake;
static struct taps	*taps;
static FILE		*shown;

/* What is in a file of one stream. */
struct stream {
	uint8_t		 version;
	char		 data[2][4096];
	uint64_t	 end[2];	/* of the sequence, from 0 */
	uint32_t	 begin[2];
	unsigned	 syns, fins, rsts, packets, cut;
	char		 comments[4096];
};

static int
setup(void **state)
{
	const char *err;
	int fd = feed_create(), sv[2];

	(void)state;
	assert_int_equal(ev_init(&err), 0);
	strlcpy(dir, "/tmp/spawnd-record-XXXXXX", sizeof(dir));
	assert_non_null(mkdtemp(dir));
	strlcpy(records[0].name, "rec", CONF_NAME);
	strlcpy(dumps[0].name, "hex", CONF_NAME);
	strlcpy(listens[0].name, "web", CONF_NAME);
	records[0].snap = 0;
	records[0].directory = dir;
	records[0].size = 1 << 20;
	records[0].files = 3;
	records[0].side = RECORD_CLIENT;
	dumps[0].to = "stderr";
	dumps[0].format = DUMP_HEX;
	dumps[0].limit = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	memset(&w, 0, sizeof(w));
	memset(&r, 0, sizeof(r));
	w.ring = r.ring = feed_map(fd);
	w.wake = sv[0];
	wake = sv[1];
	close(fd);
	feed_attach(&r);
	sections.files = calloc(1, sizeof(*sections.files));
	sections.dumps = calloc(1, sizeof(*sections.dumps));
	sections.files[0] = files_new(&records[0], open(dir, O_RDONLY));
	sections.dumps[0] = dump_new(&dumps[0]);
	assert_non_null(shown = tmpfile());
	dump_file(sections.dumps[0], dup(fileno(shown)));
	assert_non_null(taps = taps_new(&sections, 0x1234));
	return 0;
}

static int
teardown(void **state)
{
	char path[300];
	struct dirent *e;
	DIR *d = opendir(dir);

	(void)state;
	taps_free(&taps, 0);
	files_free(&sections.files[0]);
	dump_free(&sections.dumps[0]);
	free(sections.files);
	free(sections.dumps);
	feed_unmap(&r.ring);
	close(w.wake);
	close(wake);
	fclose(shown);
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(dir);
	ev_fini();
	return 0;
}

/* --- a worker --- */

static void
say(enum feed_kind kind, uint32_t tap, int remote, const void *data,
    size_t kept, uint64_t n)
{
	struct feed_item i = { .kind = (uint8_t)kind, .tap = tap,
		.remote = (uint8_t)remote, .kept = (uint32_t)kept, .n = n,
		.us = 1700000000123456 };

	assert_true(feed_begin(&w, &i));
	if (kept != 0)
		if (kept != 0)
		feed_add(&w, data, kept);
	feed_tell(&w);
	while (feed_next(&r, &i) == 1) {
		assert_true(taps_take(taps, &r, &i));
		feed_taken(&r, &i);
	}
	files_flush(sections.files[0]);
	dump_flush(sections.dumps[0]);
}

static struct feed_open
opening(enum feed_section kind, uint64_t session)
{
	struct feed_open o = { .kind = kind, .session = session };

	o.client.family = o.here.family = o.local.family = o.there.family =
	    AF_INET;
	o.client.ip[0] = 10;
	o.client.port = 4000;
	o.here.ip[0] = 11;
	o.here.port = 80;
	o.local.ip[0] = 12;
	o.local.port = 5000;
	o.there.ip[0] = 13;
	o.there.port = 8080;
	return o;
}

static void
say_open(uint32_t tap, struct feed_open o)
{
	say(FEED_OPEN, tap, 0, &o, sizeof(o), 0);
}

static void
say_text(uint32_t tap, int remote, const char *text)
{
	say(FEED_DATA, tap, remote, text, strlen(text), strlen(text));
}

/* --- a reader of files --- */

static uint32_t
get32(const unsigned char *p)
{
	uint32_t n;

	memcpy(&n, p, 4);
	return n;
}

static uint32_t
net32(const unsigned char *p)
{
	return ntohl(get32(p));
}

static void
take_packet(struct stream *s, const unsigned char *p, uint32_t kept,
    uint32_t len)
{
	const unsigned head = p[0] >> 4 == 4 ? 20 : 40;
	const unsigned char *tcp = p + head;
	const unsigned n = head + (tcp[12] >> 4) * 4;
	const int from = tcp[0] * 256 + tcp[1] < 1024 ||
	    tcp[0] * 256 + tcp[1] == 8080;
	const uint32_t seq = net32(tcp + 4);

	s->version = p[0] >> 4;
	s->packets++;
	s->cut += kept < len;
	s->fins += tcp[13] & TCP_FIN;
	s->rsts += (tcp[13] & TCP_RST) != 0;
	if (tcp[13] & TCP_SYN) {
		s->syns++;
		s->begin[from] = seq + 1;
	}
	if (len > n) {
		assert_true(seq - s->begin[from] + (len - n) <
		    sizeof(s->data[0]));
		memcpy(s->data[from] + (seq - s->begin[from]), p + n, kept - n);
		s->end[from] = seq - s->begin[from] + len - n;
	}
}

static void
read_file(const char *name, struct stream s[2])
{
	static unsigned char buf[1 << 20];
	char path[300];
	size_t n, at;
	uint32_t len, kept, pad;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "r"));
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	for (at = 0; at < n; at += len) {
		len = get32(buf + at + 4);
		assert_true(len % 4 == 0 && at + len <= n);
		assert_int_equal(get32(buf + at + len - 4), len);
		if (at == 0)
			assert_int_equal(get32(buf), 0x0a0d0d0a);
		if (get32(buf + at) != 6)
			continue;
		assert_true(get32(buf + at + 8) < 2);
		assert_int_equal((uint64_t)get32(buf + at + 12) << 32 |
		    get32(buf + at + 16), 1700000000123456);
		kept = get32(buf + at + 20);
		take_packet(&s[get32(buf + at + 8)], buf + at + 28, kept,
		    get32(buf + at + 24));
		pad = (kept + 3) & ~3U;
		if (len > 28 + pad + 4) {
			strlcat(s->comments, (char *)buf + at + 28 + pad + 4,
			    sizeof(s->comments));
			strlcat(s->comments, "\n", sizeof(s->comments));
		}
	}
}

/* All files; returns how many. */
static unsigned
read_all(struct stream s[2])
{
	char *names[16];
	unsigned i, n = 0;
	struct dirent *e;
	DIR *d = opendir(dir);

	memset(s, 0, 2 * sizeof(*s));
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	closedir(d);
	for (i = 0; i < n; i++) {
		read_file(names[i], s);
		free(names[i]);
	}
	return n;
}

/* --- tests --- */

static void
test_session(void **state)
{
	static struct stream s[2];

	(void)state;
	say_open(3, opening(FEED_RECORD, 0x56));
	say_text(3, CLIENT, "hello ");
	say_text(3, REMOTE, "good morning");
	say_text(3, CLIENT, "world");
	say(FEED_FIN, 3, CLIENT, NULL, 0, 0);
	say_text(3, REMOTE, "!");
	say(FEED_FIN, 3, REMOTE, NULL, 0, 0);
	say(FEED_CLOSE, 3, 0, "end=client", 10, 0);
	assert_int_equal(read_all(s), 1);
	assert_string_equal(s[0].data[CLIENT], "hello world");
	assert_string_equal(s[0].data[REMOTE], "good morning!");
	assert_int_equal(s[0].syns, 2);
	assert_int_equal(s[0].fins, 2);
	assert_int_equal(s[0].rsts, 0);
	assert_int_equal(s[0].version, 4);
	assert_int_equal(s[1].packets, 0);
	assert_non_null(strstr(s[0].comments, "session=1234-56 listener=web "
	    "client=10.0.0.0:4000 address=13.0.0.0:8080"));
}

/* Of the remote's side too, with what is cut off and what ends by us. */
static void
test_both_sides(void **state)
{
	static struct stream s[2];
	struct feed_open o = opening(FEED_RECORD, 1);

	(void)state;
	files_free(&sections.files[0]);
	records[0].side = RECORD_BOTH;
	sections.files[0] = files_new(&records[0], open(dir, O_RDONLY));
	o.client.family = o.here.family = AF_INET6;
	say_open(0, o);
	say(FEED_DATA, 0, CLIENT, "abc", 3, 1000);
	say(FEED_CLOSE, 0, 0, "why=idle\033", 9, 0);
	assert_int_equal(read_all(s), 1);
	assert_int_equal(s[0].version, 6);
	assert_int_equal(s[1].version, 4);
	assert_int_equal(s[0].end[CLIENT], 1000);
	assert_int_equal(s[0].cut, 1);
	assert_int_equal(s[0].rsts, 1);
	assert_non_null(strstr(s[0].comments, "why=idle?"));
	assert_int_equal(s[1].packets, s[0].packets);
}

static void
test_lost(void **state)
{
	static struct stream s[2];

	(void)state;
	say_open(0, opening(FEED_RECORD, 1));
	say_text(0, CLIENT, "abc");
	say(FEED_LOST, 0, CLIENT, NULL, 0, 100);
	say_text(0, CLIENT, "def");
	say(FEED_RESET, 0, CLIENT, NULL, 0, 0);
	say(FEED_CLOSE, 0, 0, "", 0, 0);
	read_all(s);
	assert_int_equal(s[0].end[CLIENT], 106);
	assert_memory_equal(s[0].data[CLIENT] + 103, "def", 3);
	assert_int_equal(s[0].rsts, 1);
	assert_non_null(strstr(s[0].comments,
	    "100 bytes from the client are not recorded"));
}

/* Unix sockets have addresses that nobody has. */
static void
test_made_up(void **state)
{
	static struct stream s[2];
	struct feed_open o = opening(FEED_RECORD, 1);

	(void)state;
	memset(&o.client, 0, sizeof(o.client));
	o.client.family = AF_UNIX;
	o.here = o.client;
	say_open(0, o);
	read_all(s);
	assert_int_equal(s[0].version, 4);
	assert_int_equal(s[0].syns, 2);
	assert_non_null(strstr(s[0].comments, "client=unix"));
	/* Or one of them is not what the other is. */
	o.session = 2;
	o.here.family = AF_INET6;
	say_open(1, o);
	read_all(s);
	assert_int_equal(s[0].syns, 4);
}

/* Another recorder goes on where the session is. */
static void
test_goes_on(void **state)
{
	static struct stream s[2];
	struct feed_open o = opening(FEED_RECORD, 1);

	(void)state;
	say_text(7, CLIENT, "of a session that nobody knows");
	o.passed[CLIENT] = 10;
	say_open(7, o);
	say_open(7, o);		/* said twice is once */
	say(FEED_FIN, 7, CLIENT, NULL, 0, 0);
	read_all(s);
	assert_int_equal(s[0].syns, 0);
	assert_int_equal(s[0].fins, 1);
	assert_int_equal(s[0].packets, 3);
	assert_non_null(strstr(s[0].comments, "goes on from here"));
}

/* How many files there are, none too large and none for others. */
static unsigned
count_files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		assert_int_equal(fstatat(dirfd(d), e->d_name, &st, 0), 0);
		assert_true((uint64_t)st.st_size <= records[0].size);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	closedir(d);
	return n;
}

/* The file of somebody else stays. */
static void
test_rotation(void **state)
{
	static char data[FEED_MOST];
	unsigned i;

	(void)state;
	files_free(&sections.files[0]);
	records[0].size = 2 * 65536;
	sections.files[0] = files_new(&records[0], open(dir, O_RDONLY));
	for (i = 0; i < 8; i++) {
		say_open(0, opening(FEED_RECORD, i));
		say(FEED_DATA, 0, CLIENT, data, 3000, 3000);
		say(FEED_DATA, 0, REMOTE, data, sizeof(data), sizeof(data));
		say(FEED_CLOSE, 0, 0, "", 0, 0);
		assert_int_equal(count_files(), MIN(i + 1, 3));
	}
}

static void
test_dump(void **state)
{
	static char text[8192];
	char what[] = "GET /\r\n\x1b[2J";

	(void)state;
	dumps[0].limit = 18;
	say_open(0, opening(FEED_DUMP, 9));
	say_text(0, CLIENT, what);
	say_text(0, CLIENT, "0123456789");
	say(FEED_LOST, 0, REMOTE, NULL, 0, 5);
	say(FEED_CLOSE, 0, 0, "end=client", 10, 0);
	dumps[0].format = DUMP_TEXT;
	dumps[0].limit = 0;
	say_open(0, opening(FEED_DUMP, 10));
	say_text(0, REMOTE, what);
	rewind(shown);
	text[fread(text, 1, sizeof(text) - 1, shown)] = '\0';
	assert_non_null(strstr(text, "2023-11-14T22:13:20.123456Z "
	    "session=1234-9 opened listener=web client=10.0.0.0:4000"));
	assert_non_null(strstr(text, "client>remote 11 bytes\n"
	    "00000000  47 45 54 20 2f 0d 0a 1b  5b 32 4a"));
	assert_non_null(strstr(text, "|GET /...[2J|\n"));
	assert_non_null(strstr(text, "0000000b  30 31 32 33 34 35 36  "));
	assert_non_null(strstr(text, "no more is shown"));
	assert_non_null(strstr(text, "client<remote 5 bytes are lost here\n"));
	assert_non_null(strstr(text, "session=1234-9 end=client\n"));
	assert_non_null(strstr(text, "session=1234-a client<remote GET /"
	    "\\x0d\n"));
	assert_non_null(strstr(text, "client<remote \\x1b[2J\n"));
	assert_null(strchr(text, '\033'));
}

/* Whatever a worker says that cannot be. */
static void
test_refused(void **state)
{
	static const struct {
		uint32_t tap, kind, section, listener;
	} wrong[] = {
		{ 10000, 0, 0, 0 }, { 0, 2, 0, 0 }, { 0, 0, 1, 0 },
		{ 0, 1, 1, 0 }, { 0, 0, 0, 1 }, { UINT32_MAX, 1, 0, 0 },
	};
	struct feed_item i;
	struct feed_open o;
	size_t k;

	(void)state;
	for (k = 0; k < nitems_of(wrong); k++) {
		o = opening(FEED_RECORD, 1);
		o.kind = wrong[k].kind;
		o.section = wrong[k].section;
		o.listener = wrong[k].listener;
		memset(&i, 0, sizeof(i));
		i.kind = FEED_OPEN;
		i.tap = wrong[k].tap;
		i.kept = sizeof(o);
		assert_true(feed_begin(&w, &i));
		feed_add(&w, &o, sizeof(o));
		feed_tell(&w);
		assert_int_equal(feed_next(&r, &i), 1);
		assert_false(taps_take(taps, &r, &i));
		feed_taken(&r, &i);
	}
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

/* And then it has ended. */
static void
worker_tells(int fd, int sock, const struct feed_open *o, bool nonsense)
{
	struct feed_writer its = { .ring = feed_map(fd), .wake = sock };
	struct feed_item i = { .kind = FEED_OPEN, .kept = sizeof(*o),
		.us = 1700000000123456 };

	assert_true(feed_begin(&its, &i));
	feed_add(&its, o, sizeof(*o));
	feed_tell(&its);
	if (nonsense)
		its.ring->bytes[offsetof(struct feed_item, kind)] = FEED_KINDS;
	i.kind = FEED_CLOSE;
	i.kept = 0;
	assert_true(feed_begin(&its, &i));
	feed_tell(&its);
	feed_unmap(&its.ring);
	close(sock);
}

/* One of two workers has told nonsense before it ended; the other one's
 * sessions are recorded all the same. */
static void
test_workers(void **state)
{
	const struct feed_open o = opening(FEED_RECORD, 7);
	static struct stream s[2];
	int fd, sv[2], k, folder = open(dir, O_RDONLY);

	(void)state;
	feeds_start(&conf, &folder);
	for (k = 0; k < 2; k++) {
		assert_int_not_equal(fd = feed_create(), -1);
		make_pair(sv);
		worker_tells(fd, sv[0], &o, k == 0);
		feeds_add(fd, sv[1], k);
	}
	feeds_finish();
	ev_run();
	feeds_end();
	close(folder);
	assert_int_equal(read_all(s), 1);
	assert_int_equal(s[0].syns, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session), TEST(test_both_sides), TEST(test_lost),
		TEST(test_made_up), TEST(test_goes_on), TEST(test_rotation),
		TEST(test_dump), TEST(test_refused),
		TEST(test_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
