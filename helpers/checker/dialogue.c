#include "compat.h"

#include "dialogue.h"

#ifndef REG_STARTEND
#define REG_STARTEND	0	/* what is behind a NUL is not seen */
#endif

int
script_make(struct script *s, const struct conf_probe *p)
{
	const char *err;

	memset(s, 0, sizeof(*s));
	if (p->send != NULL) {
		if ((s->send = malloc(strlen(p->send) + 1)) == NULL)
			return -1;
		if (conf_escapes(p->send, s->send, &s->len, &err) == -1) {
			script_free(s);
			errno = EINVAL;
			return -1;
		}
	}
	if (p->expect == NULL)
		return 0;
	if (regcomp(&s->expect, p->expect, REG_EXTENDED) != 0) {
		script_free(s);
		errno = EINVAL;
		return -1;
	}
	s->expects = true;
	return 0;
}

void
script_free(struct script *s)
{
	free(s->send);
	if (s->expects)
		regfree(&s->expect);
	memset(s, 0, sizeof(*s));
}

enum answer
script_look(const struct script *s, char *answer, size_t len, bool end)
{
	regmatch_t all = { .rm_so = 0, .rm_eo = (regoff_t)len };

	if (!s->expects)
		return ANSWER_GOOD;
	answer[len] = '\0';
	if (regexec(&s->expect, answer, 1, &all, REG_STARTEND) == 0)
		return ANSWER_GOOD;
	return end || len >= DIALOGUE_MAX ? ANSWER_BAD : ANSWER_MORE;
}
