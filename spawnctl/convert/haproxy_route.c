/*
 * haproxy_route.c - acl, use_backend and tcp-request: conditions on the
 * network of a client and on what it asks for by TLS.
 */
#include "compat.h"

#include "convert/haproxy.h"

/* A term of a condition: a row of ours, and its values. */
struct term {
	const char	*option;	/* "from", "sni", "alpn" */
	const char	**values;
	unsigned	 n;
	bool		 not;
};

#define TERMS	8	/* of a condition, most */

struct condition {
	struct term	 terms[TERMS];
	unsigned	 n;
};

static bool	 condition(struct haproxy *, const struct ha_proxy *,
		    const struct ha_line *, unsigned *, struct condition *);
static bool	 term(struct haproxy *, const struct ha_proxy *,
		    const struct ha_line *, unsigned *, struct term *);
static const struct ha_line *acl_of(const struct ha_proxy *, const char *);
static bool	 criterion(struct conv *, char *const *, unsigned,
		    struct term *);
static const char *option_of(const char *);
static bool	 value(struct conv *, struct term *, const char *, bool);
static void	 route(struct haproxy *, const struct ha_line *,
		    struct ha_listens *, const struct condition *,
		    const struct part *);
static bool	 is_hello(const struct ha_line *);
static bool	 access_rule(struct haproxy *, const struct ha_line *,
		    struct ha_listens *, const struct condition *,
		    bool);

bool
ha_route(struct haproxy *h, const struct ha_proxy *p, const struct ha_line *l,
    struct ha_listens *listens)
{
	const struct part *relay;
	struct condition c;
	unsigned i = 3;

	if (!ha_is(l, "use_backend", NULL))
		return false;
	relay = ha_relay_of(h, l->words[1]);
	if (relay == NULL) {
		conv_left(h->c, l->number, "there is no such backend of mode "
		    "tcp");
		return true;
	}
	if (l->n > 2 && strcmp(l->words[2], "if") != 0) {
		conv_left(h->c, l->number, "such a condition cannot be "
		    "written");
		return true;
	}
	do {
		if (!condition(h, p, l, &i, &c)) {
			conv_left(h->c, l->number, "such a condition cannot be "
			    "written");
			return true;
		}
		route(h, l, listens, &c, relay);
	} while (i < l->n);
	return true;
}

/* Terms up to the end or the next "or", each of another row. */
static bool
condition(struct haproxy *h, const struct ha_proxy *p,
    const struct ha_line *l, unsigned *i, struct condition *c)
{
	unsigned k;

	for (c->n = 0; *i < l->n; c->n++) {
		if (strcmp(l->words[*i], "or") == 0 ||
		    strcmp(l->words[*i], "||") == 0) {
			++*i;
			return c->n > 0;
		}
		if (c->n == TERMS || !term(h, p, l, i, &c->terms[c->n]))
			return false;
		for (k = 0; k < c->n; k++)
			if (strcmp(c->terms[k].option,
			    c->terms[c->n].option) == 0)
				return false;
	}
	return c->n > 0 || l->n <= 2;
}

/* "{ criterion values }" or the name of an acl. */
static bool
term(struct haproxy *h, const struct ha_proxy *p, const struct ha_line *l,
    unsigned *i, struct term *t)
{
	const char *word = l->words[*i];
	const struct ha_line *acl;
	unsigned from, to;

	memset(t, 0, sizeof(*t));
	if (*word == '!') {
		t->not = true;
		if (*++word == '\0')
			word = l->words[++*i];
	}
	if (strcmp(word, "{") == 0) {
		from = to = *i + 1;
		while (to < l->n && strcmp(l->words[to], "}") != 0)
			to++;
		*i = to + 1;
		return to < l->n && criterion(h->c, l->words + from,
		    to - from, t);
	}
	++*i;
	return (acl = acl_of(p, word)) != NULL &&
	    criterion(h->c, acl->words + 2, acl->n - 2, t);
}

/* One that has several lines is not understood. */
static const struct ha_line *
acl_of(const struct ha_proxy *p, const char *name)
{
	const struct ha_line *l, *found = NULL;

	TAILQ_FOREACH(l, &p->lines, entry)
		if (ha_is(l, "acl", name) && l->n > 3) {
			if (found != NULL)
				return NULL;
			found = l;
		}
	return found;
}

static bool
criterion(struct conv *c, char *const *words, unsigned n, struct term *t)
{
	bool end = false;
	unsigned i = 1;

	if (n < 2 || (t->option = option_of(words[0])) == NULL)
		return false;
	t->values = conv_alloc(c, n * sizeof(*t->values));
	for (; i < n && words[i][0] == '-'; i++) {
		if (strcmp(words[i], "-i") == 0)
			continue;
		if (strcmp(words[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(words[i], "-m") != 0 || i + 1 == n)
			return false;
		i++;
		end = strcmp(words[i], "end") == 0 ||
		    strcmp(words[i], "dom") == 0;
		if (!end && strcmp(words[i], "str") != 0)
			return false;
	}
	for (; i < n; i++)
		if (!value(c, t, words[i], end))
			return false;
	return t->n > 0;
}

static const char *
option_of(const char *criterion)
{
	static const char *const all[][2] = { { "src", "from" },
	    { "ssl_fc_sni", "sni" }, { "req_ssl_sni", "sni" },
	    { "req.ssl_sni", "sni" }, { "ssl_fc_alpn", "alpn" },
	    { "req.ssl_alpn", "alpn" } };
	size_t i;

	for (i = 0; i < nitems_of(all); i++)
		if (strcmp(criterion, all[i][0]) == 0)
			return all[i][1];
	return NULL;
}

static bool
value(struct conv *c, struct term *t, const char *text, bool end)
{
	const struct conf_opt *o = conf_spec_find(&conf_spec_route, t->option);
	struct acl_rule rule;
	const char *err;

	if (end)
		text = conv_text(c, "*%s%s", *text == '.' ? "" : ".", text);
	t->values[t->n++] = text;
	return o->type == CONF_RULES ? !end &&
	    acl_parse_network(text, &rule, &err) == 0 :
	    *text != '\0' && (o->wrong == NULL || o->wrong(text) == NULL);
}

static void
route(struct haproxy *h, const struct ha_line *l,
    struct ha_listens *listens, const struct condition *c,
    const struct part *relay)
{
	struct part *p;
	unsigned i, k, v;

	for (k = 0; k < c->n; k++)
		if (c->terms[k].not) {
			conv_left(h->c, l->number, "a condition cannot be "
			    "turned around");
			return;
		}
	for (i = 0; i < listens->n; i++) {
		p = conv_part(h->c, listens->part[i], "route", NULL);
		for (k = 0; k < c->n; k++)
			for (v = 0; v < c->terms[k].n; v++)
				conv_add(h->c, p, l->number,
				    c->terms[k].option,
				    c->terms[k].values[v]);
		conv_set(h->c, p, l->number, "relay", relay->title);
	}
}

/* --- who may --- */

/* Rules of ours are one list, in which the first that matches decides. */
bool
ha_access(struct haproxy *h, const struct ha_proxy *p,
    const struct ha_line *l, struct ha_listens *listens)
{
	struct condition c = { .n = 0 };
	unsigned i = 4, k;
	bool accept, reject;

	if (!ha_is(l, "tcp-request", NULL))
		return false;
	if (ha_is(l, "tcp-request", "inspect-delay") || is_hello(l))
		return true;
	accept = strcmp(l->words[2], "accept") == 0;
	reject = strcmp(l->words[2], "reject") == 0 ||
	    strcmp(l->words[2], "silent-drop") == 0;
	if ((accept || reject) && (l->n == 3 ||
	    (strcmp(l->words[3], "if") == 0 &&
	    condition(h, p, l, &i, &c) && i == l->n)) &&
	    access_rule(h, l, listens, &c, accept))
		return true;
	/* Nobody more is to be let in because of it. */
	for (k = 0; reject && k < listens->n; k++)
		conv_put_first(h->c, listens->part[k], l->number, "access",
		    "deny all");
	conv_left(h->c, l->number, "such a rule cannot be written%s", reject ?
	    "; nobody is let in before access is put right" : "");
	return true;
}

/* What it takes to look at the first message of TLS. */
static bool
is_hello(const struct ha_line *l)
{
	return ha_is(l, "tcp-request", "content") && l->n == 8 &&
	    strcmp(l->words[2], "accept") == 0 &&
	    (strcmp(l->words[5], "req_ssl_hello_type") == 0 ||
	    strcmp(l->words[5], "req.ssl_hello_type") == 0);
}

/* "reject if !A" lets in A alone, and so ends the list. */
static bool
access_rule(struct haproxy *h, const struct ha_line *l,
    struct ha_listens *listens, const struct condition *c, bool accept)
{
	const struct term *t = &c->terms[0];
	unsigned i, k;
	bool permit;

	if (c->n > 1 || (c->n == 1 && strcmp(t->option, "from") != 0) ||
	    (c->n == 1 && t->not && accept) || listens->closed)
		return false;
	permit = accept || (c->n == 1 && t->not);
	for (i = 0; i < listens->n; i++) {
		for (k = 0; c->n == 1 && k < t->n; k++)
			conv_add(h->c, listens->part[i], l->number, "access",
			    conv_text(h->c, "%s %s", permit ? "permit" :
			    "deny", t->values[k]));
		if (c->n == 0 || (t->not && !accept))
			conv_add(h->c, listens->part[i], l->number, "access",
			    accept ? "permit all" : "deny all");
	}
	listens->closed = c->n == 0 || (t->not && !accept);
	return true;
}

/* There, who no rule is for is let in. */
void
ha_access_end(struct haproxy *h, struct ha_listens *listens)
{
	unsigned i;

	for (i = 0; i < listens->n; i++)
		if (!listens->closed && conv_has(listens->part[i], "access"))
			conv_add(h->c, listens->part[i], 1, "access",
			    "permit all");
}
