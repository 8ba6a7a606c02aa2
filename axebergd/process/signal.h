/* SPDX-License-Identifier: MIT */
/*
 * What signals do to a process.
 *
 * S1: KILL always ends, S2: STOP always stops. A stopped process keeps everything but KILL and
 * CONT.
 *
 * Handled signals are the program's to fetch: it gets one event that there are some (EVENT_SIGNAL),
 * takes them one by one, and each is blocked until its handler is done. While there is one to take,
 * no call of the process waits.
 */
#pragma once

#include <stdbool.h>

struct process;

/*
 * Whether there is a signal to handle: then a call that would wait, or waits, fails with -EINTR.
 */
bool signal_interrupts(const struct process *process);
/* Sends it; the process may be a zombie, or gone, afterwards. */
void signal_send(struct process *process, int signal);
/*
 * A process may signal processes of its own user; an administrator may signal any. Pid 1 cannot be
 * signalled.
 */
bool signal_is_permitted(const struct process *sender, const struct process *target);

/* Returns the old action, or -AX_ESIG_CANNOT_CATCH. The process may have ended. */
int signal_set_action(struct process *process, int signal, unsigned action);
/* Returns 1 if it was blocked, 0 if not, or -AX_ESIG_CANNOT_BLOCK. */
int signal_block(struct process *process, int signal);
/* Returns 1 if it was blocked, 0 if not. The process may have ended. */
int signal_unblock(struct process *process, int signal);
/* The next signal to handle, blocked until signal_done(); 0 if there is none. */
int signal_take(struct process *process);
/* The same without the program's asking, which has not been told that there is one. */
int signal_take_quietly(struct process *process);
void signal_done(struct process *process, int signal);

/*
 * While a call of the process is served, signals to handle are not announced: they go with the
 * reply. Those that did not are announced at the end of it.
 */
void signal_hold(struct process *process);
void signal_release(struct process *process);

/* Deals with what is pending and may be delivered now. The process may have ended. */
void signal_deliver(struct process *process);
