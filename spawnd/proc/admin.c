#include "compat.h"

#include <inttypes.h>

#include "board.h"
#include "proc/admin.h"

static struct setting *setting_of(const char *, const char *);
static void	 setting_free(struct setting *);

static TAILQ_HEAD(, setting)	 settings = TAILQ_HEAD_INITIALIZER(settings);

static struct setting *
setting_of(const char *relay, const char *remote)
{
	struct setting *s;

	TAILQ_FOREACH(s, &settings, entry)
		if (strcmp(s->remote, remote) == 0 &&
		    strcmp(s->relay, relay) == 0)
			return s;
	return NULL;
}

static void
setting_free(struct setting *s)
{
	TAILQ_REMOVE(&settings, s, entry);
	free(s);
}

uint32_t
admin_of(const char *relay, const char *remote)
{
	const struct setting *s = setting_of(relay, remote);

	return s == NULL ? 0 : s->admin;
}

int
admin_set(const char *relay, const char *remote, uint32_t admin)
{
	struct setting *s = setting_of(relay, remote);

	if (admin == 0) {
		if (s != NULL)
			setting_free(s);
		return 0;
	}
	if (s == NULL) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			return -1;
		strlcpy(s->relay, relay, sizeof(s->relay));
		strlcpy(s->remote, remote, sizeof(s->remote));
		TAILQ_INSERT_TAIL(&settings, s, entry);
	}
	s->admin = admin;
	return 0;
}

const struct setting *
admin_first(void)
{
	return TAILQ_FIRST(&settings);
}

char *
admin_str(uint32_t admin, char buf[ADMIN_STRLEN])
{
	const enum conf_state state = BOARD_ADMIN_STATE(admin);
	const unsigned weight = BOARD_ADMIN_WEIGHT(admin);
	const char *name = state == BOARD_ADMIN_NONE ? "" :
	    conf_state_name(state);

	if (weight == 0)
		strlcpy(buf, name, ADMIN_STRLEN);
	else
		snprintf(buf, ADMIN_STRLEN, "%s%sweight %u", name,
		    *name != '\0' ? ", " : "", weight);
	return buf;
}

void
admin_save(FILE *f)
{
	const struct setting *s;

	TAILQ_FOREACH(s, &settings, entry)
		fprintf(f, "admin %s %s %" PRIu32 "\n", s->relay, s->remote,
		    s->admin);
}

bool
admin_take(const char *line)
{
	char relay[CONF_NAME], remote[CONF_NAME];
	uint32_t admin;

	return sscanf(line, "admin %31s %31s %" SCNu32, relay, remote,
	    &admin) == 3 && admin_set(relay, remote, admin) == 0;
}
