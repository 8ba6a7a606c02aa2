/* SPDX-License-Identifier: MIT */
#include "util/wait_queue.h"

#include <assert.h>
#include <stddef.h>
#include <utlist.h>

#include "util/lane.h"

void wait_queue_add(struct wait_queue *queue, struct waiter *waiter) {
        assert(!waiter->queue);
        waiter->queue = queue;
        DL_APPEND(queue->waiters, waiter);
}

void wait_queue_remove(struct waiter *waiter) {
        if (!waiter->queue)
                return;
        DL_DELETE(waiter->queue->waiters, waiter);
        waiter->queue = NULL;
}

void waiter_wake(struct waiter *waiter) {
        if (waiter->queue == &waiter->lane->ready)
                return;
        wait_queue_remove(waiter);
        wait_queue_add(&waiter->lane->ready, waiter);
        lane_activate(waiter->lane);
}

void wait_queue_wake(struct wait_queue *queue) {
        while (queue->waiters)
                waiter_wake(queue->waiters);
}

void wait_queue_wake_one(struct wait_queue *queue) {
        if (queue->waiters)
                waiter_wake(queue->waiters);
}
