#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "users.h"

#define DES	13	/* characters of the oldest kind of hash */

static char	*whole(int, size_t *, const char **);
static int	 take(struct users *, char *, unsigned, const char **);
static const char *wrong_name(const char *);
static const char *wrong_hash(const char *);
static int	 add(struct users *, const struct user *);
static int	 sort(struct users *, unsigned *, const char **);
static int	 user_cmp(const void *, const void *);
static int	 user_is(const void *, const void *);

int
users_read(struct users *u, const char *path, unsigned *line,
    const char **errp)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *p, *end;
	int r = 0;

	memset(u, 0, sizeof(*u));
	*line = 0;
	*errp = strerror(errno);
	if (fd == -1 || (u->text = whole(fd, &u->len, errp)) ==
	    NULL)
		return -1;
	for (p = u->text; p != NULL && r == 0; p = end) {
		if ((end = strchr(p, '\n')) != NULL)
			*end++ = '\0';
		r = take(u, p, ++*line, errp);
	}
	if (r == 0 && u->n == 0) {
		*errp = "there is nobody in it";
		*line = 0;
		r = -1;
	}
	if (r == 0)
		r = sort(u, line, errp);
	if (r == -1)
		users_free(u);
	return r;
}

/* Closes it. */
static char *
whole(int fd, size_t *len, const char **errp)
{
	char *text = NULL;
	struct stat st;
	ssize_t n = -1;

	*errp = "it is no file of at most 16 MiB";
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= USERS_FILE &&
	    ((text = malloc((size_t)st.st_size + 1)) == NULL ||
	    (n = read(fd, text, (size_t)st.st_size)) == -1))
		*errp = strerror(errno);
	close(fd);
	if (n != -1 && n != st.st_size) {
		*errp = "a part of it cannot be read";
		n = -1;
	}
	if (n == -1) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*len = (size_t)n;
	return text;
}

/* A line, which is taken apart in place. */
static int
take(struct users *u, char *line, unsigned number, const char **errp)
{
	struct user user = { .name = line, .line = number };
	char *colon = strchr(line, ':');

	if (*line == '\0' || *line == '#')
		return 0;
	if (colon == NULL || colon == line) {
		*errp = "this is no name:hash";
		return -1;
	}
	*colon = '\0';
	user.hash = colon + 1;
	if ((*errp = wrong_name(user.name)) != NULL ||
	    (*errp = wrong_hash(user.hash)) != NULL)
		return -1;
	if (u->first == NULL)
		u->first = user.hash;
	if (add(u, &user) == 0)
		return 0;
	*errp = strerror(errno);
	return -1;
}

static const char *
wrong_name(const char *name)
{
	const char *p = name;

	while ((unsigned char)*p >= ' ' && *p != 0x7f)
		p++;
	return *p != '\0' || p - name > USERS_NAME ? "a name has at most 255 "
	    "bytes, and no control characters" : NULL;
}

/* Which kinds this system's crypt(3) has is known when it is asked. */
static const char *
wrong_hash(const char *hash)
{
	const char *p = hash;

	if (strncmp(hash, "$apr1$", 6) == 0)
		return "crypt(3) does not know Apache's own hashes (apr1); "
		    "make it by openssl passwd -6";
	while (*p > ' ' && *p < 0x7f && strchr(":;*!\\", *p) == NULL)
		p++;
	if (*p != '\0' || p - hash > USERS_HASH ||
	    (*hash != '$' && *hash != '_' && p - hash != DES))
		return "there is no hash of crypt(3) behind the name; make it "
		    "by openssl passwd -6";
	return NULL;
}

static int
add(struct users *u, const struct user *user)
{
	const size_t room = u->room == 0 ? 64 : u->room * 2;
	struct user *more;

	if (u->n == u->room) {
		if ((more = reallocarray(u->all, room, sizeof(*more))) == NULL)
			return -1;
		u->all = more;
		u->room = room;
	}
	u->all[u->n++] = *user;
	return 0;
}

static int
sort(struct users *u, unsigned *line, const char **errp)
{
	size_t i;

	qsort(u->all, u->n, sizeof(*u->all), user_cmp);
	for (i = 1; i < u->n; i++)
		if (strcmp(u->all[i - 1].name, u->all[i].name) == 0) {
			*line = MAX(u->all[i - 1].line, u->all[i].line);
			*errp = "this name is there before";
			return -1;
		}
	return 0;
}

static int
user_cmp(const void *a, const void *b)
{
	return user_is(((const struct user *)a)->name, b);
}

static int
user_is(const void *name, const void *user)
{
	return strcmp(name, ((const struct user *)user)->name);
}

struct user *
users_find(const struct users *u, const char *name)
{
	return bsearch(name, u->all, u->n, sizeof(*u->all), user_is);
}

void
users_free(struct users *u)
{
	if (u->text != NULL)
		explicit_bzero(u->text, u->len);
	free(u->text);
	free(u->all);
	memset(u, 0, sizeof(*u));
}
