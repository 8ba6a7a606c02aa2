/*
 * Signals of one process: what each does, which are blocked, which are pending.
 *
 * S1: KILL always ends, S2: STOP always stops. S3: a signal is pending once. S4: what is blocked stays pending. S5: KILL and STOP are never kept, so they come
 * before all others, which come in the order in which they were sent. A stopped process keeps everything but KILL and CONT.
 *
 * Handled signals are the program's to fetch: it is told once that there are some (EVENT_SIGNAL), takes them one by one, and each is blocked until its
 * handler is done. While there is one to take no call of the process waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct process;

enum { SIGNAL_LIMIT = 32 };

struct signal_state {
        uint8_t actions[SIGNAL_LIMIT]; /* enum ax_signal_action, by number */
        uint32_t blocked, handling;    /* bit number: the signal */
        uint8_t pending[SIGNAL_LIMIT]; /* in the order they came */
        unsigned n_pending;
        bool announced; /* the program knows that there is something to take */
};

bool signal_is_valid(int signal);
const char *signal_name(int signal); /* "SIGTERM"; NULL for none of ours */

/* Blocked and ignored signals of a parent go to its child. */
void signal_inherit(struct signal_state *state, const struct signal_state *parent);

/* Sends it; the process may be a zombie, or gone, afterwards. */
void signal_send(struct process *process, int signal);
/* Whether one process may signal another. */
bool signal_is_permitted(const struct process *sender, const struct process *target);

/* Return: the old action; -AX_ESIG_CANNOT_CATCH. The process may have ended. */
int signal_set_action(struct process *process, int signal, unsigned action);
/* Return: 1 it was blocked, 0; -AX_ESIG_CANNOT_BLOCK. */
int signal_block(struct process *process, int signal);
/* Return: 1 it was blocked, 0. The process may have ended. */
int signal_unblock(struct process *process, int signal);
/* The next signal to handle, blocked until signal_done(); 0: none. */
int signal_take(struct process *process);
void signal_done(struct process *process, int signal);

/* Whether a call of the process must not wait, because there is a signal to handle. */
bool signal_is_due(const struct process *process);
/* Deals with what is pending and may be delivered now. The process may have ended. */
void signal_deliver(struct process *process);
/* As masks with bit (number - 1), as in /proc. */
uint32_t signal_pending_mask(const struct signal_state *state);
uint32_t signal_blocked_mask(const struct signal_state *state);
uint32_t signal_action_mask(const struct signal_state *state, unsigned action);
