/*
 * fits.h - whether certificates and keys go together, and for how long. What is
 * wrong is a sentence without a subject, in why (PEM_WHY bytes).
 */
#ifndef FITS_H
#define FITS_H

#include <openssl/x509.h>

#include "conf/conf.h"

/* Whether the first of the chain is the key's. */
bool	 fits_key(const STACK_OF(X509) *, EVP_PKEY *, char *why);
/* Whether each of them has signed the one before. */
bool	 fits_order(const STACK_OF(X509) *, char *why);
/* Whether all are valid now; *until is when the first one ends (seconds since
 * 1970), in any case. */
bool	 fits_time(const STACK_OF(X509) *, uint64_t *until, char *why);
/* The same of one list of revoked certificates, which one of cas must have
 * signed. */
bool	 fits_crl(X509_CRL *, const STACK_OF(X509) *cas, char *why);
bool	 fits_crl_time(X509_CRL *, char *why);
/* Whether OpenSSL serves with them, by all options of the section. */
bool	 fits_section(const struct conf_tls *, const STACK_OF(X509) *,
	    EVP_PKEY *, char *why);

#endif
