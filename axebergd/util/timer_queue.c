/* SPDX-License-Identifier: MIT */
#include "util/timer_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "util/clock.h"

enum { MAX_FIRED_AT_ONCE = 16 };

static bool is_before(const struct timer_entry *a, const struct timer_entry *b) {
        return a->due_usec != b->due_usec ? a->due_usec < b->due_usec : a->sequence < b->sequence;
}

static void put(struct timer_queue *queue, size_t place, struct timer_entry *entry) {
        assert(place > 0 && place <= queue->count);
        queue->heap[place - 1] = entry;
        entry->place = place;
}

static struct timer_entry *at(const struct timer_queue *queue, size_t place) {
        return queue->heap[place - 1];
}

static void move_up(struct timer_queue *queue, struct timer_entry *entry, size_t place) {
        for (; place > 1 && is_before(entry, at(queue, place / 2)); place /= 2)
                put(queue, place, at(queue, place / 2));
        put(queue, place, entry);
}

static void move_down(struct timer_queue *queue, struct timer_entry *entry, size_t place) {
        for (size_t child; (child = 2 * place) <= queue->count; place = child) {
                if (child < queue->count && is_before(at(queue, child + 1), at(queue, child)))
                        child++;
                if (!is_before(at(queue, child), entry))
                        break;
                put(queue, place, at(queue, child));
        }
        put(queue, place, entry);
}

static void unlink_entry(struct timer_queue *queue, struct timer_entry *entry) {
        size_t place = entry->place;
        struct timer_entry *last = at(queue, queue->count);

        queue->count--;
        entry->place = 0;
        if (last == entry)
                return;
        if (is_before(last, entry))
                move_up(queue, last, place);
        else
                move_down(queue, last, place);
}

static void set_alarm(struct timer_queue *queue) {
        if (!queue->source)
                return; /* its owner has ended */
        if (queue->count > 0)
                sd_event_source_set_time(queue->source, queue->heap[0]->due_usec);
        sd_event_source_set_enabled(queue->source, queue->count > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
}

bool timer_queue_is_due(const struct timer_queue *queue, uint64_t now_usec) {
        return queue->count > 0 && queue->heap[0]->due_usec <= now_usec;
}

/*
 * A chain of entries that are due when they are added holds nobody up: they have to wait for the
 * next call.
 */
bool timer_queue_fire_due(struct timer_queue *queue, uint64_t now_usec) {
        uint64_t sequence = queue->sequence;
        unsigned n_fired = 0;

        while (n_fired < MAX_FIRED_AT_ONCE && timer_queue_is_due(queue, now_usec) &&
               queue->heap[0]->sequence < sequence) {
                struct timer_entry *entry = queue->heap[0];

                assert(entry->due_usec <= now_usec); /* T2 */
                unlink_entry(queue, entry);
                assert(queue->count == 0 || is_before(entry, queue->heap[0])); /* T1 */
                entry->fire(entry, now_usec);
                n_fired++;
        }
        set_alarm(queue);
        return n_fired > 0;
}

static int timer_queue_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct timer_queue *queue = userdata;

        (void) usec;
        if (!queue->on_time) {
                timer_queue_fire_due(queue, clock_usec());
                return 0;
        }
        sd_event_source_set_enabled(source, SD_EVENT_OFF); /* until the owner has let it fire */
        queue->on_time(queue);
        return 0;
}

int timer_queue_init(struct timer_queue *queue, sd_event *event) {
        const uint64_t accuracy_usec = 1; /* the default lets the loop be a quarter of a second late */
        int r = sd_event_add_time(event, &queue->source, CLOCK_MONOTONIC, UINT64_MAX, accuracy_usec,
                                  timer_queue_on_time, queue);

        return r < 0 ? r : sd_event_source_set_enabled(queue->source, SD_EVENT_OFF);
}

void timer_queue_deinit(struct timer_queue *queue) {
        queue->source = sd_event_source_disable_unref(queue->source);
        free(queue->heap);
        queue->heap = NULL;
}

static int reserve(struct timer_queue *queue) {
        size_t capacity = queue->capacity ? queue->capacity * 2 : 64;
        struct timer_entry **heap;

        if (queue->count < queue->capacity)
                return 0;
        heap = reallocarray(queue->heap, capacity, sizeof(struct timer_entry *));
        if (!heap)
                return -ENOMEM;
        queue->heap = heap;
        queue->capacity = capacity;
        return 0;
}

int timer_queue_add(struct timer_queue *queue, struct timer_entry *entry, uint64_t due_usec) {
        int r = reserve(queue);

        assert(entry->place == 0 && entry->fire);
        if (r < 0)
                return r;
        entry->due_usec = due_usec;
        entry->sequence = queue->sequence++;
        queue->count++;
        move_up(queue, entry, queue->count);
        if (entry->place == 1)
                set_alarm(queue);
        return 0;
}

void timer_queue_remove(struct timer_queue *queue, struct timer_entry *entry) {
        bool was_first = entry->place == 1;

        if (entry->place == 0)
                return;
        assert(at(queue, entry->place) == entry);
        unlink_entry(queue, entry); /* T4 */
        if (was_first)
                set_alarm(queue);
}
