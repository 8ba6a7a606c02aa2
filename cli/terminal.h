/*
 * The terminal that axctl runs in: keys as they are typed, until the escape key; and its size.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { TERMINAL_ESCAPE = 0x1D }; /* Ctrl-] */

struct terminal {
        /* Return: 0, or a negative error, which ends terminal_run(). */
        int (*on_keys)(void *userdata, const char *keys, size_t size);
        int (*on_resize)(void *userdata, unsigned rows, unsigned columns);
        void *userdata;
        bool returns; /* the Enter key is a carriage return, as terminals send it; else a line feed, as programs read it */
        int stop_fd, signal_fd; /* the terminal's own */
};

/* Whether keys come from a terminal, and what is shown goes to one. */
bool terminal_is_there(void);
bool terminal_size(unsigned *ret_rows, unsigned *ret_columns);

/* Before there are other threads: from here on signals are the terminal's. Return: 0, a negative error. */
int terminal_init(struct terminal *terminal);
void terminal_deinit(struct terminal *terminal);
/* Single keys, not echoed, until the escape key, the end of the input, a signal, or terminal_stop(). The size is told at once, and whenever it changes. Return: 0, a negative error. */
int terminal_run(struct terminal *terminal);
/* From any thread. */
void terminal_stop(struct terminal *terminal);
