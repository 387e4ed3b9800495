/*
 * What a worker that was taken over may write into its feed, to the recorder:
 * it neither crashes nor goes on for ever, and writes no more than it may.
 */
#include "compat.h"

#include <dirent.h>
#include <fcntl.h>

#include "../../helpers/recorder/taps.h"
#include "ev.h"
#include "log.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 begin(void);
static void	 finish(void);
static void	 feed(struct feed_reader *, const uint8_t *, size_t);

static char		 dir[] = "/tmp/spawnd-fuzz-XXXXXX";
static struct conf_record records[] = { { .name = "rec", .directory = dir,
			    .size = 1 << 20, .files = 2,
			    .side = RECORD_BOTH } };
static struct conf_dump	 dumps[] = { { .name = "hex", .to = "stderr" },
			    { .name = "text", .format = DUMP_TEXT,
			    .limit = 100, .to = "stderr" } };
static struct conf_listen listens[] = { { .name = "web" } };
static struct conf	 conf = { .records = records, .nrecords = 1,
			    .dumps = dumps, .ndumps = 2, .listens = listens,
			    .nlistens = 1, .users_max = 4 };
static struct files	*files[1];
static struct dump	*dump[2];
static const struct sections sections = { .conf = &conf, .files = files,
			    .dumps = dump };
static struct feed_ring	*ring;
static int		 folder;

/* The files are those of all inputs, so that they turn. */
static void
begin(void)
{
	const char *err;
	unsigned i;

	if (ev_init(&err) == -1 || mkdtemp(dir) == NULL ||
	    (folder = open(dir, O_RDONLY | O_DIRECTORY)) == -1)
		abort();
	ring = feed_map(feed_create());
	files[0] = files_new(&records[0], folder);
	for (i = 0; i < nitems_of(dump); i++) {
		dump[i] = dump_new(&dumps[i]);
		dump_file(dump[i], open("/dev/null", O_WRONLY));
	}
	atexit(finish);
}

static void
finish(void)
{
	struct dirent *e;
	DIR *d;

	files_free(&files[0]);
	dump_free(&dump[0]);
	dump_free(&dump[1]);
	d = fdopendir(folder);
	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(folder, e->d_name, 0);
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

/* The first two bytes say where in the ring it begins. */
static void
feed(struct feed_reader *r, const uint8_t *data, size_t size)
{
	const size_t at = (size_t)(data[0] << 8 | data[1]) * 8 +
	    FEED_ROOM - 65536 * 4;
	size_t i;

	for (i = 2; i < size; i++)
		ring->bytes[(at + i - 2) % FEED_ROOM] = data[i];
	atomic_store(&ring->tail, at);
	atomic_store(&ring->head, at + size - 2);
	r->ring = ring;
	feed_attach(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed_reader r;
	struct feed_item i;
	struct taps *taps;
	unsigned n = 0;

	if (ring == NULL)
		begin();
	if (size < 2 || size > FEED_ROOM / 2)
		return 0;
	feed(&r, data, size);
	if ((taps = taps_new(&sections, 1)) == NULL)
		abort();
	while (feed_next(&r, &i) == 1 && taps_take(taps, &r, &i)) {
		if (n++ > size / sizeof(i))
			abort();
		feed_taken(&r, &i);
	}
	taps_free(&taps, 0);
	return 0;
}
