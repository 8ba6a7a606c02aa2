/* SPDX-License-Identifier: MIT */
#include "signal_handlers.h"

#include <sys/eventfd.h>

#include "call.h"
#include "debug.h"

static struct signal_handler set_handler(ax_client *ax, int signal, struct signal_handler handler) {
        struct signal_handler old;

        pthread_mutex_lock(&ax->lock);
        old = ax->handlers[signal];
        ax->handlers[signal] = handler;
        pthread_mutex_unlock(&ax->lock);
        return old;
}

/* The handler is set first, because the signal may be pending. */
int ax_signal_handle(ax_client *ax, int signal, ax_signal_handler handler, void *userdata) {
        struct signal_handler old;
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ax_signal_name(signal))
                return -AX_ESIG_INVALID;
        if (!handler)
                return -AX_EINVAL;
        old = set_handler(ax, signal, (struct signal_handler){ handler, userdata });
        r = ax_signal(ax, signal, AX_SIGNAL_HANDLE);
        if (r < 0)
                set_handler(ax, signal, old);
        return r;
}

/*
 * Says that the handler of `done` (0 for none) has run. Returns the next signal, 0, or a negative
 * error.
 */
static int take_signal(ax_client *ax, int done) {
        return RPC(ax, signal_take, REQUEST(SignalTakeRequest, .done = done), rpc_ignore,
                   &(struct rpc){ .quiet = true });
}

static void run_handler(ax_client *ax, int signal) {
        struct signal_handler handler;

        pthread_mutex_lock(&ax->lock);
        handler = ax->handlers[signal];
        pthread_mutex_unlock(&ax->lock);
        if (!handler.function)
                return;
        if (ax->debug >= DEBUG_CALLS)
                debug_say(ax->debug, "process %d: handling %s", atomic_load(&ax->pid), ax_signal_name(signal));
        handler.function(ax, signal, handler.userdata);
}

/*
 * What the daemon said until now has been dealt with, unless it has spoken again since
 * `doorbells`.
 */
static void settle(ax_client *ax, unsigned doorbells) {
        eventfd_t count;

        pthread_mutex_lock(&ax->lock);
        if (ax->doorbells == doorbells) {
                atomic_store(&ax->handlers_due, false);
                if (ax->event_fd >= 0)
                        eventfd_read(ax->event_fd, &count);
        }
        pthread_mutex_unlock(&ax->lock);
}

/* Runs handlers until there are no more; `done` has just run, or is 0. */
static int run_all(ax_client *ax, int done) {
        int count = 0, signal = done;
        unsigned doorbells;

        do {
                pthread_mutex_lock(&ax->lock);
                doorbells = ax->doorbells;
                pthread_mutex_unlock(&ax->lock);
                signal = take_signal(ax, signal);
                if (signal > 0 && signal < AX_SIGNAL_LIMIT) {
                        run_handler(ax, signal);
                        count++;
                }
        } while (signal > 0);
        settle(ax, doorbells);
        return signal < 0 && count == 0 ? signal : count;
}

int client_run_handlers(ax_client *ax) {
        return run_all(ax, 0);
}

/* Whether the daemon has another signal for us, as far as its page tells. */
static bool has_more(ax_client *ax) {
        struct ax_process_page page;

        return atomic_load(&ax->handlers_due) || published_read(&ax->published, &page) != 0 ||
               page.pending & ~page.blocked;
}

void client_handle_signal(ax_client *ax, int signal) {
        run_handler(ax, signal);
        if (has_more(ax))
                run_all(ax, signal);
        else
                call_notify(ax, AX_METHOD(signal_take), &REQUEST(SignalTakeRequest, .done = signal)->base);
}
