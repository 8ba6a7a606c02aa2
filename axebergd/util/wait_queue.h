/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait for an object to become ready.
 *
 * Waiters are embedded in what waits. Waking one moves it from its wait queue to its user's lane
 * (lane.h), which calls its `run` in one of the user's turns: nothing that is woken runs inside of
 * somebody else's operation. A waiter that has to wait again puts itself on a wait queue again. No
 * waiter is left on a queue when its owner is freed.
 */
#pragma once

#include <stdbool.h>

struct lane;
struct wait_queue;

struct waiter {
        struct waiter *prev, *next;
        struct wait_queue *queue; /* NULL: on none */
        struct lane *lane;        /* where it runs when it is woken */
        bool granted;             /* what it waits for has been given to it, and to nobody else */
        void (*run)(struct waiter *waiter);
};

struct wait_queue {
        struct waiter *waiters; /* in the order they came */
};

void wait_queue_add(struct wait_queue *queue, struct waiter *waiter);
void wait_queue_remove(struct waiter *waiter); /* fine for one that is on no queue */

/* Lets a waiter run, wherever it waits. */
void waiter_wake(struct waiter *waiter);
/* Lets all of them run, in order. */
void wait_queue_wake(struct wait_queue *queue);
/* Lets the one run that has waited longest; fine if there is none. */
void wait_queue_wake_one(struct wait_queue *queue);
