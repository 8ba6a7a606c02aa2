/* SPDX-License-Identifier: MIT */
/*
 * The processes that ps lists, and their order.
 *
 * As in ps(1), a process is listed if any of -p, -u, -C and --ppid names it, or if none of them is
 * given. --state then keeps only the processes in one of its states.
 */
#pragma once

#include "axctl.h"

struct ids {
        uint32_t *values;
        size_t count;
};

struct selection {
        struct ids pids, parents, users;
        const char *commands, *states; /* separated by commas; NULL: any */
        const struct sort_key *key;    /* NULL: pids */
        bool descending;
};

/* Reads a command's options. Prints errors. Returns STATUS_OK or an exit status. */
int selection_init(struct selection *selection, const struct axctl *axctl);
void selection_deinit(struct selection *selection);

/* Returns true if an option selects processes. */
bool selection_is_narrow(const struct selection *selection);
bool selection_has(const struct selection *selection, const struct ax_process *process);

/* Returns less than 0 if `a` comes first. Never 0 for two processes. */
int selection_compare(const struct selection *selection, const struct ax_process *a, const struct ax_process *b);
