/*
 * What is to happen at a time: a heap over one timer of the event loop, so that thousands of entries cost one.
 *
 * Entries are embedded in what waits for the time. They fire in order of their due times, those of the same time in the order in which they were
 * added, and never early. An entry is off the queue when it fires.
 */
#pragma once

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
};

/* Return: 0, negative errno. */
int timer_queue_init(struct timer_queue *queue, sd_event *event);
void timer_queue_deinit(struct timer_queue *queue);

/* `entry` has its `fire` set and is not queued. Return: 0, -ENOMEM. */
int timer_queue_add(struct timer_queue *queue, struct timer_entry *entry, uint64_t due_usec);
void timer_queue_remove(struct timer_queue *queue, struct timer_entry *entry); /* fine for one that is not queued */
