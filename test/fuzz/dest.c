/*
 * A line that may be a rule of targets, and after it what a client may have
 * asked for. What is taken as a name is one, in one form, and no number; an
 * address that a permitted one carries is permitted by the same rules.
 */
#include "compat.h"

#include "dest/rules.h"
#include "special.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 same_again(const struct dest *);
static void	 carries(const struct dest_rules *, const struct dest *,
		    const struct source *);

/* What is written of it stands for the same. */
static void
same_again(const struct dest *d)
{
	char text[DEST_STRLEN], *port;
	struct dest again;

	dest_str(d, text);
	port = strrchr(text, ':');
	if (port == NULL || dest_set_host(&again, text,
	    (size_t)(port - text), d->port) == -1 ||
	    strcmp(again.host, d->host) != 0 ||
	    (*d->host == '\0' && addr_cmp(&again.addr, &d->addr) != 0))
		abort();
	for (; *d->host != '\0' && port > text; port--)
		if (port[-1] <= ' ' || port[-1] > '~')
			abort();
}

static void
carries(const struct dest_rules *rs, const struct dest *d,
    const struct source *to)
{
	struct source forms[SPECIAL_FORMS];
	unsigned i, n = special_forms(to, forms);

	for (i = 0; i < n; i++)
		if (dest_rules_permit(rs, d, to) &&
		    !dest_rules_permit(rs, d, &forms[i]))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	struct conf_targets c = { .nrules = 1 };
	char *text = strndup((const char *)data,
	    end == NULL ? size : (size_t)(end - data));
	const char *list = text;
	struct dest_rules *rs;
	struct source to;
	struct dest d;

	if (text == NULL)
		return 0;
	c.rules = &list;
	rs = dest_rules_new(&c);
	if (end != NULL && dest_set_host(&d, end + 1,
	    size - (size_t)(end + 1 - data), 80) == 0) {
		same_again(&d);
		if (rs != NULL && *d.host != '\0')
			dest_rules_may_look(rs, &d);
		if (rs != NULL && *d.host == '\0') {
			source_set(&to, &d.addr.sa);
			carries(rs, &d, &to);
		}
	}
	free(rs);
	free(text);
	return 0;
}
