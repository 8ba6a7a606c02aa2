/* SPDX-License-Identifier: MIT */
/*
 * Ending in order: INT, TERM, HUP and PIPE end the call in which a command waits, so that it can
 * remove an unfinished copy. Then axctl ends by the signal. Signals that were ignored when axctl
 * started stay ignored.
 */
#pragma once

#include <stdbool.h>

/* Catches the signals from here on. Returns 0 or a negative errno. */
int interrupt_begin(void);
/* Returns true if a signal was caught. */
bool interrupted(void);
/* Protects the following calls from signals, because they clean up; or no longer. */
void interrupt_hold(bool hold);
/* Ends axctl by the signal if one was caught. */
void interrupt_end(void);
