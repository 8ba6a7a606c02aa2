/* SPDX-License-Identifier: MIT */
#include "cancel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <utlist.h>

#include "call.h"

/* A call that a switch watches; lives on the stack of the thread that makes it. */
struct watched_call {
        struct watched_call *prev, *next;
        ax_client *client;
        uint32_t serial;
};

struct ax_cancel {
        unsigned generation;  /* client_forks when it was made */
        pthread_mutex_t lock; /* taken before a client's lock, never after it */
        bool fired;
        struct watched_call *calls; /* calls of all threads that use the switch */
};

_Thread_local ax_cancel *cancel_current;
static _Thread_local struct watched_call watched;

int ax_cancel_new(ax_cancel **ret) {
        ax_cancel *cancel;

        if (!ret)
                return -AX_EINVAL;
        cancel = calloc(1, sizeof(*cancel));
        if (!cancel)
                return -AX_ENOMEM;
        cancel->generation = client_fork_generation();
        pthread_mutex_init(&cancel->lock, NULL);
        *ret = cancel;
        return 0;
}

/*
 * Returns false for a forked child's copy of its parent's switch, which watches the parent's
 * calls and may stay locked for good.
 */
static bool is_ours(const ax_cancel *cancel) {
        return cancel && cancel->generation == client_fork_generation();
}

void ax_cancel_free(ax_cancel *cancel) {
        if (is_ours(cancel))
                pthread_mutex_destroy(&cancel->lock);
        free(cancel);
}

void ax_cancel_use(ax_cancel *cancel) {
        cancel_current = is_ours(cancel) ? cancel : NULL;
}

/* Asks the daemon to interrupt a call. */
static void send_cancel(ax_client *ax, uint32_t serial) {
        call_notify(ax, AX_METHOD(cancel), &REQUEST(CancelRequest, .serial = serial)->base);
}

void ax_cancel_fire(ax_cancel *cancel) {
        struct watched_call *call;

        if (!is_ours(cancel))
                return;
        pthread_mutex_lock(&cancel->lock);
        if (!cancel->fired) {
                cancel->fired = true;
                DL_FOREACH (cancel->calls, call) {
                        send_cancel(call->client, call->serial);
                }
        }
        pthread_mutex_unlock(&cancel->lock);
}

void cancel_watch(ax_client *ax, uint32_t serial) {
        watched.client = ax;
        watched.serial = serial;
        pthread_mutex_lock(&cancel_current->lock);
        DL_APPEND(cancel_current->calls, &watched);
        if (cancel_current->fired)
                send_cancel(ax, serial);
        pthread_mutex_unlock(&cancel_current->lock);
}

void cancel_unwatch(void) {
        pthread_mutex_lock(&cancel_current->lock);
        DL_DELETE(cancel_current->calls, &watched);
        pthread_mutex_unlock(&cancel_current->lock);
}
