#include "compat.h"

#include <err.h>

#include "top/pane.h"

static bool	 pane_has(const struct pane *, size_t, const char *);
static void	 pane_key(const struct pane *, size_t, char [PANE_KEY]);
static int	 pane_compare(const void *, const void *);
static int	 pane_by(const struct out_col *, const char *, const char *);
static void	 pane_find(struct pane *);
static void	 pane_scroll(struct pane *, size_t);
static void	 pane_names(const struct pane *, struct out_col *, char *,
		    size_t, bool);
static void	 pane_row(const struct pane *, struct canvas *,
		    const struct out_layout *, unsigned, size_t, bool);
static void	 pane_cell(struct canvas *, const struct out_col *,
		    const char *, unsigned, unsigned, unsigned, enum ink);
static enum ink	 pane_ink(const struct pane *, const struct out_col *,
		    const char *);

static const struct pane *sorting;	/* qsort(3) passes nothing on */

void
pane_clear(struct pane *p)
{
	out_free(&p->t);
	p->t.cols = p->cols;
	p->t.ncols = p->ncols;
	p->all = 0;
}

void
pane_free(struct pane *p)
{
	out_free(&p->t);
	free(p->order);
	p->order = NULL;
	p->n = 0;
}

void
pane_arrange(struct pane *p, const char *filter)
{
	const size_t rows = p->t.ncells / p->ncols;
	size_t i;

	free(p->order);
	if ((p->order = calloc(rows + 1, sizeof(*p->order))) == NULL)
		err(1, "a table");
	p->n = 0;
	for (i = 0; i < rows; i++)
		if (*filter == '\0' || pane_has(p, i, filter))
			p->order[p->n++] = i;
	sorting = p;
	qsort(p->order, p->n, sizeof(*p->order), pane_compare);
	pane_find(p);
}

static bool
pane_has(const struct pane *p, size_t row, const char *text)
{
	size_t i;

	for (i = 0; i < p->ncols; i++)
		if (strcasestr(p->t.cells[row * p->ncols + i], text) != NULL)
			return true;
	return false;
}

/* Numbers: the greatest first. What is equal stays as it comes. */
static int
pane_compare(const void *a, const void *b)
{
	const struct pane *p = sorting;
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = 0;

	if (p->sort < p->ncols)
		order = pane_by(&p->cols[p->sort],
		    p->t.cells[x * p->ncols + p->sort],
		    p->t.cells[y * p->ncols + p->sort]);
	if (p->turned)
		order = -order;
	return order != 0 ? order : x < y ? -1 : x > y;
}

static int
pane_by(const struct out_col *col, const char *a, const char *b)
{
	double x, y;

	if (col->unit == OUT_TEXT)
		return strcmp(a, b);
	x = *a == '-' ? -1 : strtod(a, NULL);
	y = *b == '-' ? -1 : strtod(b, NULL);
	return x < y ? 1 : x > y ? -1 : 0;
}

static void
pane_key(const struct pane *p, size_t row, char key[PANE_KEY])
{
	size_t i;

	*key = '\0';
	for (i = 0; i < p->nkey; i++) {
		strlcat(key, p->t.cells[row * p->ncols + i], PANE_KEY);
		strlcat(key, "\t", PANE_KEY);
	}
}

/* If it is not there any more, what is in its place. */
static void
pane_find(struct pane *p)
{
	char key[PANE_KEY];
	size_t i;

	for (i = 0; i < p->n && p->key[0] != '\0'; i++) {
		pane_key(p, p->order[i], key);
		if (strcmp(key, p->key) == 0) {
			p->at = i;
			return;
		}
	}
	if (p->key[0] != '\0')
		pane_move(p, 0);
}

void
pane_move(struct pane *p, long by)
{
	const long last = p->n == 0 ? 0 : (long)p->n - 1;
	const bool none = p->key[0] == '\0';

	if (none)
		p->at = p->first;
	if (none && by > 0)
		by--;
	p->at = (size_t)MAX(0, MIN(last, (long)MIN(p->at, p->n) + by));
	if (p->n == 0)
		p->key[0] = '\0';
	else
		pane_key(p, p->order[p->at], p->key);
}

void
pane_sort_by(struct pane *p, long by)
{
	const long n = (long)p->ncols + 1;

	p->sort = (size_t)(((long)p->sort + by + n) % n);
	p->turned = false;
}

const char *
pane_chosen(const struct pane *p, const char *col)
{
	size_t i;

	for (i = 0; i < p->ncols && p->key[0] != '\0'; i++)
		if (strcmp(p->cols[i].name, col) == 0)
			return p->t.cells[p->order[p->at] * p->ncols + i];
	return NULL;
}

/* --- on the screen --- */

void
pane_draw(struct pane *p, struct canvas *c, unsigned row, unsigned rows,
    bool focus)
{
	struct out_col cols[OUT_COLUMNS];
	struct out_table t = p->t;
	struct out_layout *l;
	char title[64];
	unsigned i, col = 0;

	if (rows == 0)
		return;
	pane_names(p, cols, title, sizeof(title), focus);
	t.cols = cols;
	l = out_fit(&t, c->cols, p->problems ? c->cols : MAX(12,
	    c->cols * 2 / 7));
	for (i = 0; i < p->ncols; i++) {
		if (!l->shown[i])
			continue;
		pane_cell(c, &cols[i], cols[i].name, row, col,
		    (unsigned)l->width[i], i == p->sort ? INK_SORTED :
		    INK_TITLE);
		col += (unsigned)l->width[i] + OUT_GAP;
	}
	pane_scroll(p, rows - 1);
	for (i = 0; i + 1 < rows && p->first + i < p->n; i++)
		pane_row(p, c, l, row + 1 + i, p->first + i, focus);
	free(l);
}

/* The first one says what they are, and how many. */
static void
pane_names(const struct pane *p, struct out_col *cols, char *title,
    size_t size, bool focus)
{
	memcpy(cols, p->cols, p->ncols * sizeof(*cols));
	if (p->n < p->all)
		snprintf(title, size, "%s%s %zu of %llu", focus ? ">" : "",
		    p->name, p->n, (unsigned long long)p->all);
	else
		snprintf(title, size, "%s%s %zu", focus ? ">" : "", p->name,
		    p->n);
	cols[0].name = title;
}

/* The one that is chosen is among those shown. */
static void
pane_scroll(struct pane *p, size_t rows)
{
	if (p->key[0] == '\0')
		p->at = p->first = 0;
	p->first = MIN(p->first, p->at);
	if (rows > 0 && p->at >= p->first + rows)
		p->first = p->at - rows + 1;
	if (p->first + rows > p->n)
		p->first = p->n > rows ? p->n - rows : 0;
}

static void
pane_row(const struct pane *p, struct canvas *c, const struct out_layout *l,
    unsigned row, size_t at, bool focus)
{
	char **cells = &p->t.cells[p->order[at] * p->ncols];
	const char *text;
	char buf[OUT_NUMBER];
	unsigned i, col = 0;

	for (i = 0; i < p->ncols; i++) {
		if (!l->shown[i])
			continue;
		text = out_value(&p->cols[i], cells[i], buf);
		pane_cell(c, &p->cols[i], text, row, col,
		    (unsigned)l->width[i], pane_ink(p, &p->cols[i], text));
		col += (unsigned)l->width[i] + OUT_GAP;
	}
	if (focus && at == p->at && p->key[0] != '\0')
		canvas_ink(c, row, 0, c->cols, INK_CHOSEN);
}

/* Words to the left, numbers to the right. */
static void
pane_cell(struct canvas *c, const struct out_col *col, const char *text,
    unsigned row, unsigned at, unsigned width, enum ink ink)
{
	const unsigned wide = MIN(canvas_wide(text), width);

	canvas_put(c, row, col->unit == OUT_TEXT ? at : at + width - wide,
	    width, ink, text);
}

static enum ink
pane_ink(const struct pane *p, const struct out_col *col, const char *text)
{
	static const enum ink inks[] = { [OUT_NO_TONE] = INK_PLAIN,
		[OUT_WELL] = INK_WELL, [OUT_LOOK] = INK_LOOK,
		[OUT_WRONG] = INK_WRONG, [OUT_OFF] = INK_DIM };

	if (p->problems)
		return *text == '!' ? INK_WRONG : INK_LOOK;
	return inks[out_tone(col, text)];
}
