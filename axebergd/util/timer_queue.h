/* SPDX-License-Identifier: MIT */
/*
 * What is to happen at a time: a heap over one timer of the event loop, so that thousands of
 * entries cost one.
 *
 * Entries are embedded in what waits for the time. They fire in order of their due times, those of
 * the same time in the order in which they were added, and never early. An entry is off the queue
 * when it fires.
 *
 * A queue fires by itself, in the event loop, or tells its owner by `on_time` that it wants to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct timer_entry {
        uint64_t due_usec; /* on the monotonic clock */
        uint64_t sequence;
        size_t place; /* in the heap, from 1; 0: not queued */
        void (*fire)(struct timer_entry *entry, uint64_t now_usec);
};

struct timer_queue {
        struct timer_entry **heap;
        size_t count, capacity;
        uint64_t sequence;
        sd_event_source *source;
        void (*on_time)(struct timer_queue *queue); /* NULL: it fires by itself */
};

/* Returns 0 or a negative errno. */
int timer_queue_init(struct timer_queue *queue, sd_event *event);
void timer_queue_deinit(struct timer_queue *queue);

/* `entry` has its `fire` set and is not queued. Returns 0 or -ENOMEM. */
int timer_queue_add(struct timer_queue *queue, struct timer_entry *entry, uint64_t due_usec);
void timer_queue_remove(struct timer_queue *queue, struct timer_entry *entry); /* fine for one that is not queued */

/* Whether an entry is due. */
bool timer_queue_is_due(const struct timer_queue *queue, uint64_t now_usec);
/*
 * Fires a few of the entries that are due: the owner of `on_time` calls it until it returns false.
 * An entry that is added meanwhile has to wait for the next call. Returns true if any fired.
 */
bool timer_queue_fire_due(struct timer_queue *queue, uint64_t now_usec);
