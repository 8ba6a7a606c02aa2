#include "process/wait_queue.h"

#include <stddef.h>
#include <utlist.h>

void wait_queue_add(struct wait_queue *queue, struct waiter *waiter) {
        waiter->queue = queue;
        DL_APPEND(queue->waiters, waiter);
}

void wait_queue_remove(struct waiter *waiter) {
        struct wait_queue *queue = waiter->queue;

        if (!queue)
                return;
        if (queue->cursor == waiter)
                queue->cursor = waiter->next;
        DL_DELETE(queue->waiters, waiter);
        waiter->queue = NULL;
}

void wait_queue_wake(struct wait_queue *queue) {
        struct waiter *waiter;
        unsigned count;

        DL_COUNT(queue->waiters, waiter, count);
        queue->cursor = queue->waiters;
        for (; count > 0 && (waiter = queue->cursor); count--) {
                queue->cursor = waiter->next;
                waiter->wake(waiter);
        }
        queue->cursor = NULL;
}
