/*
 * Who waits for an object to become ready, and who may go on.
 *
 * Waiters are embedded in what waits. Waking one moves it from its wait queue to the run queue, and the run queue calls its `run` when the event
 * at hand has been dealt with: so nothing that is woken runs inside of somebody else's operation. A waiter that finds that it has to wait again puts itself
 * on a wait queue again. Whoever frees a queue's owner has no waiter left on it.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

struct wait_queue;
struct run_queue;

struct waiter {
        struct waiter *prev, *next;
        struct wait_queue *queue; /* NULL: on none */
        struct run_queue *run_queue;
        bool granted; /* what it waits for has been given to it, and to nobody else */
        void (*run)(struct waiter *waiter);
};

struct wait_queue {
        struct waiter *waiters; /* in the order they came */
};

struct run_queue {
        struct wait_queue ready;
        sd_event_source *source;
};

void wait_queue_add(struct wait_queue *queue, struct waiter *waiter);
void wait_queue_remove(struct waiter *waiter); /* fine for one that is on no queue */

/* Lets a waiter run, wherever it waits. */
void waiter_wake(struct waiter *waiter);
/* Lets all of them run, in order. */
void wait_queue_wake(struct wait_queue *queue);

/* Return: 0, negative errno. */
int run_queue_init(struct run_queue *queue, sd_event *event);
void run_queue_deinit(struct run_queue *queue);
