/* SPDX-License-Identifier: MIT */
#include "process/signal_state.h"

#include <assert.h>

#include "axeberg.h"

/* What a signal does by default. */
enum effect { EFFECT_NONE = 1, EFFECT_TERMINATE, EFFECT_STOP, EFFECT_CONTINUE };

static const enum effect effects[AX_SIGNAL_LIMIT] = {
        [AX_SIGHUP] = EFFECT_TERMINATE,  [AX_SIGINT] = EFFECT_TERMINATE,  [AX_SIGQUIT] = EFFECT_TERMINATE,
        [AX_SIGKILL] = EFFECT_TERMINATE, [AX_SIGUSR1] = EFFECT_TERMINATE, [AX_SIGUSR2] = EFFECT_TERMINATE,
        [AX_SIGPIPE] = EFFECT_TERMINATE, [AX_SIGALRM] = EFFECT_TERMINATE, [AX_SIGTERM] = EFFECT_TERMINATE,
        [AX_SIGCHLD] = EFFECT_NONE,      [AX_SIGCONT] = EFFECT_CONTINUE,  [AX_SIGSTOP] = EFFECT_STOP,
};

static uint32_t bit(int signal) {
        return UINT32_C(1) << signal;
}

bool signal_is_valid(int signal) {
        return signal_name(signal) != NULL;
}

bool signal_is_uncatchable(int signal) {
        return signal == AX_SIGKILL || signal == AX_SIGSTOP;
}

void signal_inherit(struct signal_state *state, const struct signal_state *parent) {
        state->blocked = parent->blocked;
        for (int signal = 1; signal < AX_SIGNAL_LIMIT; signal++)
                if (parent->actions[signal] == AX_SIGNAL_IGNORE)
                        state->actions[signal] = AX_SIGNAL_IGNORE;
}

/*
 * Continuing happens when the signal is sent, whatever its action: here it has nothing left to do.
 */
bool signal_is_ignored(const struct signal_state *state, int signal) {
        unsigned action = state->actions[signal];
        enum effect effect = effects[signal];

        return action == AX_SIGNAL_IGNORE ||
               (action == AX_SIGNAL_DEFAULT && (effect == EFFECT_NONE || effect == EFFECT_CONTINUE));
}

bool signal_is_blocked(const struct signal_state *state, int signal) {
        return (state->blocked | state->handling) & bit(signal);
}

static void set_bit(uint32_t *mask, int signal, bool value) {
        *mask = value ? *mask | bit(signal) : *mask & ~bit(signal);
}

void signal_set_blocked(struct signal_state *state, int signal, bool blocked) {
        set_bit(&state->blocked, signal, blocked);
}

void signal_set_handling(struct signal_state *state, int signal, bool handling) {
        set_bit(&state->handling, signal, handling);
}

void signal_add_pending(struct signal_state *state, int signal) {
        assert(!signal_is_uncatchable(signal)); /* S5 */
        for (unsigned i = 0; i < state->n_pending; i++)
                if (state->pending[i] == signal)
                        return; /* S3 */
        assert(state->n_pending < AX_SIGNAL_LIMIT);
        state->pending[state->n_pending++] = (uint8_t) signal;
}

void signal_remove_pending(struct signal_state *state, int signal) {
        unsigned kept = 0;

        for (unsigned i = 0; i < state->n_pending; i++)
                if (state->pending[i] != signal)
                        state->pending[kept++] = state->pending[i];
        state->n_pending = kept;
}

int signal_first_deliverable(const struct signal_state *state) {
        for (unsigned i = 0; i < state->n_pending; i++)
                if (!signal_is_blocked(state, state->pending[i]))
                        return state->pending[i];
        return 0;
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

        for (int signal = 1; signal < AX_SIGNAL_LIMIT; signal++)
                if (signal_name(signal) && state->actions[signal] == action)
                        mask |= bit(signal) >> 1;
        return mask;
}
