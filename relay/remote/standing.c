#include "compat.h"

#include "balance.h"
#include "ev.h"
#include "rise.h"
#include "local.h"
#include "self.h"
#include "standing.h"

#define WHOLE		(UINT64_C(1) << 16)	/* what weights divide */
#define DRAINED_LAST	(UINT64_C(1) << 63)	/* in the order of keys */
#define BACKUP_LATER	(UINT64_C(1) << 62)

/* What a place was, or is; version 0 is the configuration's. */
struct place_addr {
	struct place_addr	*next;
	struct addr		 addr;
	uint8_t			 version;
};

static bool	 learn_target(struct remote *, const struct target *);
static bool	 learn_address(struct remote *, const struct target *);
static void	 forget_version(struct remote *, uint8_t);
static enum remote_standing standing_of(const struct remote *,
		    const struct target *);
static enum conf_state	 state_of(const struct remote *);

bool
standing_learn(struct remote *r)
{
	struct target t = { .present = r->number < r->conf->naddr };

	r->admin = atomic_load(&r->told->admin);
	if (self.targets.mem != NULL && !target_get(&self.targets,
	    (unsigned)(r->told - self.board.told->places), &t))
		return false;
	return learn_target(r, &t);
}

static bool
learn_target(struct remote *r, const struct target *t)
{
	const bool was = r->present, was_good = r->standing == STANDING_GOOD;
	const uint16_t weight = BOARD_ADMIN_WEIGHT(r->admin) != 0 ?
	    BOARD_ADMIN_WEIGHT(r->admin) : t->weight != 0 ? t->weight :
	    (uint16_t)r->conf->weight;
	bool moved = false;

	if (t->present && self.targets.mem != NULL)
		moved = learn_address(r, t);
	r->backup = r->conf->backup || t->backup;
	r->standing = (uint8_t)standing_of(r, t);
	r->plain = r->standing == STANDING_GOOD && !r->backup &&
	    r->conf->max_sessions == 0;
	r->present = t->present != 0;
	if (weight != r->weight || was != r->present || moved) {
		r->weight = weight;
		balance_changed(r);
	}
	if (r->standing == STANDING_GOOD && (r->learned ? !was_good :
	    t->state == TARGET_UP && t->back))
		rise_from(r, r->learned ? ev_now() : t->since);
	r->fell |= r->learned && !r->down && t->state == TARGET_DOWN;
	r->down = t->state == TARGET_DOWN;
	r->learned = true;
	return was != r->present || moved;
}

/* Sessions that are open at the former one know it by its version. Without
 * memory it stays what it is until there are other news. */
static bool
learn_address(struct remote *r, const struct target *t)
{
	struct place_addr *a;
	struct addr now;

	if (!target_addr(t, r->conf, r->number, &now) ||
	    (r->addr != NULL && addr_cmp(r->addr, &now) == 0))
		return false;
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return false;
	a->addr = now;
	if (++r->version == 0)
		r->version = 1;
	forget_version(r, r->version);
	a->version = r->version;
	a->next = r->addrs;
	r->addrs = a;
	r->addr = &a->addr;
	r->whose = REMOTE_UNSEEN;
	r->slow = false;
	return true;
}

/* A name server may go on like that for ever, and a session too: of so many
 * addresses ago it is not known any more where it is. */
static void
forget_version(struct remote *r, uint8_t version)
{
	struct place_addr **ap = &r->addrs, *a;

	while ((a = *ap) != NULL && a->version != version)
		ap = &a->next;
	if (a == NULL)
		return;
	*ap = a->next;
	free(a);
}

static enum remote_standing
standing_of(const struct remote *r, const struct target *t)
{
	const enum conf_state state = state_of(r);

	if (!t->present || r->addr == NULL || state == STATE_DISABLED ||
	    !local_reaches(r->locals, r->addr->sa.sa_family))
		return STANDING_AWAY;
	if (state == STATE_DRAIN)
		return STANDING_DRAINED;
	return t->state == TARGET_DOWN ? STANDING_DOWN : STANDING_GOOD;
}

static enum conf_state
state_of(const struct remote *r)
{
	return BOARD_ADMIN_STATE(r->admin) == BOARD_ADMIN_NONE ?
	    r->conf->state : BOARD_ADMIN_STATE(r->admin);
}

struct heap *
standing_place(struct remote *r, uint64_t *key)
{
	if (r->standing == STANDING_GOOD && !r->backup)
		return NULL;
	*key = (remote_load(r) + 1) * (WHOLE / r->weight);
	if (r->standing == STANDING_GOOD)
		return &r->of->backups;
	if (r->backup)
		*key |= BACKUP_LATER;
	if (r->standing == STANDING_DRAINED)
		*key |= DRAINED_LAST;
	return &r->of->last;
}

const struct addr *
remote_addr(const struct remote *r, uint8_t version)
{
	const struct place_addr *a;

	for (a = r->addrs; a != NULL; a = a->next)
		if (a->version == version)
			return &a->addr;
	return version == 0 ? &r->conf->addr[r->number] : r->addr;
}

/* The first one is what it is now. */
void
standing_left(struct remote *r)
{
	struct place_addr *a;

	while ((a = r->addrs->next) != NULL) {
		r->addrs->next = a->next;
		free(a);
	}
}
