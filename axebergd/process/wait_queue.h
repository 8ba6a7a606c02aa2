/*
 * Who waits for an object to become ready.
 *
 * Waiters are embedded in what waits. Waking calls every waiter that was on the queue when waking began, in the order they came;
 * a waiter that has got what it wanted removes itself, the others stay. Whoever frees a queue's owner has no waiter left on it.
 */
#pragma once

struct wait_queue;

struct waiter {
        struct waiter *prev, *next;
        struct wait_queue *queue; /* NULL: on none */
        void (*wake)(struct waiter *waiter);
};

struct wait_queue {
        struct waiter *waiters;
        struct waiter *cursor; /* next to wake, while waking */
};

void wait_queue_add(struct wait_queue *queue, struct waiter *waiter);
void wait_queue_remove(struct waiter *waiter); /* fine for one that is on no queue */
void wait_queue_wake(struct wait_queue *queue);
