/*
 * system.h - whom this system believes, as OpenSSL finds them: in the file that
 * SSL_CERT_FILE names, else in its own, and in the folders of SSL_CERT_DIR,
 * else in its own, under the names that openssl rehash gives.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <openssl/x509.h>

#include "conf/parse.h"

/* All of them, each once; sk_X509_pop_free(). Files that others can write are
 * warned of at that line. NULL with why (PEM_WHY bytes), a sentence: there are
 * none. */
STACK_OF(X509)	*system_cas(struct conf_text *, unsigned line, char *why);

#endif
