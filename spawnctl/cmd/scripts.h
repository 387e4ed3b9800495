/*
 * scripts.h - the files of etc/completion for spawnctl, as they are: lines, and
 * NULL. Made from them when the program is built.
 */
#ifndef SCRIPTS_H
#define SCRIPTS_H

extern const char * const script_bash[], * const script_zsh[];

#endif
