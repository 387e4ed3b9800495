/*
 * Any bytes as an answer, and as a value of a question: what is no answer stays
 * none, a relay's name is fit for a log, and no value makes another word.
 */
#include "compat.h"

#include "parse/authline.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 question(const char *);

static void
question(const char *value)
{
	struct authline l = { .text = NULL };
	const char *p;

	authline_add(&l, "name", value);
	authline_number(&l, "port", 80);
	if (strlen(value) > AUTHLINE_VALUE && strcmp(l.text, " port=80") != 0)
		abort();
	for (p = l.text; *p != '\0'; p++)
		if (*p < ' ' || *p > 'z' ||
		    (*p == ' ' && strcmp(p, " port=80") != 0 && p != l.text))
			abort();
	if (strlen(l.text) != l.len || l.len >= l.size)
		abort();
	free(l.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply r, again;
	const char *p;
	char *text;

	if ((text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	question(text);
	if (authline_reply(text, size, &r) == 0) {
		if (r.answer > ANSWER_UNKNOWN || memcmp(text, "id=", 3) != 0 ||
		    (r.relay[0] != '\0') != (r.answer == ANSWER_RELAY))
			abort();
		for (p = r.relay; *p != '\0'; p++)
			if (*p <= ' ' || *p > '~')
				abort();
		if (authline_reply(text, size, &again) != 0 ||
		    again.id != r.id || again.answer != r.answer)
			abort();
	}
	free(text);
	return 0;
}
