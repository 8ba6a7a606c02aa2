/* SPDX-License-Identifier: MIT */
/*
 * Screens of windows, in this process: what the daemon starts for one is a program that ends at
 * once, and its socket and memory are served here.
 *
 * A screen behaves, until what is written to its window tells it otherwise: as a screen's process
 * that has been taken over would, it then sends what it likes, scribbles over the shared memory,
 * or ends.
 */
#pragma once

#include <stdbool.h>

/* The first byte of what is written to a window, if it is not text: what its screen does. */
enum { SCREEN_SAYS = 0xf8, SCREEN_SCRIBBLES, SCREEN_ENDS, SCREEN_HOLDS_BACK };

/* Takes what the daemon has sent to screens. Returns true if there was something. */
bool screens_serve(void);
