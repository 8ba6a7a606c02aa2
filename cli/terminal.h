/* SPDX-License-Identifier: MIT */
/*
 * The terminal that axctl runs in: single keys, its size, and the signals that end or stop axctl.
 *
 * Before axctl ends (by a key, INT, QUIT, TERM, HUP) or stops (Ctrl-Z, TSTP), the terminal gets its
 * settings back; after a stop it is taken again. A thread waits for the signals, so that they also
 * end a call that the daemon does not answer.
 */
#pragma once

#include <axeberg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "signals.h"

enum { TERMINAL_ESCAPE = 0x1D }; /* Ctrl-] */

/* Events of terminal_wait(). */
enum { TERMINAL_KEYS = 1, TERMINAL_RESIZED = 2, TERMINAL_ENDED = 4 };

struct terminal {
        /* Return 0, or a negative error, which ends terminal_run(). */
        int (*on_keys)(void *userdata, const char *keys, size_t size);
        int (*on_resize)(void *userdata, unsigned rows, unsigned columns);
        /* Called before axctl stops, and when it continues; may be NULL. */
        void (*on_leave)(void *userdata);
        void (*on_enter)(void *userdata);
        void *userdata;
        bool returns; /* pass the Enter key on as a carriage return, not as a line feed */
        /* private */
        int wake_fd;
        ax_cancel *cancel; /* of the waiting thread; fired by a signal that ends axctl */
        struct signal_thread signals;
        _Atomic unsigned events;
        _Atomic int signal; /* that has to end axctl; 0: none */
};

/* Returns true if standard input and output are a terminal. */
bool terminal_is_there(void);
bool terminal_size(unsigned *ret_rows, unsigned *ret_columns);
/* Returns the columns of the terminal at standard output, or 0 if it is not a terminal. */
size_t terminal_columns(void);

/*
 * Takes the signals; call this before there are other threads. If a signal ends axctl, the calling
 * thread's calls end with -AX_EINTR. Returns 0 or a negative error.
 */
int terminal_init(struct terminal *terminal);
/* Gives the signals back. If one of them has to end axctl, it does so now. */
void terminal_deinit(struct terminal *terminal);
/*
 * Waits for keys, a new size, or the end, but not longer than `timeout_ms` unless that is negative.
 * If axctl has to stop, it stops in here, and TERMINAL_RESIZED is among the events when it
 * continues. Returns the events.
 */
unsigned terminal_wait(struct terminal *terminal, int timeout_ms);
/*
 * Reads single keys without echo until the escape key, the end of the input, a signal, or
 * terminal_stop(). Calls on_resize() at once, and whenever the size changes. Returns 0 or a
 * negative error.
 */
int terminal_run(struct terminal *terminal);
/* Ends terminal_run(), from any thread. */
void terminal_stop(struct terminal *terminal);
