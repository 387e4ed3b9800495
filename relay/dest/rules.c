#include "compat.h"

#include "dest/rules.h"
#include "dest_rule.h"
#include "special.h"

struct dest_rules {
	bool		 special;	/* without a rule: what is not public */
	bool		 names;		/* may be asked for at all */
	unsigned	 n;
	struct dest_rule rules[];
};

static bool	 permits_one(const struct dest_rules *, const struct dest *,
		    const struct source *);
static bool	 permits_else(const struct dest_rules *, uint16_t, bool);

struct dest_rules *
dest_rules_new(const struct conf_targets *c)
{
	struct dest_rules *rs = calloc(1, sizeof(*rs) + c->nrules *
	    sizeof(rs->rules[0]));
	unsigned i;

	if (rs == NULL)
		return NULL;
	rs->special = c->special == CONF_FAIL_PERMIT;
	rs->names = c->names == CONF_NAMES_PROXY;
	for (i = 0; i < c->nrules; i++)
		if (dest_rule_parse(c->rules[i], &rs->rules[i]) != NULL) {
			free(rs);
			errno = EINVAL;
			return NULL;
		}
	rs->n = c->nrules;
	return rs;
}

/* A rule on addresses that permits may hold before one that denies the name. */
bool
dest_rules_may_look(const struct dest_rules *rs, const struct dest *d)
{
	const struct dest_rule *r;
	bool maybe = false;

	if (!rs->names)
		return false;
	for (r = rs->rules; r < rs->rules + rs->n; r++) {
		if (!dest_rule_has_port(r, d->port))
			continue;
		if (dest_rule_has_name(r, d->host))
			return r->permit || maybe;
		maybe |= r->what != DEST_NAME && r->permit;
	}
	return maybe || permits_else(rs, d->port, true) ||
	    permits_else(rs, d->port, false);
}

bool
dest_rules_permit(const struct dest_rules *rs, const struct dest *d,
    const struct source *to)
{
	struct source forms[SPECIAL_FORMS];
	const unsigned n = special_forms(to, forms);
	unsigned i;

	for (i = 0; i < n; i++)
		if (!permits_one(rs, d, &forms[i]))
			return false;
	return true;
}

static bool
permits_one(const struct dest_rules *rs, const struct dest *d,
    const struct source *to)
{
	const struct dest_rule *r;

	for (r = rs->rules; r < rs->rules + rs->n; r++)
		if (dest_rule_has_port(r, d->port) &&
		    (dest_rule_has_addr(r, to) || (d->host[0] != '\0' &&
		    dest_rule_has_name(r, d->host))))
			return r->permit;
	return permits_else(rs, d->port, special_is_public(to));
}

/* Where no rule matches. */
static bool
permits_else(const struct dest_rules *rs, uint16_t port, bool public)
{
	return public ? port == 80 || port == 443 : rs->special;
}
