/*
 * fetcher - fetches a configuration for the master, which does not speak to
 * servers itself.
 *
 *	fetcher url tag
 *
 * tag is that of what is there already, or empty. The descriptors are those of
 * proto.h: the text goes to the first one; to the second its tag, or a sentence
 * about what is wrong. The status is 0; 1 if it could not be had; 4 if what is
 * there is the same.
 */
#include "compat.h"

#include <sys/stat.h>

#include <pwd.h>
#include <signal.h>

#include <curl/curl.h>

#include "drop.h"
#include "env.h"
#include "log.h"
#include "proto.h"
#include "sandbox.h"
#include "start.h"

#define CONNECT_LIMIT	10L	/* s */
#define LIMIT		25L	/* s, of all of it */
#define REDIRECTS	5L
#define TAG_MOST	256	/* bytes */
#define NOT_MODIFIED	304

static void	 usage(void) no_return;
static void	 confine(void);
static void	 become(void);
static bool	 plain(const char *);
static void	 prepare(CURL *, const char *);
static void	 authorities(CURL *);
static struct curl_slist *condition(const char *);
static size_t	 body(char *, size_t, size_t, void *);
static size_t	 header(char *, size_t, size_t, void *);
static int	 outcome(CURL *, CURLcode, const char *, long);
static int	 wrong(const char *, const char *);

static size_t	 taken;			/* bytes of the body */
static char	 tag[TAG_MOST];		/* of the answer */

int
main(int argc, char **argv)
{
	char error[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers;
	struct stat st;
	CURLcode code;
	long status = 0;
	CURL *curl;
	int result;

	if (argc != 3 || fstat(FETCHER_FD_TEXT, &st) == -1 ||
	    fstat(FETCHER_FD_REPORT, &st) == -1)
		usage();
	confine();
	setproctitle("%s", argv[1]);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 ||
	    (curl = curl_easy_init()) == NULL)
		return wrong("libcurl cannot be used", "");
	prepare(curl, argv[1]);
	headers = condition(argv[2]);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	result = outcome(curl, code, error, status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	curl_global_cleanup();
	return result;
}

static void
usage(void)
{
	fprintf(stderr, "fetcher is a part of spawnd(8), which starts it\n");
	exit(2);
}

/* As the reader: files to read, names, and connections. */
static void
confine(void)
{
	const struct sandbox box = { .role = SANDBOX_READER };
	const char *err;

	signal(SIGPIPE, SIG_IGN);
	start_signals();
	sandbox_early();
	become();
	if (sandbox_reader(FETCHER_MAX) == -1)
		fatal("sandbox");
	/* What the system lacks, the master has said. */
	(void)!sandbox_enter(&box, &err);
}

/* Who speaks to strangers is not root. */
static void
become(void)
{
	const char *err = "there is neither a user _spawnd nor nobody";
	const struct passwd *pw;

	if (geteuid() != 0)
		return;
	if ((pw = getpwnam("_spawnd")) == NULL)
		pw = getpwnam("nobody");
	if (pw == NULL || drop_root(pw->pw_name, pw->pw_uid, pw->pw_gid,
	    &err) == -1)
		fatalx("%s", err);
}

/* Only for this machine, see options.c of the master. */
static bool
plain(const char *url)
{
	return strncmp(url, "http:", 5) == 0;
}

static void
prepare(CURL *curl, const char *url)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
	    plain(url) ? "http" : "https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, plain(url) ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS);
	if (plain(url))
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_LIMIT);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, LIMIT);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)FETCHER_MAX);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "spawnd/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header);
	authorities(curl);
}

/* Verified always; by whom, as for any program with OpenSSL. */
static void
authorities(CURL *curl)
{
	const char *file = env_get("SSL_CERT_FILE");
	const char *folder = env_get("SSL_CERT_DIR");

	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	if (file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, file);
	if (folder != NULL)
		curl_easy_setopt(curl, CURLOPT_CAPATH, folder);
}

static struct curl_slist *
condition(const char *old)
{
	char text[TAG_MOST + 32];

	if (*old == '\0')
		return NULL;
	snprintf(text, sizeof(text), "If-None-Match: %s", old);
	return curl_slist_append(NULL, text);
}

static size_t
body(char *data, size_t size, size_t n, void *arg)
{
	const size_t len = size * n;

	(void)arg;
	if (len > FETCHER_MAX - taken ||
	    pwrite(FETCHER_FD_TEXT, data, len, (off_t)taken) != (ssize_t)len)
		return 0;
	taken += len;
	return len;
}

/* Of the last one, if there are redirections. */
static size_t
header(char *data, size_t size, size_t n, void *arg)
{
	static const char name[] = "etag:";
	size_t len = size * n, skip = sizeof(name) - 1;

	(void)arg;
	if (len > 5 && strncmp(data, "HTTP/", 5) == 0)
		tag[0] = '\0';
	if (len <= skip || strncasecmp(data, name, skip) != 0)
		return size * n;
	while (skip < len && data[skip] == ' ')
		skip++;
	while (len > skip && (data[len - 1] == '\r' || data[len - 1] == '\n'))
		len--;
	if (len - skip < sizeof(tag)) {
		memcpy(tag, data + skip, len - skip);
		tag[len - skip] = '\0';
	}
	return size * n;
}

static int
outcome(CURL *curl, CURLcode code, const char *error, long status)
{
	char text[64];
	long verified = 0;

	if (code == CURLE_FILESIZE_EXCEEDED || code == CURLE_WRITE_ERROR)
		return wrong("it is larger than 16 MiB", "");
	if (code != CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verified);
		return wrong(*error != '\0' ? error :
		    curl_easy_strerror(code), verified != 0 ? "; "
		    "SSL_CERT_FILE names who may sign it" : "");
	}
	if (status == NOT_MODIFIED)
		return FETCHER_SAME;
	if (status == 200) {
		(void)!write(FETCHER_FD_REPORT, tag, strlen(tag));
		return 0;
	}
	snprintf(text, sizeof(text), "the server answers %ld", status);
	return wrong(text, "");
}

static int
wrong(const char *why, const char *more)
{
	dprintf(FETCHER_FD_REPORT, "%s%s", why, more);
	return 1;
}
