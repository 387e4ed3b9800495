/*
 * tls_int.h - between the files that make the contexts of TLS; nobody else's.
 *
 *   tls_ctx.c      reads the secrets, makes contexts, hands them out
 *   tls_names.c    which certificate a client gets by the name it asks for
 *   tls_tickets.c  keys of tickets
 *   tls_resume.c   sessions with remotes that later ones go on with
 *   tls_count.c    handshakes with clients, at their certificates
 */
#ifndef TLS_INT_H
#define TLS_INT_H

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "conf/conf.h"
#include "secret.h"
#include "tls/take.h"

#define TLS_TICKET_KEYS	3	/* most that are known at a time */

/* A certificate under one of its names, lower case. */
struct tls_name {
	char		*name;
	unsigned	 number;	/* of the certificate */
};

struct tls_tickets {
	unsigned	 n;		/* 0: there are no tickets */
	unsigned	 first;		/* which encrypts */
	bool		 fixed;		/* by a file */
	uint8_t		 keys[TLS_TICKET_KEYS][SECRET_TICKET_LEN];
};

/* A tls section as listeners and remotes use it; the app_data of its ctx. */
struct tls_section {
	const struct conf_tls	*conf;
	SSL_CTX			**ctx;		/* one a certificate, NULL: no
						   listener */
	SSL_CTX			*connect;	/* NULL: no remote */
	struct tls_shown	 shown;		/* while secrets are read */
	X509_STORE		*clients;	/* who signs theirs, or NULL */
	EVP_MD_CTX		*trust;		/* while secrets are read */
	struct tls_name		*names;		/* sorted */
	unsigned		 nnames;
	struct tls_tickets	 tickets;
	unsigned char		*alpn;		/* as TLS writes it */
	unsigned		 alpnlen;
};

/* tls_names.c: reads the names of all certificates of a section, and lets each
 * context choose by them. Returns 0, or -1 without memory. */
int	 tls_names(struct tls_section *);

void	 tls_names_free(struct tls_section *);

/* tls_count.c: lets the certificates that are in the contexts of a section be
 * known again. Returns 0, or -1 without memory. */
int	 tls_count_mark(struct tls_section *);

/* tls_tickets.c: has those of that context made by the keys of its section. */
int	 tls_tickets_start(void);
void	 tls_tickets_end(void);
void	 tls_tickets_use(struct tls_section *, SSL_CTX *);

/* tls_resume.c: makes room for all remotes with TLS. Returns 0, or -1 without
 * memory. */
int	 tls_resume_start(void);
void	 tls_resume_end(void);
/* A context that connects keeps what remotes let come back. */
void	 tls_resume_use(SSL_CTX *);
/* Goes on with an earlier session with that remote, if there is one; the remote
 * may say no. What it gives for the next time is kept for it alone. */
void	 tls_resume_offer(SSL *, const struct conf_remote *);
/* It may be that an earlier one is what a remote does not bear. */
void	 tls_resume_forget(const struct conf_remote *);

#endif
