#include "compat.h"

#include <grp.h>
#include <pwd.h>

#include "conf/parse.h"

#define OWNER_NOBODY	"65534:65534"
#define OWNER_ID	65534U
#define ID_MAX		((long long)UINT32_MAX - 1) /* the last says "none" */

static const struct passwd *owner_first(const char *, const char *);
static int	 owner_of_status(struct conf *);
static const char *owner_copy(struct conf *, const char *);
static int	 owner_number(const char *, uint32_t *);
static uint32_t	 owner_uid(struct conf_check *, const struct conf_at *,
		    const char *, uint32_t *);
static uint32_t	 owner_gid(struct conf_check *, const struct conf_at *,
		    const char *);

/* "user[:group]"; without a group, the user's own. */
void
conf_read_user(struct conf_check *c, const struct conf_at *at)
{
	const char *text = conf_check_text(c, at);
	char *user, *group;
	uint32_t uid, gid;

	if (text == NULL)
		return;
	if ((user = strdup(text)) == NULL) {
		c->text->nomem = true;
		return;
	}
	if ((group = strchr(user, ':')) != NULL)
		*group++ = '\0';
	uid = owner_uid(c, at, user, &gid);
	if (group != NULL)
		gid = owner_gid(c, at, group);
	else if (uid != CONF_NOID && gid == CONF_NOID)
		conf_check_fail(c, at->line, "user %s has no entry that names "
		    "its group; write %s = \"%s:GROUP\"", user, at->name,
		    user);
	conf_field_set_id(at->opt, at->base, 0, uid);
	conf_field_set_id(at->opt, at->base, 1, gid);
	free(user);
}

void
conf_read_uid(struct conf_check *c, const struct conf_at *at)
{
	const char *text = conf_check_text(c, at);
	uint32_t gid;

	if (text != NULL)
		conf_field_set_id(at->opt, at->base, 0,
		    owner_uid(c, at, text, &gid));
}

void
conf_read_gid(struct conf_check *c, const struct conf_at *at)
{
	const char *text = conf_check_text(c, at);

	if (text != NULL)
		conf_field_set_id(at->opt, at->base, 0,
		    owner_gid(c, at, text));
}

/* Also where there is no user database, as in a container with nothing else. */
int
conf_default_users(struct conf *c)
{
	const struct passwd *pw;

	if (c->user == NULL) {
		pw = owner_first("_spawnd", "nobody");
		c->uid = pw != NULL ? (uint32_t)pw->pw_uid : OWNER_ID;
		c->gid = pw != NULL ? (uint32_t)pw->pw_gid : OWNER_ID;
		c->user = owner_copy(c, pw != NULL ? pw->pw_name :
		    OWNER_NOBODY);
		if (c->user == NULL)
			return -1;
	}
	if (c->log.user == NULL &&
	    (pw = owner_first("_spawndlog", "nobody")) != NULL &&
	    pw->pw_uid != c->uid) {
		c->log.uid = (uint32_t)pw->pw_uid;
		c->log.gid = (uint32_t)pw->pw_gid;
		if ((c->log.user = owner_copy(c, pw->pw_name)) == NULL)
			return -1;
	}
	return !conf_has_status(c) || c->status_user != NULL ? 0 :
	    owner_of_status(c);
}

/* Somebody's whom the others are not, if there is one. */
static int
owner_of_status(struct conf *c)
{
	const struct passwd *pw = owner_first("_spawndstat", "nobody");
	const bool logger = c->log.user != NULL && c->log.uid != 0;

	if (pw != NULL && pw->pw_uid != c->uid &&
	    !(logger && pw->pw_uid == c->log.uid)) {
		c->status_uid = (uint32_t)pw->pw_uid;
		c->status_gid = (uint32_t)pw->pw_gid;
		c->status_user = owner_copy(c, pw->pw_name);
	} else {
		c->status_uid = logger ? c->log.uid : c->uid;
		c->status_gid = logger ? c->log.gid : c->gid;
		c->status_user = owner_copy(c, logger ? c->log.user : c->user);
	}
	return c->status_user == NULL ? -1 : 0;
}

/* Of the two, the first that there is. */
static const struct passwd *
owner_first(const char *name, const char *other)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL || pw->pw_uid == 0)
		pw = getpwnam(other);
	return pw != NULL && pw->pw_uid != 0 ? pw : NULL;
}

static const char *
owner_copy(struct conf *c, const char *name)
{
	char *copy = conf_alloc(c, strlen(name) + 1);

	if (copy != NULL)
		strlcpy(copy, name, strlen(name) + 1);
	return copy;
}

/* 1: text is a number in range, 0: it is a name, -1: a number out of range. */
static int
owner_number(const char *text, uint32_t *id)
{
	const char *err;
	long long n;

	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return 0;
	n = strtonum(text, 0, ID_MAX, &err);
	if (err != NULL)
		return -1;
	*id = (uint32_t)n;
	return 1;
}

/* *gid is the user's own group, CONF_NOID for a number without an entry. */
static uint32_t
owner_uid(struct conf_check *c, const struct conf_at *at, const char *text,
    uint32_t *gid)
{
	const struct passwd *pw;
	uint32_t uid = CONF_NOID;

	*gid = CONF_NOID;
	switch (owner_number(text, &uid)) {
	case 1:
		if ((pw = getpwuid(uid)) != NULL)
			*gid = pw->pw_gid;
		break;
	case 0:
		if ((pw = getpwnam(text)) == NULL) {
			conf_check_fail(c, at->line,
			    "there is no user \"%.64s\"", text);
			break;
		}
		uid = pw->pw_uid;
		*gid = pw->pw_gid;
		break;
	default:
		conf_check_fail(c, at->line, "user %.64s is out of range; use "
		    "a name or 0 to %lld", text, ID_MAX);
		break;
	}
	return uid;
}

static uint32_t
owner_gid(struct conf_check *c, const struct conf_at *at, const char *text)
{
	const struct group *gr;
	uint32_t gid = CONF_NOID;

	switch (owner_number(text, &gid)) {
	case 1:
		break;
	case 0:
		if ((gr = getgrnam(text)) != NULL)
			gid = gr->gr_gid;
		else
			conf_check_fail(c, at->line,
			    "there is no group \"%.64s\"", text);
		break;
	default:
		conf_check_fail(c, at->line, "group %.64s is out of range; "
		    "use a name or 0 to %lld", text, ID_MAX);
		break;
	}
	return gid;
}
