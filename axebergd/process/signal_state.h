/* SPDX-License-Identifier: MIT */
/*
 * The signals of one process: what each does, which are blocked, which are pending.
 *
 * S3: a signal is pending once. S4: what is blocked stays pending. S5: KILL and STOP are never
 * kept, so they come before all others, which come in the order in which they were sent. signal.h
 * has what happens to a process because of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract.h"
#include "names.h"

struct signal_state {
        uint8_t actions[AX_SIGNAL_LIMIT]; /* enum ax_signal_action, by number */
        uint32_t blocked, handling;       /* bit number: the signal */
        uint8_t pending[AX_SIGNAL_LIMIT]; /* in the order they came */
        unsigned n_pending;
        bool announced; /* the program knows that there is something to take */
        bool held;      /* it need not know yet: a call of it is being served */
};

bool signal_is_valid(int signal);
bool signal_is_uncatchable(int signal);

/* Blocked and ignored signals of a parent go to its child. */
void signal_inherit(struct signal_state *state, const struct signal_state *parent);

bool signal_is_ignored(const struct signal_state *state, int signal);
bool signal_is_blocked(const struct signal_state *state, int signal);
void signal_set_blocked(struct signal_state *state, int signal, bool blocked);
void signal_set_handling(struct signal_state *state, int signal, bool handling);
void signal_add_pending(struct signal_state *state, int signal);
void signal_remove_pending(struct signal_state *state, int signal);
/* The first signal that is pending and not blocked; 0 if there is none. */
int signal_first_deliverable(const struct signal_state *state);

/* As masks with bit (number - 1), as in /proc. */
uint32_t signal_pending_mask(const struct signal_state *state);
uint32_t signal_blocked_mask(const struct signal_state *state);
uint32_t signal_action_mask(const struct signal_state *state, unsigned action);
