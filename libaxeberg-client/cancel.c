#include "cancel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <utlist.h>

#include "transport.h"

/* A call that a switch watches; lives on the stack of the thread that makes it. */
struct watched_call {
        struct watched_call *prev, *next;
        ax_client *client;
        uint32_t serial;
};

struct ax_cancel {
        unsigned generation;  /* of fork() */
        pthread_mutex_t lock; /* taken before a client's lock, never after it */
        bool fired;
        struct watched_call *calls; /* of all threads that use the switch */
};

static _Thread_local ax_cancel *current;
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

/* A forked child's copy of its parent's switch watches the parent's calls, and its lock may never be free again. */
static bool is_ours(const ax_cancel *cancel) {
        return cancel && cancel->generation == client_fork_generation();
}

void ax_cancel_free(ax_cancel *cancel) {
        if (is_ours(cancel))
                pthread_mutex_destroy(&cancel->lock);
        free(cancel);
}

void ax_cancel_use(ax_cancel *cancel) {
        current = is_ours(cancel) ? cancel : NULL;
}

void ax_cancel_fire(ax_cancel *cancel) {
        struct watched_call *call;

        if (!is_ours(cancel))
                return;
        pthread_mutex_lock(&cancel->lock);
        if (!cancel->fired) {
                cancel->fired = true;
                DL_FOREACH (cancel->calls, call) {
                        client_send_cancel(call->client, call->serial);
                }
        }
        pthread_mutex_unlock(&cancel->lock);
}

void cancel_watch(ax_client *ax, uint32_t serial) {
        if (!current)
                return;
        watched.client = ax;
        watched.serial = serial;
        pthread_mutex_lock(&current->lock);
        DL_APPEND(current->calls, &watched);
        if (current->fired)
                client_send_cancel(ax, serial);
        pthread_mutex_unlock(&current->lock);
}

void cancel_unwatch(void) {
        if (!current)
                return;
        pthread_mutex_lock(&current->lock);
        DL_DELETE(current->calls, &watched);
        pthread_mutex_unlock(&current->lock);
}
