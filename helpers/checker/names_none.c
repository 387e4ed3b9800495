#include "compat.h"

#include "names.h"

void
names_start(void)
{
}

struct names *
names_new(const struct conf *conf, struct targets *targets,
    void (*changed)(void *, unsigned, unsigned), void *arg)
{
	(void)conf;
	(void)targets;
	(void)changed;
	(void)arg;
	return NULL;
}

void
names_free(struct names **names)
{
	*names = NULL;
}
