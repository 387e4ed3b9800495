#include "compat.h"

#include <stdarg.h>

#include <event2/buffer.h>

#include "html.h"

static const char *escaped(char);

void
html_put(struct evbuffer *b, const char *s)
{
	evbuffer_add(b, s, strlen(s));
}

void
html_printf(struct evbuffer *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	evbuffer_add_vprintf(b, fmt, ap);
	va_end(ap);
}

void
html_text(struct evbuffer *b, const char *s)
{
	size_t n;

	while (*s != '\0') {
		n = strcspn(s, "&<>\"'");
		evbuffer_add(b, s, n);
		s += n;
		if (*s != '\0')
			html_put(b, escaped(*s++));
	}
}

static const char *
escaped(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return "&#39;";
	}
}

void
html_data(struct evbuffer *b, const char *value, const char *shown)
{
	html_put(b, "<data value=\"");
	html_text(b, value);
	html_put(b, "\">");
	html_text(b, shown);
	html_put(b, "</data>");
}
