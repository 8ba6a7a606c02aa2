/* SPDX-License-Identifier: MIT */
/*
 * The foreground of the terminal: a program that is killed cannot give back what it took of it.
 */
#pragma once

#include <stdbool.h>
#include <termios.h>

/* Our terminal, if we have one and are in its foreground. */
struct foreground {
        int fd; /* -1: none */
        struct termios settings;
};

void foreground_init(struct foreground *foreground);
void foreground_deinit(struct foreground *foreground);

/* Returns true if our process group is in the foreground now. */
bool foreground_is_ours(const struct foreground *foreground);

/*
 * Takes back what a program took and left: the foreground for a process group of its own, and the
 * terminal's settings. The caller blocks SIGTTOU, so that this works from the background.
 */
void foreground_restore(const struct foreground *foreground);
