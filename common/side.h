/*
 * side.h - what helpers do that stay for as long as the master does, and hear
 * of it by a channel.
 */
#ifndef COMMON_SIDE_H
#define COMMON_SIDE_H

/* Signals mean something to the master only; such a helper ends with its
 * channel. The program ends if the event loop cannot hear of them. */
void	 side_signals(void);
/* LOG has come, with this descriptor or -1: lines go to it from here on, in the
 * place of the former one. */
void	 side_log(int fd);

#endif
