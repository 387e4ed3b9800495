/*
 * near.h - "did you mean": the candidate nearest to a word, by edits and
 * swaps of neighbours.
 */
#ifndef CONF_NEAR_H
#define CONF_NEAR_H

struct near {
	const char	*word, *best;
	unsigned	 distance;	/* best has less */
	char		 hint[96];
};

/* word and the candidates must stay as long as the hint is asked for. */
void		 near_init(struct near *, const char *word);
void		 near_try(struct near *, const char *candidate);
/* "; did you mean \"backlog\"?", or "" if nothing is near. */
const char	*near_hint(struct near *);

#endif
