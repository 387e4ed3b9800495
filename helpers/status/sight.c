#include "compat.h"

#include "sight.h"

const char * const sight_views[SIGHT_VIEWS] = {
	"summary", "listeners", "remotes", "workers", "generations", "filters",
	"times", "tls", "ends", "history", "errors"
};

int
sight_put(struct sight *s, size_t i, char *text)
{
	rows_free(&s->views[i]);
	return rows_read(&s->views[i], text);
}

void
sight_forget(struct sight *s, size_t i)
{
	rows_free(&s->views[i]);
}

void
sight_clear(struct sight *s)
{
	size_t i;

	for (i = 0; i < SIGHT_VIEWS; i++)
		sight_forget(s, i);
}

const struct rows *
sight_rows(const struct sight *s, const char *view)
{
	size_t i;

	for (i = 0; i < SIGHT_VIEWS; i++)
		if (strcmp(sight_views[i], view) == 0)
			return s->views[i].ncols != 0 ? &s->views[i] : NULL;
	return NULL;
}
