/*
 * A line as its user wants it: refused with a sentence, or it prints any record
 * without more than its text and the values of fields.
 */
#include "compat.h"

#include "conf/int.h"
#include "layout.h"
#include "log.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[65536];
	struct line l = { buf, 0, sizeof(buf) };
	struct layout layout;
	struct record r;
	char packet[] = "\036session\037client=[::1]:8\037total=1.234\037in=7"
	    "\037sni=a\"b\\c";
	char *text;
	const char *err = NULL, *wrong;

	if (size > 4096 || (text = calloc(1, size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	wrong = conf_item_layout(text);
	if (wrong != NULL && *wrong == '\0')
		abort();
	if (layout_parse(&layout, text, &err) == -1) {
		if (err == NULL || wrong == NULL)
			abort();
	} else {
		if (layout.n > LAYOUT_PARTS)
			abort();
		if (!fields_read(&r, packet, sizeof(packet) - 1))
			abort();
		layout_print(&l, &layout, &r);
		if (wrong == NULL && memchr(l.text, '\n', l.len) != NULL)
			abort();
	}
	free(text);
	return 0;
}
