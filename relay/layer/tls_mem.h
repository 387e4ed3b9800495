/*
 * tls_mem.h - what OpenSSL takes of memory counts as what the worker stores.
 */
#ifndef TLS_MEM_H
#define TLS_MEM_H

/* Before anything else of OpenSSL is called: from then on it counts. */
void	 tls_mem_start(void);

#endif
