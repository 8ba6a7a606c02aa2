#include "util/timer_queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "util/clock.h"

static bool is_before(const struct timer_entry *a, const struct timer_entry *b) {
        return a->due_usec != b->due_usec ? a->due_usec < b->due_usec : a->sequence < b->sequence;
}

static void put(struct timer_queue *queue, size_t place, struct timer_entry *entry) {
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
        if (queue->count > 0)
                sd_event_source_set_time(queue->source, queue->heap[0]->due_usec);
        sd_event_source_set_enabled(queue->source, queue->count > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* What is added with a time that has come already waits for the loop's next round: a chain of such entries holds nobody up. */
static int timer_queue_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct timer_queue *queue = userdata;
        uint64_t now_usec = clock_usec(), sequence = queue->sequence;

        (void) source;
        (void) usec;
        while (queue->count > 0 && queue->heap[0]->due_usec <= now_usec && queue->heap[0]->sequence < sequence) {
                struct timer_entry *entry = queue->heap[0];

                unlink_entry(queue, entry);
                entry->fire(entry, now_usec);
        }
        set_alarm(queue);
        return 0;
}

int timer_queue_init(struct timer_queue *queue, sd_event *event) {
        /* accuracy: as exact as the clock; the default lets the loop be a quarter of a second late */
        int r = sd_event_add_time(event, &queue->source, CLOCK_MONOTONIC, UINT64_MAX, 1, timer_queue_on_time, queue);

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
        unlink_entry(queue, entry);
        if (was_first)
                set_alarm(queue);
}
