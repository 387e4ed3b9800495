/*
 * secrets.h - certificates, keys and what else a tls section names: loaded,
 * checked, and left for the workers (common/secret.h).
 *
 *   secrets.c       walks the sections
 *   pem.c           files into certificates, keys and revocations
 *   fits.c          whether they go together, and for how long
 *   secrets_none.c  in place of all, without OpenSSL
 */
#ifndef SECRETS_H
#define SECRETS_H

#include "conf/parse.h"

/* For conf_look_with(): notes what is wrong with the sections, fills in how
 * long certificates are valid, and writes the secrets to READER_FD_SECRETS. */
void	 secrets_look(struct conf_check *, const struct cfg_t *root);

#endif
