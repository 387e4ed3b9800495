#include "compat.h"

#include "dest/names.h"
#include "dest/rules.h"
#include "remote/local.h"
#include "remote/remotes.h"
#include "session.h"
#include "special.h"
#include "stage/resolve.h"

static enum step	 resolve_name(struct sess *, struct dest *);
static void		 resolve_answered(void *);
static enum step	 resolve_take(struct sess *,
			    const struct name_answer *);
static void		 resolve_add(const struct sess *, struct dest *,
			    const struct source *);
static enum step	 resolve_checked(struct sess *, struct dest *);
static void		 resolve_order(struct dest *, enum conf_prefer);
static unsigned	 resolve_pick(const struct source *, unsigned, int);
static enum step	 resolve_failed(struct sess *, enum dest_fault);

bool
resolve_wanted(const struct path *p)
{
	return p->relay->ntargets > 0;
}

enum step
resolve_enter(struct sess *s)
{
	struct dest *d = s->extra == NULL ? NULL : s->extra->dest;
	struct source to;

	if (d == NULL)
		return sess_end(s, WHO_RELAY, WHY_NO_REMOTE, CUT_RESET);
	s->soon = false;	/* of the stage before, it may be */
	dest_own_learn(s->path->listen, s->client.io.fd);
	if (d->host[0] != '\0')
		return resolve_name(s, d);
	if (d->addr.len == 0)
		return resolve_failed(s, DEST_NO_NAME);
	source_set(&to, &d->addr.sa);
	resolve_add(s, d, &to);
	return resolve_checked(s, d);
}

static enum step
resolve_name(struct sess *s, struct dest *d)
{
	const struct name_answer *a;

	if (!dest_rules_may_look(s->path->remotes->rules, d))
		return resolve_failed(s, DEST_DENIED);
	a = names_ask(d->host, &d->wait, resolve_answered, s);
	if (a != NULL)
		return resolve_take(s, a);
	if (d->wait == NULL)
		return resolve_failed(s, DEST_LACKS);
	sess_touch(s);
	return STEP_WAIT;
}

static void
resolve_answered(void *arg)
{
	sess_resume(arg);
}

enum step
resolve_event(struct sess *s, struct end *e)
{
	const struct name_answer *a = names_answer(s->extra->dest->wait);

	if (!e->remote && e->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	return a == NULL ? STEP_WAIT : resolve_take(s, a);
}

enum step
resolve_timeout(struct sess *s)
{
	return sess_is_late(s) ? resolve_failed(s, DEST_NAME_TIMEOUT) :
	    STEP_WAIT;
}

static enum step
resolve_take(struct sess *s, const struct name_answer *a)
{
	struct dest *d = s->extra->dest;
	unsigned i;

	for (i = 0; i < a->n; i++)
		resolve_add(s, d, &a->addrs[i]);
	i = a->fault;
	names_forget(&d->wait);
	return i != DEST_OK ? resolve_failed(s, (enum dest_fault)i) :
	    resolve_checked(s, d);
}

/* In the form that is connected to, if it is permitted. */
static void
resolve_add(const struct sess *s, struct dest *d, const struct source *to)
{
	struct source forms[SPECIAL_FORMS], *at = &d->to[d->n];
	struct remotes *rs = s->path->remotes;

	special_forms(to, forms);
	*at = forms[0];
	at->port = d->port;
	if (d->port != 0 && local_reaches(rs->locals, at->family) &&
	    dest_rules_permit(rs->rules, d, at) && !dest_is_own(at))
		d->n++;
}

static enum step
resolve_checked(struct sess *s, struct dest *d)
{
	if (d->n == 0)
		return resolve_failed(s, DEST_DENIED);
	if (d->n > 1)
		resolve_order(d, s->path->relay->targets->prefer);
	return STEP_NEXT;
}

/* The families in turn, IPv6 first (RFC 8305, 4), or the one that is preferred;
 * each as the answer has it. */
static void
resolve_order(struct dest *d, enum conf_prefer prefer)
{
	struct source all[DEST_ADDRS];
	int want = prefer == PREFER_IPV4 ? AF_INET : AF_INET6;
	unsigned i, n;

	memcpy(all, d->to, sizeof(all));
	for (n = 0; n < d->n; n++) {
		i = resolve_pick(all, d->n, want);
		d->to[n] = all[i];
		all[i].family = 0;
		if (prefer == PREFER_ANY)
			want = want == AF_INET ? AF_INET6 : AF_INET;
	}
}

/* The first of that family, else of the other one; taken ones have none. */
static unsigned
resolve_pick(const struct source *all, unsigned n, int want)
{
	unsigned i, other = n;

	for (i = 0; i < n && all[i].family != want; i++)
		if (all[i].family != 0 && other == n)
			other = i;
	return i < n ? i : other;
}

static enum step
resolve_failed(struct sess *s, enum dest_fault fault)
{
	s->extra->dest->fault = (uint8_t)fault;
	return sess_end(s, WHO_RELAY, fault == DEST_DENIED ?
	    WHY_TARGET_DENIED : fault == DEST_LACKS ? WHY_MEMORY :
	    WHY_TARGET_NAME, CUT_RESET);
}
