#include "compat.h"

#include "conf/parse.h"

static void	 auth_section(struct conf_check *, const struct cfg_t *,
		    const struct conf_auth *);
static void	 auth_command(struct conf_check *, const struct cfg_t *,
		    const char *);
static void	 auth_timeout(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);

void
conf_check_auth(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf *conf = c->conf;
	unsigned i;

	for (i = 0; i < conf->nauths; i++)
		auth_section(c, conf_child(root, "auth", i), &conf->auths[i]);
	for (i = 0; i < conf->nprograms; i++)
		if (conf->programs[i].command != NULL)
			auth_command(c, conf_child(root, "program", i),
			    conf->programs[i].command);
	for (i = 0; i < conf->nlistens; i++)
		if (conf->listens[i].auth < conf->nauths)
			auth_timeout(c, conf_child(spawnd, "listen", i),
			    &conf->listens[i]);
}

static void
auth_section(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_auth *a)
{
	const struct conf_value *user = conf_value(sec, "user", 0);

	if (conf_value(sec, "command", 0) == NULL &&
	    conf_value(sec, "path", 0) == NULL)
		conf_check_missing(c, conf_line(sec), "auth \"%s\" asks "
		    "nobody; add command = PROGRAM, or the path of a unix "
		    "socket", a->name);
	if (a->command != NULL && a->path != NULL)
		conf_check_fail(c, conf_line(sec), "auth \"%s\" has a command "
		    "and a path; use one of them", a->name);
	if (a->command != NULL)
		auth_command(c, sec, a->command);
	if (user != NULL && a->path != NULL)
		conf_check_fail(c, user->line, "user is for a command; leave "
		    "it out");
}

static void
auth_command(struct conf_check *c, const struct cfg_t *sec,
    const char *command)
{
	const struct conf_value *v = conf_value(sec, "command", 0);
	const char *p;
	unsigned words = 1;

	for (p = command; *p != '\0'; p++)
		words += *p == ' ' && p[1] != ' ';
	if (command[0] != '/')
		conf_check_fail(c, v->line, "command \"%.64s\" is not "
		    "absolute; start it with \"/\"", command);
	if (words > CONF_WORDS)
		conf_check_fail(c, v->line, "command has more than %d words; "
		    "write a script", CONF_WORDS);
}

/* One of the two would never be met. */
static void
auth_timeout(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	const struct conf_auth *a = &c->conf->auths[l->auth];
	const struct conf_value *v = conf_value(sec, "auth", 0);

	if (v != NULL && a->timeout >= l->handshake_timeout)
		conf_text_warning(c->text, v->line, "the timeout of auth "
		    "\"%s\" is not less than the handshake-timeout of listen "
		    "\"%s\", which ends the session first", a->name, l->name);
}
