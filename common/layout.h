/*
 * layout.h - a line as its user wants it: text with %{field} in it.
 *
 * %{name} is the value of a field (fields.h), "-" if there is none; %% is one
 * "%". Behind the name, and a colon, stands how: "quoted" between quotes, with
 * \\ in front of a quote and of itself; "json" as a value of JSON, null if
 * there is none; "ms" seconds as milliseconds.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include "fields.h"

#define LAYOUT_PARTS	256	/* most of fields, and of text between them */

enum layout_how { LAYOUT_PLAIN, LAYOUT_QUOTED, LAYOUT_JSON, LAYOUT_MS };

struct layout {
	struct layout_part {
		const char	*text;	/* in front of the field */
		uint16_t	 len;
		uint8_t		 field;	/* FIELD_NONE: there is none */
		uint8_t		 how;	/* enum layout_how */
	} parts[LAYOUT_PARTS];
	unsigned n;
};

/* text stays in use. Returns 0, or -1 with *errp (static): what is wrong with
 * it, as what follows the text in a sentence. */
int	 layout_parse(struct layout *, const char *text, const char **errp);
void	 layout_print(struct line *, const struct layout *,
	    const struct record *);
/* A field as a value of JSON. */
void	 layout_json(struct line *, enum field, const char *value);

#endif
