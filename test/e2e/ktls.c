/*
 * ktls.c - a kernel with TLS, for one without: to be loaded before libc.
 *
 * What net/tls of Linux promises, and what it does not, is kept: a call takes
 * whole records, of which TCP may have room for a part; the rest goes later, by
 * itself, and meanwhile nothing more is taken; shutdown(2) and close(2) forget
 * it. With SPAWND_KTLS_LATE in the environment, all goes later. Only writing is
 * there, and only AES-GCM.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/tls.h>

#include <openssl/evp.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FDS	4096
#define DATA	23
#define RECORD	16384
#define TICK	2000000		/* ns */
#define NAMES	"/proc/sys/net/ipv4/tcp_available_ulp"
#define REAL(name)	((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static struct tx {
	int		 ulp, on, tls13;
	size_t		 keylen;
	uint8_t		 key[32], iv[12], seq[8];
	uint8_t		 rest[RECORD + 64];	/* that TCP has not taken */
	size_t		 off, len;
} *table[FDS];

/* For the test, in the file that SPAWND_KTLS_COUNTS names. */
static struct counts {
	uint32_t	 started, spliced, sent, control, kept, lost;
} here, *counts = &here;

static int		 late;	/* what was taken goes a tick later */
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static int		(*real_close)(int);
static int		(*real_open)(const char *, int, ...);
static int		(*real_shutdown)(int, int);
static int		(*real_setsockopt)(int, int, int, const void *,
			    socklen_t);
static ssize_t		(*real_send)(int, const void *, size_t, int);
static ssize_t		(*real_sendmsg)(int, const struct msghdr *, int);
static ssize_t		(*real_splice)(int, off64_t *, int, off64_t *, size_t,
			    unsigned);

static void	 start(void) __attribute__((constructor));
static void	*pusher(void *);
static int	 push(int, struct tx *);
static ssize_t	 record(int, struct tx *, uint8_t, const uint8_t *, size_t);
static ssize_t	 records(int, struct tx *, uint8_t, const uint8_t *, size_t);
static void	 forget(int);
static struct tx *tx_of(int);

static void
start(void)
{
	const char *path = getenv("SPAWND_KTLS_COUNTS");
	extern char *program_invocation_short_name;
	pthread_t t;
	int fd;

	real_close = REAL(close);
	real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	real_shutdown = REAL(shutdown);
	real_setsockopt = REAL(setsockopt);
	real_send = REAL(send);
	real_sendmsg = REAL(sendmsg);
	real_splice = REAL(splice);
	if (strcmp(program_invocation_short_name, "relay") != 0)
		return;
	if (path != NULL && (fd = real_open(path, O_RDWR)) != -1) {
		counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
		real_close(fd);
		if (counts == MAP_FAILED)
			abort();
	}
	late = getenv("SPAWND_KTLS_LATE") != NULL;
	if (pthread_create(&t, NULL, pusher, NULL) != 0)
		abort();
}

static void *
pusher(void *arg)
{
	const struct timespec tick = { 0, TICK };
	int fd;

	for (;;) {
		nanosleep(&tick, NULL);
		pthread_mutex_lock(&lock);
		for (fd = 0; fd < FDS; fd++)
			if (table[fd] != NULL && table[fd]->len > 0)
				push(fd, table[fd]);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static struct tx *
tx_of(int fd)
{
	return fd >= 0 && fd < FDS && table[fd] != NULL && table[fd]->on ?
	    table[fd] : NULL;
}

/* 0 if nothing is left. */
static int
push(int fd, struct tx *t)
{
	ssize_t n;

	while (t->len > 0) {
		n = real_send(fd, t->rest + t->off, t->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1)
			return -1;
		t->off += (size_t)n;
		t->len -= (size_t)n;
	}
	return 0;
}

static ssize_t
record(int fd, struct tx *t, uint8_t type, const uint8_t *data, size_t len)
{
	const size_t more = t->tls13 ? 1 : 0, explicit = t->tls13 ? 0 : 8;
	const size_t body = explicit + len + more + 16;
	uint8_t nonce[12], aad[13], plain[RECORD + 1], *out = t->rest;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	size_t aadlen = 5;
	int i, n;

	memcpy(plain, data, len);
	plain[len] = type;
	out[0] = t->tls13 ? DATA : type;
	out[1] = out[2] = 3;
	out[3] = (uint8_t)(body >> 8);
	out[4] = (uint8_t)body;
	memcpy(nonce, t->iv, 12);
	memcpy(aad, out, 5);
	if (t->tls13)
		for (i = 0; i < 8; i++)
			nonce[4 + i] ^= t->seq[i];
	else {
		memcpy(out + 5, nonce + 4, 8);
		memcpy(aad, t->seq, 8);
		memcpy(aad + 8, out, 3);
		aad[11] = (uint8_t)(len >> 8);
		aad[12] = (uint8_t)len;
		aadlen = 13;
	}
	if (c == NULL || EVP_EncryptInit_ex(c, t->keylen == 16 ?
	    EVP_aes_128_gcm() : EVP_aes_256_gcm(), NULL, t->key, nonce) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, aad, (int)aadlen) != 1 ||
	    EVP_EncryptUpdate(c, out + 5 + explicit, &n, plain,
	    (int)(len + more)) != 1 ||
	    EVP_EncryptFinal_ex(c, out + 5 + explicit + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16,
	    out + 5 + explicit + len + more) != 1)
		abort();
	EVP_CIPHER_CTX_free(c);
	for (i = 7; i >= 0 && ++t->seq[i] == 0; i--)
		continue;
	for (i = 11; !t->tls13 && i >= 4 && ++t->iv[i] == 0; i--)
		continue;
	t->off = 0;
	t->len = 5 + body;
	if (!late && push(fd, t) == -1 && errno != EAGAIN) {
		t->len = 0;
		return -1;
	}
	counts->kept += t->len > 0;
	return (ssize_t)len;
}

static ssize_t
records(int fd, struct tx *t, uint8_t type, const uint8_t *data, size_t len)
{
	size_t n, sum = 0;

	if (push(fd, t) == -1)
		return -1;
	while (sum < len && t->len == 0) {
		n = len - sum < RECORD ? len - sum : RECORD;
		if (record(fd, t, type, data + sum, n) == -1)
			return sum > 0 ? (ssize_t)sum : -1;
		sum += n;
	}
	return (ssize_t)sum;
}

static void
forget(int fd)
{
	if (fd < 0 || fd >= FDS || table[fd] == NULL)
		return;
	counts->lost += table[fd]->len > 0;
	table[fd]->len = 0;
}

int
open(const char *path, int flags, ...)
{
	static const char names[] = "espintcp mptcp tls\n";
	mode_t mode;
	va_list ap;
	int fd[2];

	va_start(ap, flags);
	mode = flags & O_CREAT ? (mode_t)va_arg(ap, int) : 0;
	va_end(ap);
	if (real_open == NULL)
		start();
	if (strcmp(path, NAMES) != 0)
		return real_open(path, flags, mode);
	if (pipe2(fd, O_CLOEXEC) == -1 ||
	    write(fd[1], names, sizeof(names) - 1) == -1)
		abort();
	real_close(fd[1]);
	return fd[0];
}

int
setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	const struct tls12_crypto_info_aes_gcm_128 *a = val;
	const struct tls12_crypto_info_aes_gcm_256 *b = val;
	struct tx *t;

	if (level == IPPROTO_TCP && name == TCP_ULP) {
		pthread_mutex_lock(&lock);
		if (table[fd] == NULL)
			table[fd] = calloc(1, sizeof(*t));
		table[fd]->ulp = 1;
		pthread_mutex_unlock(&lock);
		/* Nothing, so that only the filter of calls has a say. */
		return real_setsockopt(fd, level, name, val, 0) == 0 ||
		    errno != EPERM ? 0 : -1;
	}
	if (level != SOL_TLS)
		return real_setsockopt(fd, level, name, val, len);
	if (real_setsockopt(fd, level, name, val, 0) == -1 && errno == EPERM)
		return -1;
	t = table[fd];
	if (t == NULL || !t->ulp || name != TLS_TX) {
		errno = ENOPROTOOPT;
		return -1;
	}
	t->tls13 = a->info.version == TLS_1_3_VERSION;
	if (a->info.cipher_type == TLS_CIPHER_AES_GCM_128 &&
	    len == sizeof(*a)) {
		t->keylen = 16;
		memcpy(t->key, a->key, 16);
		memcpy(t->iv, a->salt, 4);
		memcpy(t->iv + 4, a->iv, 8);
		memcpy(t->seq, a->rec_seq, 8);
	} else if (a->info.cipher_type == TLS_CIPHER_AES_GCM_256 &&
	    len == sizeof(*b)) {
		t->keylen = 32;
		memcpy(t->key, b->key, 32);
		memcpy(t->iv, b->salt, 4);
		memcpy(t->iv + 4, b->iv, 8);
		memcpy(t->seq, b->rec_seq, 8);
	} else {
		errno = EINVAL;
		return -1;
	}
	counts->started++;
	t->on = 1;
	return 0;
}

ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	struct tx *t = tx_of(fd);
	ssize_t n;

	if (t == NULL)
		return real_send(fd, buf, len, flags);
	pthread_mutex_lock(&lock);
	counts->sent++;
	n = records(fd, t, DATA, buf, len);
	pthread_mutex_unlock(&lock);
	return n;
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct tx *t = tx_of(fd);
	const struct cmsghdr *c;
	uint8_t buf[RECORD];
	size_t i, len = 0;
	ssize_t n;

	if (t == NULL)
		return real_sendmsg(fd, msg, flags);
	/* The filter is to let it through: nothing is in it. */
	if (real_sendmsg(fd, &(struct msghdr){ 0 }, flags) == -1)
		return -1;
	c = CMSG_FIRSTHDR(msg);
	if (c == NULL || c->cmsg_level != SOL_TLS ||
	    c->cmsg_type != TLS_SET_RECORD_TYPE) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < msg->msg_iovlen; i++) {
		if (len + msg->msg_iov[i].iov_len > RECORD)
			abort();
		memcpy(buf + len, msg->msg_iov[i].iov_base,
		    msg->msg_iov[i].iov_len);
		len += msg->msg_iov[i].iov_len;
	}
	pthread_mutex_lock(&lock);
	n = records(fd, t, *CMSG_DATA(c), buf, len);
	counts->control += n > 0;
	pthread_mutex_unlock(&lock);
	return n;
}

ssize_t
splice(int in, off64_t *inoff, int out, off64_t *outoff, size_t len,
    unsigned flags)
{
	struct tx *t = tx_of(out);
	uint8_t buf[RECORD];
	ssize_t n, sum = 0;

	if (t == NULL)
		return real_splice(in, inoff, out, outoff, len, flags);
	pthread_mutex_lock(&lock);
	while (push(out, t) == 0 && (size_t)sum < len) {
		n = read(in, buf, len - (size_t)sum < RECORD ?
		    len - (size_t)sum : RECORD);
		if (n <= 0 || (n = record(out, t, DATA, buf, (size_t)n)) == -1)
			break;
		sum += n;
		counts->spliced += (uint32_t)n;
	}
	pthread_mutex_unlock(&lock);
	return sum > 0 ? sum : -1;
}

int
shutdown(int fd, int how)
{
	int r;

	pthread_mutex_lock(&lock);
	if (how != SHUT_RD)
		forget(fd);
	r = real_shutdown(fd, how);
	pthread_mutex_unlock(&lock);
	return r;
}

int
close(int fd)
{
	int r;

	if (real_close == NULL)
		start();
	if (fd < 0 || fd >= FDS || table[fd] == NULL)
		return real_close(fd);
	pthread_mutex_lock(&lock);
	forget(fd);
	free(table[fd]);
	table[fd] = NULL;
	r = real_close(fd);
	pthread_mutex_unlock(&lock);
	return r;
}
