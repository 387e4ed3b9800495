#include "compat.h"

#include <dirent.h>

#include "env.h"
#include "pem.h"
#include "system.h"

/* Where a bundle is if OpenSSL has none of its own and nobody names one, as in
 * small images of containers. */
#define BUNDLE	"/etc/ssl/certs/ca-certificates.crt"

/* What is looked for. */
struct search {
	struct conf_text	*text;
	unsigned		 line;
	STACK_OF(X509)		*found;
};

static const char *place(const char *, const char *);
static void	 take_file(struct search *, const char *);
static void	 take_folders(struct search *, const char *);
static void	 take_folder(struct search *, const char *);
static bool	 is_hashed(const char *);
static void	 take(STACK_OF(X509) *, X509 *);

STACK_OF(X509) *
system_cas(struct conf_text *text, unsigned line, char *why)
{
	struct search s = { text, line, sk_X509_new_null() };
	const char *file = place(X509_get_default_cert_file_env(),
	    X509_get_default_cert_file());
	const char *folders = place(X509_get_default_cert_dir_env(),
	    X509_get_default_cert_dir());

	if (s.found != NULL) {
		take_file(&s, file);
		take_folders(&s, folders);
	}
	if (s.found != NULL && sk_X509_num(s.found) == 0 &&
	    file == X509_get_default_cert_file() &&
	    folders == X509_get_default_cert_dir())
		take_file(&s, BUNDLE);
	if (sk_X509_num(s.found) > 0)
		return s.found;
	sk_X509_free(s.found);
	snprintf(why, PEM_WHY, "there is nobody whom the system believes, "
	    "neither in the file %.128s nor in the folder %.128s: install "
	    "ca-certificates, or add ca = FILE", file, folders);
	return NULL;
}

static const char *
place(const char *variable, const char *otherwise)
{
	const char *value = env_get(variable);

	return value != NULL && *value != '\0' ? value : otherwise;
}

/* One that is not there, or is of something else, has none. */
static void
take_file(struct search *s, const char *path)
{
	STACK_OF(X509) *all = NULL;
	struct pem_file f;
	X509 *cert;

	if (pem_open(&f, path) == 0) {
		conf_trust(s->text, s->line, f.fd, path);
		all = pem_certs(&f);
	}
	pem_close(&f);
	while (all != NULL && (cert = sk_X509_shift(all)) != NULL)
		take(s->found, cert);
	sk_X509_free(all);
}

static void
take_folders(struct search *s, const char *list)
{
	char path[PATH_MAX];
	size_t n;

	for (; *list != '\0'; list += n + (list[n] != '\0')) {
		n = strcspn(list, ":");
		if (n == 0 || n >= sizeof(path))
			continue;
		memcpy(path, list, n);
		path[n] = '\0';
		take_folder(s, path);
	}
}

static void
take_folder(struct search *s, const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *e;
	char name[PATH_MAX];
	int n;

	if (folder == NULL)
		return;
	while ((e = readdir(folder)) != NULL) {
		n = snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (is_hashed(e->d_name) && n > 0 && (size_t)n < sizeof(name))
			take_file(s, name);
	}
	closedir(folder);
}

/* "8 hexadecimal digits.number"; those of revocations have an r. */
static bool
is_hashed(const char *name)
{
	const size_t hex = strspn(name, "0123456789abcdef");

	return hex == 8 && name[hex] == '.' && name[hex + 1] != '\0' &&
	    name[hex + 1 + strspn(name + hex + 1, "0123456789")] == '\0';
}

static void
take(STACK_OF(X509) *found, X509 *cert)
{
	int i;

	for (i = 0; i < sk_X509_num(found); i++)
		if (X509_cmp(sk_X509_value(found, i), cert) == 0)
			break;
	if (i < sk_X509_num(found) || sk_X509_push(found, cert) == 0)
		X509_free(cert);
}
