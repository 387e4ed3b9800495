/*
 * top.h - what spawnctl top is at, as data; and its parts. The panes are filled
 * by what look.h has had, drawn on a canvas, and keys change what is shown.
 */
#ifndef TOP_H
#define TOP_H

#include "rec.h"
#include "top/canvas.h"
#include "top/pane.h"

enum top_pane {
	TOP_LISTENERS, TOP_REMOTES, TOP_WORKERS, TOP_CLIENTS, TOP_SESSIONS,
	TOP_PROBLEMS, TOP_PANES
};

#define TOP_FILTER	64
#define TOP_LINE	256

enum top_mode { TOP_SHOWS, TOP_FILTERS, TOP_ASKS, TOP_HELPS };

struct top {
	struct pane	 panes[TOP_PANES];
	enum top_pane	 focus;
	bool		 zoom;		/* that pane alone */
	bool		 paused;
	bool		 ended;
	enum top_mode	 mode;
	char		 filter[TOP_FILTER];
	/* TOP_ASKS, and what is sent if the answer is yes. */
	char		 question[TOP_LINE], request[TOP_LINE];
	char		 message[TOP_LINE];
	uint64_t	 said;		/* when, ms */
	uint64_t	 lost;		/* no answer since then, ms; or 0 */
	char		 why[2 * TOP_LINE];
};

/* fill.c: what sessions say, on their way (look.h), and a look into panes. */
void	 fill_begin(struct top *);
void	 fill_session(const struct rec *);
void	 fill_panes(struct top *);
void	 fill_end(struct top *);

/* remotes.c: the pane of remotes, which knows times, too. */
void	 remotes_begin(struct pane *);
void	 remotes_fill(struct pane *);

/* problems.c: what is wrong, the worst first. */
void	 problems_begin(struct pane *);
void	 problems_fill(struct top *);

/* head.c: what a look has brought; the first lines. Returns how many it has
 * taken, at most rows. */
void	 head_fill(void);
unsigned head_draw(const struct top *, struct canvas *, unsigned rows);

/* draw.c: all of it; with keys, what they are, on the last line. */
void	 draw(struct top *, struct canvas *, bool keys);
/* How many lines there must be for so many of each pane. */
unsigned draw_lines(const struct top *, unsigned rows);

/* keys.c: a key (term.h) was pressed. */
void	 keys_press(struct top *, int key);
/* What is said at the foot for a while. */
void	 keys_say(struct top *, const char *);
/* The keys, a line each, as "key<TAB>what it does"; NULL: there is none. */
const char *keys_help(unsigned line);

#endif
