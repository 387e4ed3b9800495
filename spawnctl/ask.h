/*
 * ask.h - a request of spawnd's, and its answer. Before the first one the
 * program confines itself, as far as the system can: who answers may be
 * anybody, and root asks.
 */
#ifndef ASK_H
#define ASK_H

#include "compat.h"

/* Gives up what nothing needs that only talks with spawnd; screen: but for what
 * sets up the terminal. */
void	 ask_confine(bool screen);
/* Asks for a line, without its end. Returns what was asked for, behind the
 * verdict, with a NUL behind it; the caller frees it. If the answer was no, it
 * has been printed and NULL is returned. What fails on the way ends the program
 * with 1. A request that lasts (link.h) may take longer. */
char	*ask(bool lasts, const char *fmt, ...) printf_like(2, 3);
/* The same of a text that is there, such as what ask() has collected. */
char	*ask_line(const char *, bool lasts);
/* The same for what comes from the workers, through *fd (list.h), which the
 * caller closes. */
char	*ask_list(const char *, int *fd);
/* Takes an answer apart: what was asked for, which is a part of it, or NULL if
 * it was no, with the reason, which may be a part of it. */
char	*ask_answer(char *answer, const char **errp);
/* Prints what ask() has returned, makes it harmless where that is a terminal,
 * and frees it. Returns the status to exit with. */
int	 ask_print(char *);

#endif
