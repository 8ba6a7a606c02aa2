/* SPDX-License-Identifier: MIT */
/*
 * Signals and time of a program that runs: what its thread does.
 */
#pragma once

#include "program.h"

/* Prepares for signals that come while the program is being started. Call it before that. */
void program_signals_prepare(struct program *program);

/* Starts the thread for a program that has been started. Returns 0 or a negative errno. */
int program_signals_begin(struct program *program);

/* Ends the thread, after it has taken all signals that came before, and gives the signals back. */
void program_signals_end(struct program *program);
