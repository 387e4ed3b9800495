#include "compat.h"

#include <stdio.h>

#include <event2/buffer.h>

#include "http.h"

static const char *end_of(const char *, size_t);
static int	 line_read(struct http_request *, const char *, size_t);
static int	 method_read(struct http_request *, const char *, size_t);
static int	 path_read(struct http_request *, const char *, size_t);
static const char *word_of(int);

int
http_read(struct http_request *r, const char *s, size_t n)
{
	const char *line;

	/* Some send an end of a line too many behind a request before. */
	while (n > 0 && (*s == '\r' || *s == '\n')) {
		s++;
		n--;
	}
	if (end_of(s, n) == NULL)
		return n < HTTP_HEAD_MAX ? -1 : 431;
	line = memchr(s, '\n', n);
	n = (size_t)(line - s);
	if (n > 0 && s[n - 1] == '\r')
		n--;
	return line_read(r, s, n);
}

/* Of the head: an empty line. Bodies are not for those who only look. */
static const char *
end_of(const char *s, size_t n)
{
	const char *p = s, *end = s + n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (p < end && *p == '\n')
			return p;
		if (p + 1 < end && p[0] == '\r' && p[1] == '\n')
			return p;
	}
	return NULL;
}

/* METHOD SP TARGET SP HTTP/1.x */
static int
line_read(struct http_request *r, const char *s, size_t n)
{
	const char *target, *version, *end = s + n;
	int wrong;

	if (memchr(s, '\0', n) != NULL ||
	    (target = memchr(s, ' ', n)) == NULL ||
	    (version = memchr(target + 1, ' ',
	    (size_t)(end - target - 1))) == NULL)
		return 400;
	if (end - version != 9 || memcmp(version, " HTTP/1.", 8) != 0 ||
	    version[8] < '0' || version[8] > '9')
		return 505;
	wrong = method_read(r, s, (size_t)(target - s));
	return wrong != 0 ? wrong :
	    path_read(r, target + 1, (size_t)(version - target - 1));
}

static int
method_read(struct http_request *r, const char *s, size_t n)
{
	r->head = n == 4 && memcmp(s, "HEAD", 4) == 0;
	return r->head || (n == 3 && memcmp(s, "GET", 3) == 0) ? 0 : 405;
}

/* One that is longer than any that there is is none. */
static int
path_read(struct http_request *r, const char *s, size_t n)
{
	size_t len = 0;

	if (n == 0 || *s != '/')
		return 400;
	while (len < n && s[len] != '?')
		len++;
	if (len >= sizeof(r->path))
		return 404;
	memcpy(r->path, s, len);
	r->path[len] = '\0';
	return 0;
}

int
http_answer(struct evbuffer *body, int status, const char *type,
    const char *more)
{
	struct evbuffer *head = evbuffer_new();
	int done;

	if (head == NULL)
		return -1;
	done = evbuffer_add_printf(head, "HTTP/1.1 %d %s\r\n"
	    "Content-Type: %s\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\nCache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n%s\r\n", status,
	    word_of(status), type, evbuffer_get_length(body),
	    more != NULL ? more : "");
	if (done != -1)
		done = evbuffer_prepend_buffer(body, head);
	evbuffer_free(head);
	return done == -1 ? -1 : 0;
}

static const char *
word_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 431:
		return "Request Header Fields Too Large";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Service Unavailable";
	}
}
