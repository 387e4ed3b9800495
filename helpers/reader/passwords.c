#include "compat.h"

#include <sys/stat.h>

#include "passwords.h"
#include "users.h"

static void	 look_file(struct conf_check *, const char *, unsigned);

/* Those that have the same file name it once. */
void
passwords_look(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf_listen *l = c->conf->listens;
	const struct conf_value *v;
	unsigned i, k;

	for (i = 0; i < c->conf->nlistens; i++) {
		v = conf_value(conf_child(spawnd, "listen", i), "users", 0);
		for (k = 0; k < i && l[i].users != NULL; k++)
			if (l[k].users != NULL &&
			    strcmp(l[k].users, l[i].users) == 0)
				break;
		if (l[i].users != NULL && v != NULL && k == i)
			look_file(c, l[i].users, v->line);
	}
}

static void
look_file(struct conf_check *c, const char *path, unsigned line)
{
	struct users u;
	struct stat st;
	const char *why;
	unsigned at;

	if (users_read(&u, path, &at, &why) == -1) {
		if (at == 0)
			conf_check_fail(c, line, "users = %.256s: %s", path,
			    why);
		else
			conf_check_fail(c, line, "users = %.256s, line %u: %s",
			    path, at, why);
		return;
	}
	users_free(&u);
	if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		conf_text_warning(c->text, line, "%.256s can be %s by "
		    "everybody; chmod 600", path, st.st_mode & S_IWOTH ?
		    "written" : "read");
}
