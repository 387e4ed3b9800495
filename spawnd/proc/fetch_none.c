#include "compat.h"

#include "proc/fetch.h"

int
fetch_start(const char *url, bool copy, void (*cb)(const struct fetched *),
    const char **errp)
{
	(void)url;
	(void)copy;
	(void)cb;
	*errp = "spawnd was built without libcurl, which a URL needs; name a "
	    "file";
	return -1;
}

void
fetch_cancel(void)
{
}

void
fetch_good(void)
{
}
