#include "compat.h"

#include <strings.h>

#include "parse/httpconnect.h"

/* Bytes from p to end. */
struct text {
	const uint8_t	*p, *end;
};

static size_t	 head_length(const uint8_t *, size_t, size_t *);
static bool	 is_harmless(const uint8_t *, size_t);
static struct text line_cut(struct text *);
static struct text word_cut(struct text *);
static size_t	 text_len(struct text);
static bool	 text_is(struct text, const char *);
static bool	 is_token(struct text);
static enum http_status request_line(struct text, struct request *);
static enum http_status version_of(struct text);
static int	 authority(struct text, struct dest *);
static int	 port_of(struct text, uint16_t *);
static enum http_status fields(struct text, struct request *);
static void	 login(struct text, struct request *);
static size_t	 base64(struct text, uint8_t *, size_t);
static int	 base64_digit(uint8_t);

bool
http_begins(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int
http_request(const uint8_t *p, size_t len, struct request *r,
    enum http_status *status, size_t *need)
{
	const size_t n = head_length(p, MIN(len, HTTP_MAX), need);
	struct text rest = { p, p + n };

	memset(r, 0, sizeof(*r));
	*status = HTTP_BAD;
	if ((len > 0 && !http_begins(p[0])) ||
	    !is_harmless(p, n != 0 ? n : MIN(len, HTTP_MAX)))
		return -1;
	if (n == 0 && len >= HTTP_MAX) {
		*status = HTTP_LARGE;
		return -1;
	}
	if (n == 0)
		return 0;
	*status = request_line(line_cut(&rest), r);
	if (*status == HTTP_OK)
		*status = fields(rest, r);
	return (int)n;
}

/* With the empty line that it ends by; 0: that is not there yet. */
static size_t
head_length(const uint8_t *p, size_t len, size_t *need)
{
	const uint8_t *lf = p, *end = p + len;

	while ((lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
		lf++;
		if (lf < end && *lf == '\n')
			return (size_t)(lf + 1 - p);
		if (end - lf > 1 && lf[0] == '\r' && lf[1] == '\n')
			return (size_t)(lf + 2 - p);
		if (lf == end || (lf + 1 == end && *lf == '\r')) {
			*need = len + 1;
			return 0;
		}
	}
	*need = len + 2;
	return 0;
}

/* Text it has to be. */
static bool
is_harmless(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((p[i] < ' ' && p[i] != '\t' && p[i] != '\r' &&
		    p[i] != '\n') || p[i] == 0x7f)
			return false;
	return true;
}

/* The next line without what ends it, which is there. */
static struct text
line_cut(struct text *rest)
{
	struct text line = *rest;
	const uint8_t *lf = memchr(line.p, '\n', text_len(line));

	line.end = lf;
	rest->p = lf + 1;
	if (line.end > line.p && line.end[-1] == '\r')
		line.end--;
	return line;
}

/* The next word, up to a blank; what is left is behind that. */
static struct text
word_cut(struct text *line)
{
	struct text word = *line;
	const uint8_t *blank = memchr(word.p, ' ', text_len(word));

	if (blank == NULL) {
		line->p = line->end;
		return word;
	}
	word.end = blank;
	line->p = blank + 1;
	return word;
}

static size_t
text_len(struct text t)
{
	return (size_t)(t.end - t.p);
}

static bool
text_is(struct text t, const char *s)
{
	return text_len(t) == strlen(s) && memcmp(t.p, s, strlen(s)) == 0;
}

/* RFC 9110, 5.6.2. */
static bool
is_token(struct text t)
{
	const uint8_t *p;

	for (p = t.p; p < t.end; p++)
		if (!http_begins(*p) && !(*p >= '0' && *p <= '9') &&
		    (*p == '\0' || strchr("!#$%&'*+-.^_`|~", *p) == NULL))
			return false;
	return t.p < t.end;
}

static enum http_status
request_line(struct text line, struct request *r)
{
	const struct text method = word_cut(&line), target = word_cut(&line);
	const enum http_status version = version_of(line);

	if (!is_token(method) || target.p == target.end ||
	    version == HTTP_BAD)
		return HTTP_BAD;
	if (version != HTTP_OK)
		return version;
	if (!text_is(method, "CONNECT"))
		return HTTP_METHOD;
	return authority(target, &r->to) == -1 ? HTTP_BAD : HTTP_OK;
}

static enum http_status
version_of(struct text t)
{
	if (text_is(t, "HTTP/1.1") || text_is(t, "HTTP/1.0"))
		return HTTP_OK;
	return text_len(t) > 5 && memcmp(t.p, "HTTP/", 5) == 0 ?
	    HTTP_VERSION : HTTP_BAD;
}

/* "host:port", an IPv6 address in brackets. */
static int
authority(struct text t, struct dest *to)
{
	const uint8_t *colon = t.end;
	const bool bracket = *t.p == '[';
	struct text host = t;
	uint16_t port;

	while (colon > t.p && colon[-1] != ':')
		colon--;
	if (colon == t.p)
		return -1;
	host.end = colon - 1;
	t.p = colon;
	if (bracket && (text_len(host) < 2 || host.end[-1] != ']'))
		return -1;
	if (!bracket && memchr(host.p, ':', text_len(host)) != NULL)
		return -1;
	if (port_of(t, &port) == -1)
		return -1;
	return dest_set_host(to, host.p, text_len(host), port);
}

static int
port_of(struct text t, uint16_t *port)
{
	unsigned n = 0;
	const uint8_t *p;

	for (p = t.p; p < t.end; p++) {
		if (*p < '0' || *p > '9' || n > 6553)
			return -1;
		n = n * 10 + (unsigned)(*p - '0');
	}
	*port = (uint16_t)n;
	return n == 0 || n > 65535 ? -1 : 0;
}

/* Of all fields one is of interest; it may be there once. A line that goes on
 * in the next one is wrong: RFC 9112, 5.2. */
static enum http_status
fields(struct text rest, struct request *r)
{
	static const char name[] = "Proxy-Authorization";
	struct text line, key;
	bool seen = false;

	while (line = line_cut(&rest), line.p < line.end) {
		key = line;
		key.end = memchr(line.p, ':', text_len(line));
		if (key.end == NULL || !is_token(key))
			return HTTP_BAD;
		if (text_len(key) != sizeof(name) - 1 ||
		    strncasecmp((const char *)key.p, name,
		    sizeof(name) - 1) != 0)
			continue;
		if (seen)
			return HTTP_BAD;
		seen = true;
		line.p = key.end + 1;
		login(line, r);
	}
	return HTTP_OK;
}

/* "Basic", and "user:password" in base 64. */
static void
login(struct text t, struct request *r)
{
	static const char basic[] = "Basic ";
	uint8_t both[2 * REQUEST_WORD];
	const uint8_t *colon;
	size_t n;

	while (t.p < t.end && (*t.p == ' ' || *t.p == '\t'))
		t.p++;
	while (t.p < t.end && (t.end[-1] == ' ' || t.end[-1] == '\t'))
		t.end--;
	if (text_len(t) < sizeof(basic) - 1 || strncasecmp((const char *)t.p,
	    basic, sizeof(basic) - 1) != 0)
		return;
	t.p += sizeof(basic) - 1;
	while (t.p < t.end && *t.p == ' ')
		t.p++;
	n = base64(t, both, sizeof(both));
	colon = memchr(both, ':', n);
	if (colon != NULL && (request_word(r->user, both,
	    (size_t)(colon - both)) == -1 || request_word(r->password,
	    colon + 1, (size_t)(both + n - (colon + 1))) == -1))
		r->user[0] = r->password[0] = '\0';
	explicit_bzero(both, sizeof(both));
}

/* RFC 4648, 4. Returns how many bytes; 0 if it is none or too much. */
static size_t
base64(struct text t, uint8_t *out, size_t size)
{
	unsigned bits = 0, nbits = 0;
	size_t n = 0;
	int digit;

	while (t.end > t.p && t.end[-1] == '=')
		t.end--;
	for (; t.p < t.end; t.p++) {
		if ((digit = base64_digit(*t.p)) == -1)
			return 0;
		bits = (bits << 6 | (unsigned)digit) & 0xffff;
		if ((nbits += 6) < 8)
			continue;
		nbits -= 8;
		if (n == size)
			return 0;
		out[n++] = (uint8_t)(bits >> nbits);
	}
	return n;
}

static int
base64_digit(uint8_t c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	return p == NULL ? -1 : (int)(p - digits);
}

bool
http_is_1_0(const uint8_t *p, size_t len)
{
	const uint8_t *lf = memchr(p, '\n', len);
	struct text line = { p, lf == NULL ? p : lf };

	if (line.end > line.p && line.end[-1] == '\r')
		line.end--;
	return text_len(line) > 8 && memcmp(line.end - 8, "HTTP/1.0", 8) == 0;
}

static const struct answer {
	enum http_status	 status;
	const char		*phrase, *field, *text;
} answers[] = {
	{ HTTP_OK, "Connection established", "", NULL },
	{ HTTP_BAD, "Bad Request", "",
	    "This is no request of HTTP/1 that can be understood." },
	{ HTTP_FORBIDDEN, "Forbidden", "",
	    "This proxy does not connect to there: its rules say no." },
	{ HTTP_METHOD, "Method Not Allowed", "Allow: CONNECT\r\n",
	    "This is spawnd, a proxy for SOCKS 4, 4a and 5, and for CONNECT "
	    "of HTTP.\r\nIt serves no pages, and fetches none by GET: have "
	    "the client use it as\r\na SOCKS proxy (curl --socks5-hostname), "
	    "or for https." },
	{ HTTP_LOGIN, "Proxy Authentication Required",
	    "Proxy-Authenticate: Basic realm=\"spawnd\"\r\n",
	    "This proxy asks for a user and a password that it knows." },
	{ HTTP_LARGE, "Request Header Fields Too Large", "",
	    "The head of the request is longer than 8 KiB." },
	{ HTTP_GATEWAY, "Bad Gateway", "",
	    "There is no connection to there: the name is not known, or "
	    "nobody answers." },
	{ HTTP_UNAVAILABLE, "Service Unavailable", "",
	    "The proxy can make no connection now." },
	{ HTTP_TIMEOUT, "Gateway Timeout", "",
	    "There is no connection to there in time." },
	{ HTTP_VERSION, "HTTP Version Not Supported", "",
	    "This proxy speaks HTTP/1.1 and HTTP/1.0." },
};

size_t
http_reply(char buf[HTTP_REPLY], enum http_status status, bool version_1_0)
{
	const struct answer *a = answers;
	int n;

	while (a->status != status)
		a++;
	n = snprintf(buf, HTTP_REPLY, "HTTP/1.%d %d %s\r\n",
	    version_1_0 ? 0 : 1, (int)status, a->phrase);
	if (a->text == NULL)
		n += snprintf(buf + n, HTTP_REPLY - (size_t)n, "\r\n");
	else
		n += snprintf(buf + n, HTTP_REPLY - (size_t)n,
		    "%sContent-Type: text/plain\r\nContent-Length: %zu\r\n"
		    "Connection: close\r\n\r\n%s\r\n", a->field,
		    strlen(a->text) + 2, a->text);
	return (size_t)n;
}
