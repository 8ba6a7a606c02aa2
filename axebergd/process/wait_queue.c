#include "process/wait_queue.h"

#include <stddef.h>
#include <utlist.h>

void wait_queue_add(struct wait_queue *queue, struct waiter *waiter) {
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
        struct run_queue *run_queue = waiter->run_queue;

        if (waiter->queue == &run_queue->ready)
                return;
        wait_queue_remove(waiter);
        wait_queue_add(&run_queue->ready, waiter);
        sd_event_source_set_enabled(run_queue->source, SD_EVENT_ONESHOT);
}

void wait_queue_wake(struct wait_queue *queue) {
        while (queue->waiters)
                waiter_wake(queue->waiters);
}

/* Those that become ready meanwhile have their turn in the loop's next round. */
static int run_queue_on_ready(sd_event_source *source, void *userdata) {
        struct run_queue *run_queue = userdata;
        struct waiter *waiter;
        unsigned count;

        DL_COUNT(run_queue->ready.waiters, waiter, count);
        for (; count > 0 && (waiter = run_queue->ready.waiters); count--) {
                wait_queue_remove(waiter);
                waiter->run(waiter);
        }
        if (run_queue->ready.waiters)
                sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

int run_queue_init(struct run_queue *queue, sd_event *event) {
        int r = sd_event_add_defer(event, &queue->source, run_queue_on_ready, queue);

        if (r < 0)
                return r;
        /* before anything new is let in */
        r = sd_event_source_set_priority(queue->source, SD_EVENT_PRIORITY_IMPORTANT);
        return r < 0 ? r : sd_event_source_set_enabled(queue->source, SD_EVENT_OFF);
}

void run_queue_deinit(struct run_queue *queue) {
        queue->source = sd_event_source_disable_unref(queue->source);
}
