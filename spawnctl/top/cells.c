#include "compat.h"

#include "top/cells.h"
#include "past.h"

void
cell_same(struct out_table *t, const struct rows *r, size_t row,
    const char *name)
{
	const char *text = rows_cell(r, row, name);

	out_cell(t, text != NULL ? text : "-");
}

void
cell_rate(struct out_table *t, const struct rows *r, size_t row,
    const char *name, const char *what, uint64_t at)
{
	uint64_t now, rate;
	char id[512];

	snprintf(id, sizeof(id), "%s %s", name, what);
	if (rows_number(r, row, name, &now) &&
	    past_rate('v', id, now, at, &rate))
		out_cell_number(t, rate);
	else
		out_cell(t, "-");
}

uint64_t
cell_number(const struct rows *r, size_t row, const char *name)
{
	uint64_t n;

	return rows_number(r, row, name, &n) ? n : 0;
}

const char *
cell_text(const struct rows *r, size_t row, const char *name)
{
	const char *text = rows_cell(r, row, name);

	return text != NULL ? text : "";
}
