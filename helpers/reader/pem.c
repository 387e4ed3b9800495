#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pem.h"
#include "conf/parse.h"
#include "tls/context.h"

/* A passphrase, and whether it was asked for. */
struct asked {
	const char	*passphrase;
	bool		 yes;
};

static int	 failed(struct pem_file *, const char *, ...)
		    printf_like(2, 3);
static int	 unreadable(struct pem_file *, int);
static const char *user_str(uid_t, char *, size_t);
static const char *group_str(gid_t, char *, size_t);
static BIO	*bytes_of(struct pem_file *);
static int	 next_item(struct pem_file *, BIO *, const char *,
		    unsigned char **, long *);
static int	 passphrase_cb(char *, int, int, void *);
static void	 no_key(struct pem_file *, const struct asked *);
static void	 nothing(struct pem_file *, const char *);

int
pem_open(struct pem_file *f, const char *path)
{
	struct stat st;
	ssize_t n;

	memset(f, 0, sizeof(*f));
	f->path = path;
	if ((f->fd = conf_text_open(path)) == -1)
		return unreadable(f, errno);
	if (fstat(f->fd, &st) == 0 && S_ISDIR(st.st_mode))
		return failed(f, "is a directory; name a file in it");
	if ((f->bytes = malloc(PEM_FILE_MAX + 1)) == NULL)
		return failed(f, "cannot be read: there is no memory");
	while (f->len <= PEM_FILE_MAX && (n = read(f->fd, f->bytes + f->len,
	    PEM_FILE_MAX + 1 - f->len)) != 0) {
		if (n == -1)
			return unreadable(f, errno);
		f->len += (size_t)n;
	}
	if (f->len > PEM_FILE_MAX)
		return failed(f, "is larger than %d bytes, and so none of "
		    "these files", PEM_FILE_MAX);
	f->bytes[f->len] = '\0';
	return f->len == 0 ? failed(f, "is empty") : 0;
}

void
pem_close(struct pem_file *f)
{
	if (f->bytes != NULL)
		OPENSSL_cleanse(f->bytes, f->len);
	free(f->bytes);
	f->bytes = NULL;
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

static int
failed(struct pem_file *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return -1;
}

/* By whom, and whose it is. */
static int
unreadable(struct pem_file *f, int error)
{
	char us[64], owner[64], group[64];
	struct stat st;

	if (error != EACCES)
		return failed(f, "cannot be read: %s", strerror(error));
	user_str(geteuid(), us, sizeof(us));
	if (stat(f->path, &st) == -1)
		return failed(f, "cannot be read by user %s: a folder on the "
		    "way is closed to them", us);
	return failed(f, "cannot be read by user %s: it is user %s's and "
	    "group %s's, of mode %04o; let that user read it, or start spawnd "
	    "as root", us, user_str(st.st_uid, owner, sizeof(owner)),
	    group_str(st.st_gid, group, sizeof(group)),
	    (unsigned)st.st_mode & 07777);
}

static const char *
user_str(uid_t uid, char *buf, size_t size)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		strlcpy(buf, pw->pw_name, size);
	else
		snprintf(buf, size, "%u", (unsigned)uid);
	return buf;
}

static const char *
group_str(gid_t gid, char *buf, size_t size)
{
	const struct group *gr = getgrgid(gid);

	if (gr != NULL)
		strlcpy(buf, gr->gr_name, size);
	else
		snprintf(buf, size, "%u", (unsigned)gid);
	return buf;
}

static BIO *
bytes_of(struct pem_file *f)
{
	BIO *bio = BIO_new_mem_buf(f->bytes, (int)f->len);

	if (bio == NULL)
		failed(f, "cannot be read: there is no memory");
	return bio;
}

STACK_OF(X509) *
pem_certs(struct pem_file *f)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = bytes_of(f);
	unsigned char *der;
	const unsigned char *p;
	X509 *cert;
	long len;
	int more = -1;

	while (all != NULL && bio != NULL &&
	    (more = next_item(f, bio, "CERTIFICATE", &der, &len)) == 1) {
		p = der;
		cert = d2i_X509(NULL, &p, len);
		OPENSSL_free(der);
		if (cert == NULL || sk_X509_push(all, cert) == 0) {
			X509_free(cert);
			more = failed(f, "is damaged: certificate %d in it "
			    "cannot be understood (%s); copy it again",
			    sk_X509_num(all) + 1, tls_error());
			break;
		}
	}
	BIO_free(bio);
	if (more == 0 && sk_X509_num(all) > 0)
		return all;
	if (more == 0)
		nothing(f, "certificate");
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

STACK_OF(X509_CRL) *
pem_crls(struct pem_file *f)
{
	STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
	BIO *bio = bytes_of(f);
	unsigned char *der;
	const unsigned char *p;
	X509_CRL *crl;
	long len;
	int more = -1;

	while (all != NULL && bio != NULL &&
	    (more = next_item(f, bio, "X509 CRL", &der, &len)) == 1) {
		p = der;
		crl = d2i_X509_CRL(NULL, &p, len);
		OPENSSL_free(der);
		if (crl == NULL || sk_X509_CRL_push(all, crl) == 0) {
			X509_CRL_free(crl);
			more = failed(f, "is damaged: list %d in it cannot be "
			    "understood (%s); copy it again",
			    sk_X509_CRL_num(all) + 1, tls_error());
			break;
		}
	}
	BIO_free(bio);
	if (more == 0 && sk_X509_CRL_num(all) > 0)
		return all;
	if (more == 0)
		nothing(f, "list of revoked certificates");
	sk_X509_CRL_pop_free(all, X509_CRL_free);
	return NULL;
}

/* Passes over what is of another kind. Returns 1, 0 at the end, -1 with why. */
static int
next_item(struct pem_file *f, BIO *bio, const char *kind, unsigned char **der,
    long *len)
{
	char *name, *header;
	bool is;

	while (PEM_read_bio(bio, &name, &header, der, len) == 1) {
		is = strcmp(name, kind) == 0 || (strcmp(name, "X509 "
		    "CERTIFICATE") == 0 && strcmp(kind, "CERTIFICATE") == 0);
		OPENSSL_free(name);
		OPENSSL_free(header);
		if (is)
			return 1;
		OPENSSL_clear_free(*der, (size_t)*len);
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return 0;
	}
	return failed(f, "is damaged (%s); copy it again, with all of its "
	    "lines", tls_error());
}

static void
nothing(struct pem_file *f, const char *what)
{
	if (f->bytes[0] == 0x30)
		failed(f, "is binary (DER) and must be text (PEM); convert it "
		    "with openssl, -inform DER -outform PEM");
	else
		failed(f, "has no %s in it: no line \"-----BEGIN %s", what,
		    strcmp(what, "certificate") == 0 ? "CERTIFICATE-----\"" :
		    strcmp(what, "key") == 0 ? "PRIVATE KEY-----\"; name the "
		    "file that has it, key = FILE" : "X509 CRL-----\"");
}

EVP_PKEY *
pem_key(struct pem_file *f, const char *passphrase)
{
	struct asked asked = { .passphrase = passphrase };
	BIO *bio = bytes_of(f);
	EVP_PKEY *key = NULL;

	if (bio == NULL)
		return NULL;
	if ((key = PEM_read_bio_PrivateKey(bio, NULL, passphrase_cb,
	    &asked)) == NULL)
		no_key(f, &asked);
	ERR_clear_error();
	BIO_free(bio);
	return key;
}

static int
passphrase_cb(char *buf, int size, int writing, void *arg)
{
	struct asked *a = arg;
	size_t len;

	(void)writing;
	a->yes = true;
	if (a->passphrase == NULL)
		return -1;
	len = MIN(strlen(a->passphrase), (size_t)size);
	memcpy(buf, a->passphrase, len);
	return (int)len;
}

static void
no_key(struct pem_file *f, const struct asked *a)
{
	if (a->yes && a->passphrase == NULL)
		failed(f, "is encrypted and there is no passphrase; add "
		    "passphrase-file = FILE, or decrypt it with openssl pkey");
	else if (a->yes)
		failed(f, "is not opened by the passphrase; give that of this "
		    "key");
	else if (ERR_GET_REASON(ERR_peek_last_error()) ==
	    PEM_R_NO_START_LINE || memmem(f->bytes, f->len, "PRIVATE KEY",
	    strlen("PRIVATE KEY")) == NULL)
		nothing(f, "key");
	else
		failed(f, "is damaged (%s); copy it again, with all of its "
		    "lines", tls_error());
}
