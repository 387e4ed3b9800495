#include "compat.h"

#include "ask.h"
#include "cmd.h"
#include "out.h"

static int	 view_names(struct out_col *, char *);

/* A view of the master's: a line of names, then a line a row, with tabs
 * between; what is one object is one row. */
int
cmd_view(const struct cmd *c, int argc, char **argv)
{
	struct out_col cols[OUT_COLUMNS];
	struct out_table t = { .cols = cols };
	char *text, *rest, *line, *cell;
	size_t n;

	cmd_most(c, argc, argv, 1);
	text = ask(false, "show %s%s", c->name, ctl.json ? " json" : "");
	if (ctl.json || text == NULL)
		return ask_print(text);
	rest = text;
	t.ncols = (size_t)view_names(cols, strsep(&rest, "\n"));
	while (rest != NULL && *rest != '\0') {
		line = strsep(&rest, "\n");
		for (n = 0; n < t.ncols; n++)
			out_cell(&t, (cell = strsep(&line, "\t")) != NULL ?
			    cell : "-");
	}
	if (strcmp(c->name, "summary") == 0)
		out_pairs(&t);
	else
		out_columns(&t);
	out_free(&t);
	free(text);
	return 0;
}

static int
view_names(struct out_col *cols, char *line)
{
	char *name;
	int n = 0;

	while (n < OUT_COLUMNS && (name = strsep(&line, "\t")) != NULL) {
		out_clean(name, strlen(name));
		cols[n++] = out_column(name);
	}
	return n;
}
