#include "compat.h"

#include <err.h>

#include "ask.h"
#include "cmd.h"
#include "out.h"
#include "rows.h"

/* A view of the master's; what is one object is one row. */
int
cmd_view(const struct cmd *c, int argc, char **argv)
{
	struct out_col cols[OUT_COLUMNS];
	struct out_table t = { .cols = cols };
	struct rows r;
	char *text;
	size_t i;

	cmd_most(c, argc, argv, 1);
	text = ask(false, "show %s%s", c->name, ctl.json ? " json" : "");
	if (ctl.json || text == NULL)
		return ask_print(text);
	if (rows_read(&r, text) == -1)
		err(1, "a table");
	for (i = 0; i < r.ncols; i++)
		cols[i] = out_column(r.cells[i]);
	t.ncols = r.ncols;
	for (i = r.ncols; i < r.ncols * (r.nrows + 1); i++)
		out_cell(&t, r.cells[i]);
	if (strcmp(c->name, "summary") == 0)
		out_pairs(&t);
	else
		out_columns(&t);
	out_free(&t);
	rows_free(&r);
	return 0;
}
