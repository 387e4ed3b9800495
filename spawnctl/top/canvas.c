#include "compat.h"

#include <err.h>
#include <wchar.h>

#include "top/canvas.h"
#include "utf8.h"

#define LEFT_OUT	"~"

static const char *canvas_char(bool, const char *, char [5]);
static unsigned	 canvas_some(struct canvas *, unsigned, unsigned, unsigned,
		    enum ink, const char *);
static const char *canvas_skip(const char *, unsigned);
static void	 canvas_print_row(const struct canvas *, FILE *, bool,
		    unsigned);

void
canvas_begin(struct canvas *c, unsigned rows, unsigned cols)
{
	const struct canvas_cell blank = { " ", INK_PLAIN };
	size_t i;

	if (c->cells == NULL || rows != c->rows || cols != c->cols) {
		free(c->cells);
		c->cells = calloc((size_t)rows * cols + 1, sizeof(blank));
		if (c->cells == NULL)
			err(1, "the screen");
		c->rows = rows;
		c->cols = cols;
	}
	for (i = 0; i < (size_t)rows * cols; i++)
		c->cells[i] = blank;
}

void
canvas_free(struct canvas *c)
{
	free(c->cells);
	c->cells = NULL;
}

unsigned
canvas_put(struct canvas *c, unsigned row, unsigned col, unsigned width,
    enum ink ink, const char *text)
{
	const unsigned all = canvas_wide(text);
	const unsigned room = col >= c->cols ? 0 : MIN(width, c->cols - col);
	unsigned head;

	if (row >= c->rows || room == 0)
		return 0;
	if (all <= room)
		return canvas_some(c, row, col, all, ink, text);
	head = room / 2;
	canvas_some(c, row, col, head, ink, text);
	canvas_some(c, row, col + head, 1, ink, LEFT_OUT);
	return head + 1 + canvas_some(c, row, col + head + 1, room - head - 1,
	    ink, canvas_skip(text, all - (room - head - 1)));
}

/* Its first n characters, for which there is room. */
static unsigned
canvas_some(struct canvas *c, unsigned row, unsigned col, unsigned n,
    enum ink ink, const char *text)
{
	struct canvas_cell *cell = &c->cells[(size_t)row * c->cols + col];
	unsigned i;

	for (i = 0; i < n; i++, cell++) {
		text = canvas_char(c->utf8, text, cell->ch);
		cell->ink = (uint8_t)ink;
	}
	return n;
}

/* Returns what is behind it. */
static const char *
canvas_char(bool utf8, const char *s, char ch[5])
{
	const size_t len = utf8_len(s, strlen(s));
	mbstate_t state = { 0 };
	wchar_t wide;

	strlcpy(ch, "?", 5);
	if (len == 1 && *s >= ' ' && *s < 0x7f)
		ch[0] = *s;
	else if (len > 1 && utf8 && mbrtowc(&wide, s, len, &state) == len &&
	    wcwidth(wide) == 1) {
		memcpy(ch, s, len);
		ch[len] = '\0';
	}
	return s + MAX(len, 1);
}

static const char *
canvas_skip(const char *s, unsigned n)
{
	while (n-- > 0)
		s += MAX(utf8_len(s, strlen(s)), 1);
	return s;
}

unsigned
canvas_wide(const char *s)
{
	unsigned n = 0;

	for (; *s != '\0'; n++)
		s = canvas_skip(s, 1);
	return n;
}

void
canvas_ink(struct canvas *c, unsigned row, unsigned col, unsigned width,
    enum ink ink)
{
	for (; row < c->rows && width > 0 && col < c->cols; col++, width--)
		c->cells[(size_t)row * c->cols + col].ink = (uint8_t)ink;
}

void
canvas_print(const struct canvas *c, FILE *f, bool colours)
{
	unsigned row;

	for (row = 0; row < c->rows; row++)
		canvas_print_row(c, f, colours, row);
}

static void
canvas_print_row(const struct canvas *c, FILE *f, bool colours, unsigned row)
{
	static const char * const codes[INK_COUNT] = { [INK_BOLD] = "1",
		[INK_DIM] = "2", [INK_WELL] = "32", [INK_LOOK] = "33",
		[INK_WRONG] = "31", [INK_TITLE] = "1", [INK_SORTED] = "1;4",
		[INK_CHOSEN] = "7" };
	const struct canvas_cell *cell = &c->cells[(size_t)row * c->cols];
	unsigned i, n = c->cols;
	uint8_t ink = INK_PLAIN;

	while (n > 0 && strcmp(cell[n - 1].ch, " ") == 0)
		n--;
	for (i = 0; i < n; i++) {
		if (colours && cell[i].ink != ink) {
			ink = cell[i].ink;
			fprintf(f, "\033[0%s%sm", codes[ink] != NULL ? ";" :
			    "", codes[ink] != NULL ? codes[ink] : "");
		}
		fputs(cell[i].ch, f);
	}
	fputs(ink != INK_PLAIN ? "\033[0m\n" : "\n", f);
}
