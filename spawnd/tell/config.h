/*
 * config.h - the configuration of the current generation, as it holds.
 */
#ifndef TELL_CONFIG_H
#define TELL_CONFIG_H

#include <stdio.h>

#include "compat.h"

/* As spawnd -T writes it; what the operator has set since follows as comments.
 * Or as JSON, without those. No secret is in it. */
void	 config_print(FILE *, bool json);

#endif
