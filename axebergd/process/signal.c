/* SPDX-License-Identifier: MIT */
#include "process/signal.h"

#include "axeberg.h"
#include "axeberg.pb-c.h"
#include "process/lifecycle.h"
#include "process/page.h"
#include "process/process.h"
#include "process/stop.h"
#include "process/tracing.h"
#include "trace/stats.h"

static void remove_pending(struct process *process, int signal) {
        signal_remove_pending(&process->signals, signal);
        process_page_publish(process);
}

static void add_pending(struct process *process, int signal) {
        signal_add_pending(&process->signals, signal);
        process_page_publish(process);
}

static void set_blocked(struct process *process, int signal, bool blocked) {
        signal_set_blocked(&process->signals, signal, blocked);
        process_page_publish(process);
}

/* Blocked by the program itself, not because its handler runs. */
static bool is_masked(const struct process *process, int signal) {
        return process->signals.blocked & UINT32_C(1) << signal;
}

static void announce(struct process *process) {
        struct signal_state *state = &process->signals;

        if (!process->listener)
                return;
        if (!state->announced && !state->held) {
                state->announced = true;
                process->listener->ops->notify(process->listener, AXEBERG__EVENT__EVENT_SIGNAL);
        }
        process->listener->ops->interrupted(process->listener);
}

void signal_deliver(struct process *process) {
        struct signal_state *state = &process->signals;
        bool handled = false;
        unsigned i = 0;

        if (process->state == PROCESS_ZOMBIE || process_is_stopped(process))
                return;
        while (i < state->n_pending) {
                int signal = state->pending[i];

                if (signal_is_blocked(state, signal)) {
                        i++;
                } else if (signal_is_ignored(state, signal)) {
                        trace_process(process, AX_TRACE_SIGNAL, "ignored", "%s", signal_name(signal));
                        remove_pending(process, signal);
                } else if (state->actions[signal] == AX_SIGNAL_HANDLE) {
                        handled = true;
                        i++;
                } else {
                        process_exit_on_signal(process, signal);
                        return;
                }
        }
        if (handled)
                announce(process);
}

void signal_send(struct process *process, int signal) {
        struct signal_state *state = &process->signals;

        if (process->state == PROCESS_ZOMBIE)
                return;
        process->table->figures->signals++;
        trace_process(process, AX_TRACE_SIGNAL, "sent", "%s%s", signal_name(signal),
                      signal_is_blocked(state, signal) ? ", blocked" : "");
        if (signal == AX_SIGKILL) {
                process_exit_on_signal(process, signal);
                return;
        }
        if (signal == AX_SIGSTOP) {
                remove_pending(process, AX_SIGCONT);
                process_stop(process);
                return;
        }
        /*
         * what is blocked is kept even if it is ignored: its action may be different when it is
         * unblocked
         */
        if (signal_is_blocked(state, signal) || !signal_is_ignored(state, signal))
                add_pending(process, signal);
        if (signal == AX_SIGCONT)
                process_continue(process);
        signal_deliver(process);
}

bool signal_interrupts(const struct process *process) {
        /* everything else that could be delivered has been, unless the process is stopped */
        return !process_is_stopped(process) && signal_first_deliverable(&process->signals) > 0;
}

bool signal_is_permitted(const struct process *sender, const struct process *target) {
        return target->pid != PROCESS_INIT_PID && process_may_inspect(sender, target);
}

int signal_set_action(struct process *process, int signal, unsigned action) {
        struct signal_state *state = &process->signals;
        unsigned old = state->actions[signal];

        if (signal_is_uncatchable(signal))
                return -AX_ESIG_CANNOT_CATCH;
        state->actions[signal] = (uint8_t) action;
        if (signal_is_ignored(state, signal))
                remove_pending(process, signal);
        signal_deliver(process);
        return (int) old;
}

int signal_block(struct process *process, int signal) {
        bool was_blocked = is_masked(process, signal);

        if (signal_is_uncatchable(signal))
                return -AX_ESIG_CANNOT_BLOCK;
        set_blocked(process, signal, true);
        return was_blocked;
}

int signal_unblock(struct process *process, int signal) {
        bool was_blocked = is_masked(process, signal);

        set_blocked(process, signal, false);
        signal_deliver(process);
        return was_blocked;
}

int signal_take(struct process *process) {
        struct signal_state *state = &process->signals;
        int signal = signal_first_deliverable(state);

        if (signal == 0) {
                state->announced = false;
                return 0;
        }
        trace_process(process, AX_TRACE_SIGNAL, "handled", "%s", signal_name(signal));
        remove_pending(process, signal);
        signal_set_handling(state, signal, true);
        return signal;
}

int signal_take_quietly(struct process *process) {
        /* of what has been announced, the program takes all */
        return process->state == PROCESS_ZOMBIE || process->signals.announced || !signal_interrupts(process)
                       ? 0
                       : signal_take(process);
}

void signal_hold(struct process *process) {
        process->signals.held = true;
}

void signal_release(struct process *process) {
        process->signals.held = false;
        if (process->signals.n_pending > 0)
                signal_deliver(process);
}

void signal_done(struct process *process, int signal) {
        signal_set_handling(&process->signals, signal, false);
        signal_deliver(process);
}
