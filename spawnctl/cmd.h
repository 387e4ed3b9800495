/*
 * cmd.h - what spawnctl can be told: a command is a file in cmd/ and a row in
 * cmd.c.
 */
#ifndef CMD_H
#define CMD_H

#include "compat.h"

/* The options, for all commands. Written by main.c. */
struct ctl {
	const char	*socket;
	uint64_t	 count;		/* of looks; 0: not said */
	uint64_t	 limit;		/* ms that an answer may take; 0: any */
	bool		 json;
	bool		 bytes;		/* as numbers */
	bool		 verbose;
	bool		 yes;		/* do not ask */
	bool		 existing;	/* for open sessions, too */
};
extern struct ctl ctl;

/* A view is the second word of "show". */
struct cmd {
	const char	*first;		/* "show", or "" */
	const char	*name;
	const char	*args;		/* behind it, as the help has them */
	const char	*what;		/* a line for the list of all */
	const char	*more;		/* for the help about it, or NULL */
	/* argv[0] is its name. Returns the status to exit with; what is wrong
	 * about the words is for cmd_wrong(). */
	int		(*run)(const struct cmd *, int argc, char **argv);
};

/* The command that the words ask for; a view has one word less before it.
 * Where there is none it ends as cmd_wrong() does. */
const struct cmd *cmd_find(int *argc, char ***argv);
/* Says what is wrong about the command line, and ends with 2. */
void	 cmd_wrong(const char *, ...) printf_like(1, 2) no_return;
/* Ends so if there are more words than n, the name included. */
void	 cmd_most(const struct cmd *, int argc, char **argv, int n);
void	 cmd_usage(FILE *);
/* All that there is, a line each. */
void	 cmd_help(FILE *);

int	 cmd_clients(const struct cmd *, int, char **);
int	 cmd_completion(const struct cmd *, int, char **);
int	 cmd_config(const struct cmd *, int, char **);
int	 cmd_convert(const struct cmd *, int, char **);
int	 cmd_drain(const struct cmd *, int, char **);
int	 cmd_fault(const struct cmd *, int, char **);
int	 cmd_help_run(const struct cmd *, int, char **);
int	 cmd_kill(const struct cmd *, int, char **);
int	 cmd_log(const struct cmd *, int, char **);
int	 cmd_monitor(const struct cmd *, int, char **);
int	 cmd_plain(const struct cmd *, int, char **);
int	 cmd_record(const struct cmd *, int, char **);
int	 cmd_remote(const struct cmd *, int, char **);
int	 cmd_sessions(const struct cmd *, int, char **);
int	 cmd_top(const struct cmd *, int, char **);
int	 cmd_trace(const struct cmd *, int, char **);
int	 cmd_view(const struct cmd *, int, char **);

#endif
