/*
 * conf_lex.h - the words of a configuration file, as libconfuse takes them.
 */
#ifndef CONF_LEX_H
#define CONF_LEX_H

#include "conf/parse.h"

enum token_type {
	TOKEN_END, TOKEN_STRING, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_LPAREN,
	TOKEN_RPAREN, TOKEN_COMMA, TOKEN_ASSIGN, TOKEN_APPEND
};

#define LEX_BACK	2	/* tokens that can be given back */

struct token {
	enum token_type	 type;
	const char	*s;		/* without its quotes */
	size_t		 len;
	char		 quote;		/* '"', '\'', or '\0' for a word */
	bool		 unset;		/* has a variable without a value, or,
					   if len is 0, made no sense */
	int		 line;		/* of its first byte, in its file */
	unsigned	 flat;
};

/* A file being read, and the one that includes it. */
struct input {
	struct input		*up;
	const char		*name;
	const char		*p, *end;
	unsigned		 file;
	int			 line;
	dev_t			 dev;
	ino_t			 ino;
	bool			 has_ino;	/* the next two are known */
};

struct lex {
	struct conf_text	*text;
	struct input		*src;
	unsigned		 skip;	/* > 0: nothing is put into text, and
					   variables need no value */
	struct token		 back[LEX_BACK]; /* the last comes first */
	unsigned		 nback;
};

void		 conf_lex_start(struct input *, const char *name,
		    unsigned file, const char *p, size_t len);
/* The next token of l->src; -1 after a mistake that ends the reading. Text
 * stands at the token's line then. */
int		 conf_lex_next(struct lex *l, struct token *);
/* The token is the next once more; for at most LEX_BACK of them. */
void		 conf_lex_back(struct lex *, const struct token *);
/* The value of "NAME" or "NAME:-DEFAULT", as libconfuse will have it; *set is
 * false if it has none. Static storage, or the environment's. */
const char	*conf_lex_value(const char *, size_t len, bool *set);

#endif
