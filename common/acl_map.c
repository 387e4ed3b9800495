#include "compat.h"

#include "acl_map.h"

/*
 * All addresses of a family in a row, cut where a rule begins or ends. The
 * rules paint the pieces between the cuts, each those that none before it has
 * painted. What stays is where the colour changes. An IPv4 address stands in
 * the upper bits, so that both families are one code.
 */

struct key {
	uint64_t hi, lo;
};

/* While a row is made. */
struct pieces {
	struct key	*cut;		/* where each begins; the first at 0 */
	uint32_t	*next;		/* it, or a later one: not painted */
	bool		*permit;
	uint32_t	 n;
};

struct row {
	struct key	*turn;		/* the answer changes here, sorted */
	size_t		 n;
	bool		 permit;	/* the answer before the first */
};

struct acl_map {
	struct row	 v4, v6;
	bool		 local;		/* it has "unix" */
	bool		 timed;		/* it holds for the minute: */
	unsigned	 minute;	/* of the week */
	struct acl	 acl;		/* if it is timed */
};

static int	 map_make(struct acl_map *, const struct acl *, unsigned);
static bool	 map_turns(const struct acl_map *, unsigned);
static bool	 map_says(const struct acl_map *, const struct source *);
static int	 row_make(struct row *, const struct acl *, int, unsigned);
static int	 pieces_new(struct pieces *, const struct acl *, int);
static void	 pieces_cut(struct pieces *, const struct acl *, int);
static void	 pieces_free(struct pieces *);
static void	 pieces_rule(struct pieces *, const struct acl_rule *, int);
static void	 pieces_paint(struct pieces *, uint32_t, uint32_t, bool);
static uint32_t	 pieces_free_at(struct pieces *, uint32_t);
static int	 row_take(struct row *, const struct pieces *);
static bool	 acl_has_unix(const struct acl *);
static struct key key_of(const uint8_t *, int);
static bool	 key_after(const struct acl_rule *, struct key *);
static int	 key_cmp(const void *, const void *);
static size_t	 key_find(const struct key *, size_t, const struct key *);

struct acl_map *
acl_map_new(const struct acl *acl)
{
	struct acl_map *map;

	if ((map = calloc(1, sizeof(*map))) == NULL)
		return NULL;
	map->local = acl_has_unix(acl);
	if ((map->timed = acl_timed(acl))) {
		window_zone();
		map->acl = *acl;
		map->minute = window_now();
	}
	if (map_make(map, acl, map->minute) == -1) {
		acl_map_free(&map);
		errno = ENOMEM;
	}
	return map;
}

/* As it is at that minute. */
static int
map_make(struct acl_map *map, const struct acl *acl, unsigned minute)
{
	struct row v4 = { .n = 0 }, v6 = { .n = 0 };

	if (row_make(&v4, acl, AF_INET, minute) == -1 ||
	    row_make(&v6, acl, AF_INET6, minute) == -1) {
		free(v4.turn);
		free(v6.turn);
		return -1;
	}
	free(map->v4.turn);
	free(map->v6.turn);
	map->v4 = v4;
	map->v6 = v6;
	map->minute = minute;
	return 0;
}

static int
row_make(struct row *row, const struct acl *acl, int family, unsigned minute)
{
	struct pieces p = { .cut = NULL };
	size_t i;
	int error = -1;

	if (pieces_new(&p, acl, family) == 0) {
		for (i = 0; i < acl->n; i++)
			if (window_open(&acl->rules[i].window, minute))
				pieces_rule(&p, &acl->rules[i], family);
		error = row_take(row, &p);
	}
	pieces_free(&p);
	return error;
}

static int
pieces_new(struct pieces *p, const struct acl *acl, int family)
{
	size_t i, max = 1;

	for (i = 0; i < acl->n; i++)
		if (acl->rules[i].family == family)
			max += 2;
	p->cut = calloc(max, sizeof(*p->cut));
	p->next = calloc(max + 1, sizeof(*p->next));
	p->permit = calloc(max, sizeof(*p->permit));
	if (p->cut == NULL || p->next == NULL || p->permit == NULL ||
	    max >= UINT32_MAX)
		return -1;
	pieces_cut(p, acl, family);
	memset(p->permit, !acl_lists(acl), max * sizeof(*p->permit));
	for (i = 0; i < p->n; i++)
		p->next[i] = (uint32_t)i;
	p->next[p->n] = p->n;
	return 0;
}

static void
pieces_cut(struct pieces *p, const struct acl *acl, int family)
{
	const struct acl_rule *rule;
	uint32_t n = 1, i;	/* the first is 0, as it was allocated */

	for (rule = acl->rules; rule < acl->rules + acl->n; rule++) {
		if (rule->family != family)
			continue;
		p->cut[n++] = key_of(rule->ip, family);
		if (key_after(rule, &p->cut[n]))
			n++;
	}
	qsort(p->cut, n, sizeof(*p->cut), key_cmp);
	p->n = 1;
	for (i = 1; i < n; i++)
		if (key_cmp(&p->cut[i], &p->cut[p->n - 1]) != 0)
			p->cut[p->n++] = p->cut[i];
}

static void
pieces_free(struct pieces *p)
{
	free(p->cut);
	free(p->next);
	free(p->permit);
}

static void
pieces_rule(struct pieces *p, const struct acl_rule *rule, int family)
{
	struct key first, after;
	uint32_t from = 0, to = p->n;

	if (rule->family == family) {
		first = key_of(rule->ip, family);
		from = (uint32_t)key_find(p->cut, p->n, &first) - 1;
		if (key_after(rule, &after))
			to = (uint32_t)key_find(p->cut, p->n, &after) - 1;
	} else if (rule->family != 0)
		to = 0;
	if (!rule->negate)
		pieces_paint(p, from, to, rule->permit);
	else {
		pieces_paint(p, 0, from, rule->permit);
		pieces_paint(p, to, p->n, rule->permit);
	}
}

/* Those from (from) up to before (to) that have no colour yet. */
static void
pieces_paint(struct pieces *p, uint32_t from, uint32_t to, bool permit)
{
	uint32_t i;

	for (i = pieces_free_at(p, from); i < to; i = pieces_free_at(p, i)) {
		p->permit[i] = permit;
		p->next[i] = i + 1;
	}
}

/* The first at or after i that has none; halves the way for who comes next. */
static uint32_t
pieces_free_at(struct pieces *p, uint32_t i)
{
	while (p->next[i] != i) {
		p->next[i] = p->next[p->next[i]];
		i = p->next[i];
	}
	return i;
}

static int
row_take(struct row *row, const struct pieces *p)
{
	uint32_t i;

	for (i = 1; i < p->n; i++)
		if (p->permit[i] != p->permit[i - 1])
			row->n++;
	row->permit = p->permit[0];
	if (row->n == 0)
		return 0;
	if ((row->turn = calloc(row->n, sizeof(*row->turn))) == NULL)
		return -1;
	for (i = 1, row->n = 0; i < p->n; i++)
		if (p->permit[i] != p->permit[i - 1])
			row->turn[row->n++] = p->cut[i];
	return 0;
}

static bool
acl_has_unix(const struct acl *acl)
{
	size_t i;

	for (i = 0; i < acl->n; i++)
		if (acl->rules[i].family == AF_UNIX)
			return true;
	return false;
}

void
acl_map_free(struct acl_map **mapp)
{
	struct acl_map *map = *mapp;

	*mapp = NULL;
	if (map == NULL)
		return;
	free(map->v4.turn);
	free(map->v6.turn);
	free(map);
}

bool
acl_map_permits(struct acl_map *map, const struct source *client)
{
	return map->timed ? acl_map_permits_at(map, client, window_now()) :
	    map_says(map, client);
}

/* Without memory for another map the rules answer, as they would for it. */
bool
acl_map_permits_at(struct acl_map *map, const struct source *client,
    unsigned minute)
{
	const struct acl_rule *rule;

	if (!map->timed || minute == map->minute)
		return map_says(map, client);
	if (!map_turns(map, minute))
		map->minute = minute;
	else if (map_make(map, &map->acl, minute) == -1) {
		if (client->family != AF_INET && client->family != AF_INET6)
			return true;
		rule = acl_first(&map->acl, client, minute);
		return rule != NULL ? rule->permit : !acl_lists(&map->acl);
	}
	return map_says(map, client);
}

/* Does a rule hold then that does not hold as it is, or the reverse? */
static bool
map_turns(const struct acl_map *map, unsigned minute)
{
	const struct acl_rule *r;

	for (r = map->acl.rules; r < map->acl.rules + map->acl.n; r++)
		if (window_open(&r->window, minute) !=
		    window_open(&r->window, map->minute))
			return true;
	return false;
}

static bool
map_says(const struct acl_map *map, const struct source *client)
{
	const struct row *row;
	struct key key;

	if (client->family == AF_INET)
		row = &map->v4;
	else if (client->family == AF_INET6)
		row = &map->v6;
	else
		return true;
	key = key_of(client->ip, client->family);
	return row->permit ^ (key_find(row->turn, row->n, &key) % 2 != 0);
}

bool
acl_map_has(const struct acl_map *map, const struct source *s)
{
	return s->family == AF_UNIX ? map->local : map_says(map, s);
}

static struct key
key_of(const uint8_t *ip, int family)
{
	struct key key = { 0, 0 };
	int i, len = family == AF_INET ? 4 : 16;

	for (i = 0; i < len && i < 8; i++)
		key.hi |= (uint64_t)ip[i] << (56 - 8 * i);
	for (; i < len; i++)
		key.lo |= (uint64_t)ip[i] << (120 - 8 * i);
	return key;
}

/* The first address beyond the rule's network; false if it has the last. */
static bool
key_after(const struct acl_rule *rule, struct key *key)
{
	struct key k = key_of(rule->ip, rule->family);

	if (rule->bits == 0)
		return false;
	if (rule->bits > 64) {
		k.lo += 1ULL << (128 - rule->bits);
		k.hi += k.lo == 0;
	} else
		k.hi += 1ULL << (64 - rule->bits);
	*key = k;
	return k.hi != 0 || k.lo != 0;
}

static int
key_cmp(const void *p, const void *q)
{
	const struct key *a = p, *b = q;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

/* How many of a sorted row are not beyond the key. */
static size_t
key_find(const struct key *row, size_t n, const struct key *key)
{
	size_t low = 0, half;

	while (n > 0) {
		half = n / 2;
		if (key_cmp(&row[low + half], key) <= 0) {
			low += half + 1;
			n -= half + 1;
		} else
			n = half;
	}
	return low;
}
