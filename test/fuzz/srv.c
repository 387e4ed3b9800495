/*
 * The answer for a service, as a name server may send it. What is taken of it
 * is sorted, and of hosts and ports that can be asked for.
 */
#include "compat.h"

#include "dns/srv.h"

#define MOST	8

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srv all[MOST];
	uint32_t ttl;
	int i, n = srv_parse(data, size, all, MOST, &ttl);

	if (n < -1 || n > MOST)
		abort();
	for (i = 0; i < n; i++)
		if (all[i].port == 0 || all[i].host[0] == '\0' ||
		    strlen(all[i].host) >= SRV_NAME ||
		    (i > 0 && all[i - 1].priority > all[i].priority))
			abort();
	return 0;
}
