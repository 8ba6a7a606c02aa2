#include "process/signal.h"

#include <string.h>

#include "axeberg.h"
#include "axeberg.pb-c.h"
#include "kernel.h"
#include "memory/page.h"
#include "process/process.h"
#include "util/identity.h"
#include "util/log.h"

/* What a signal does by default. */
enum effect { EFFECT_NONE = 1, EFFECT_TERMINATE, EFFECT_STOP, EFFECT_CONTINUE };

static const struct {
        const char *name;
        enum effect effect;
} signals[SIGNAL_LIMIT] = {
        [AX_SIGHUP] = { "SIGHUP", EFFECT_TERMINATE },   [AX_SIGINT] = { "SIGINT", EFFECT_TERMINATE },
        [AX_SIGQUIT] = { "SIGQUIT", EFFECT_TERMINATE }, [AX_SIGKILL] = { "SIGKILL", EFFECT_TERMINATE },
        [AX_SIGUSR1] = { "SIGUSR1", EFFECT_TERMINATE }, [AX_SIGUSR2] = { "SIGUSR2", EFFECT_TERMINATE },
        [AX_SIGPIPE] = { "SIGPIPE", EFFECT_TERMINATE }, [AX_SIGALRM] = { "SIGALRM", EFFECT_TERMINATE },
        [AX_SIGTERM] = { "SIGTERM", EFFECT_TERMINATE }, [AX_SIGCHLD] = { "SIGCHLD", EFFECT_NONE },
        [AX_SIGCONT] = { "SIGCONT", EFFECT_CONTINUE },  [AX_SIGSTOP] = { "SIGSTOP", EFFECT_STOP },
};

static uint32_t bit(int signal) {
        return UINT32_C(1) << signal;
}

bool signal_is_valid(int signal) {
        return signal > 0 && signal < SIGNAL_LIMIT && signals[signal].name;
}

const char *signal_name(int signal) {
        return signal_is_valid(signal) ? signals[signal].name : NULL;
}

void signal_inherit(struct signal_state *state, const struct signal_state *parent) {
        state->blocked = parent->blocked;
        for (int signal = 1; signal < SIGNAL_LIMIT; signal++)
                if (parent->actions[signal] == AX_SIGNAL_IGNORE)
                        state->actions[signal] = AX_SIGNAL_IGNORE;
}

static bool is_uncatchable(int signal) {
        return signal == AX_SIGKILL || signal == AX_SIGSTOP;
}

/* Continuing happens when the signal is sent, whatever its action: here it has nothing left to do. */
static bool is_ignored(const struct signal_state *state, int signal) {
        unsigned action = state->actions[signal];

        return action == AX_SIGNAL_IGNORE ||
               (action == AX_SIGNAL_DEFAULT &&
                (signals[signal].effect == EFFECT_NONE || signals[signal].effect == EFFECT_CONTINUE));
}

static bool is_blocked(const struct signal_state *state, int signal) {
        return (state->blocked | state->handling) & bit(signal);
}

static void remove_pending(struct process *process, int signal) {
        struct signal_state *state = &process->signals;
        unsigned kept = 0;

        for (unsigned i = 0; i < state->n_pending; i++)
                if (state->pending[i] != signal)
                        state->pending[kept++] = state->pending[i];
        state->n_pending = kept;
        process_page_publish(process);
}

static void set_blocked(struct process *process, uint32_t blocked) {
        process->signals.blocked = blocked;
        process_page_publish(process);
}

static void add_pending(struct process *process, int signal) {
        struct signal_state *state = &process->signals;

        for (unsigned i = 0; i < state->n_pending; i++)
                if (state->pending[i] == signal)
                        return;
        state->pending[state->n_pending++] = (uint8_t) signal;
        process_page_publish(process);
}

/* The first that is pending and not blocked; 0: none. */
static int first_deliverable(const struct signal_state *state) {
        for (unsigned i = 0; i < state->n_pending; i++)
                if (!is_blocked(state, state->pending[i]))
                        return state->pending[i];
        return 0;
}

bool signal_is_due(const struct process *process) {
        /* everything else that could be delivered has been, unless the process is stopped */
        return process->state != PROCESS_STOPPED && first_deliverable(&process->signals) > 0;
}

static void announce(struct process *process) {
        struct signal_state *state = &process->signals;

        if (!process->listener)
                return;
        if (!state->announced) {
                state->announced = true;
                process->listener->ops->notify(process->listener, AXEBERG__EVENT__EVENT_SIGNAL);
        }
        process->listener->ops->interrupted(process->listener);
}

void signal_deliver(struct process *process) {
        struct signal_state *state = &process->signals;
        bool handled = false;
        unsigned i = 0;

        if (process->state == PROCESS_ZOMBIE || process->state == PROCESS_STOPPED)
                return;
        while (i < state->n_pending) {
                int signal = state->pending[i];

                if (is_blocked(state, signal)) {
                        i++;
                } else if (is_ignored(state, signal)) {
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
        process->kernel->counters.signals++;
        trace_process(process, AX_TRACE_SIGNAL, "sent", "%s%s", signal_name(signal),
                      is_blocked(state, signal) ? ", blocked" : "");
        if (signal == AX_SIGKILL) {
                process_exit_on_signal(process, signal);
                return;
        }
        if (signal == AX_SIGSTOP) {
                remove_pending(process, AX_SIGCONT);
                process_stop(process);
                return;
        }
        /* what is blocked is kept even where it is ignored: its action may be another when it is unblocked */
        if (is_blocked(state, signal) || !is_ignored(state, signal))
                add_pending(process, signal);
        if (signal == AX_SIGCONT)
                process_continue(process);
        signal_deliver(process);
}

bool signal_is_permitted(const struct process *sender, const struct process *target) {
        return target->pid != PROCESS_INIT_PID && process_may_inspect(sender, target);
}

int signal_set_action(struct process *process, int signal, unsigned action) {
        struct signal_state *state = &process->signals;
        unsigned old = state->actions[signal];

        if (is_uncatchable(signal))
                return -AX_ESIG_CANNOT_CATCH;
        state->actions[signal] = (uint8_t) action;
        if (is_ignored(state, signal))
                remove_pending(process, signal);
        signal_deliver(process);
        return (int) old;
}

int signal_block(struct process *process, int signal) {
        bool was_blocked = process->signals.blocked & bit(signal);

        if (is_uncatchable(signal))
                return -AX_ESIG_CANNOT_BLOCK;
        set_blocked(process, process->signals.blocked | bit(signal));
        return was_blocked;
}

int signal_unblock(struct process *process, int signal) {
        bool was_blocked = process->signals.blocked & bit(signal);

        set_blocked(process, process->signals.blocked & ~bit(signal));
        signal_deliver(process);
        return was_blocked;
}

int signal_take(struct process *process) {
        struct signal_state *state = &process->signals;
        int signal = first_deliverable(state);

        if (signal == 0) {
                state->announced = false;
                return 0;
        }
        trace_process(process, AX_TRACE_SIGNAL, "handled", "%s", signal_name(signal));
        remove_pending(process, signal);
        state->handling |= bit(signal);
        return signal;
}

void signal_done(struct process *process, int signal) {
        process->signals.handling &= ~bit(signal);
        signal_deliver(process);
}

uint32_t signal_pending_mask(const struct signal_state *state) {
        uint32_t mask = 0;

        for (unsigned i = 0; i < state->n_pending; i++)
                mask |= bit(state->pending[i]) >> 1;
        return mask;
}

uint32_t signal_blocked_mask(const struct signal_state *state) {
        return state->blocked >> 1;
}

uint32_t signal_action_mask(const struct signal_state *state, unsigned action) {
        uint32_t mask = 0;

        for (int signal = 1; signal < SIGNAL_LIMIT; signal++)
                if (signals[signal].name && state->actions[signal] == action)
                        mask |= bit(signal) >> 1;
        return mask;
}
