#include "trace/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel.h"
#include "process/process.h"
#include "util/clock.h"
#include "util/identity.h"

enum { WAKE_DELAY_USEC = 10000 };

static void trace_on_wake(struct timer_entry *entry, uint64_t now_usec) {
        struct trace *trace = (struct trace *) ((char *) entry - offsetof(struct trace, wake));

        (void) now_usec;
        wait_queue_wake(&trace->readers);
}

int trace_init(struct trace *trace, struct timer_queue *timers, size_t size) {
        *trace = (struct trace){ .size = size, .next = 1, .first = 1, .timers = timers };
        trace->wake.fire = trace_on_wake;
        trace->ring = calloc(size, sizeof(*trace->ring));
        return trace->ring ? 0 : -ENOMEM;
}

void trace_deinit(struct trace *trace) {
        if (trace->timers)
                timer_queue_remove(trace->timers, &trace->wake);
        free(trace->ring);
        trace->ring = NULL;
        trace->enabled = false;
}

void trace_reset(struct trace *trace) {
        trace->first = trace->next;
}

bool trace_filter_matches(const struct trace_filter *filter, unsigned category, int32_t pid) {
        if (filter->categories && !(filter->categories & 1u << category))
                return false;
        for (unsigned i = 0; i < filter->n_pids; i++)
                if (filter->pids[i] == pid)
                        return true;
        return filter->n_pids == 0;
}

/* A reader that is far behind is woken at once, others when some events have come together. */
static void wake_readers(struct trace *trace) {
        if (!trace->readers.waiters)
                return;
        if (trace->next % (trace->size / 4 + 1) == 0)
                wait_queue_wake(&trace->readers);
        else if (trace->wake.place == 0)
                timer_queue_add(trace->timers, &trace->wake, clock_usec() + WAKE_DELAY_USEC);
}

void trace_record(struct trace *trace, struct trace_event *event) {
        struct timespec now;

        if (!trace->ring)
                return;
        clock_gettime(CLOCK_REALTIME, &now);
        event->time_nsec = (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
        event->number = trace->next++;
        trace->ring[event->number % trace->size] = *event;
        wake_readers(trace);
}

void trace_process(const struct process *process, unsigned category, const char *name, const char *format, ...) {
        struct trace *trace = &process->kernel->trace;
        struct trace_event event;
        va_list arguments;

        if (!trace_wants(trace, category, process->pid))
                return;
        event = (struct trace_event){
                .pid = process->pid,
                .host_pid = process->host_pid,
                .uid = process->identity ? process->identity->uid : 0,
                .category = (uint8_t) category,
        };
        snprintf(event.name, sizeof(event.name), "%s", name);
        va_start(arguments, format);
        vsnprintf(event.text, sizeof(event.text), format, arguments);
        va_end(arguments);
        trace_record(trace, &event);
}

bool trace_add_child(struct trace *trace, int32_t parent, int32_t child) {
        struct trace_filter *filter = &trace->filter;

        if (!filter->children || filter->n_pids == 0 || filter->n_pids == TRACE_MAX_PIDS)
                return false;
        for (unsigned i = 0; i < filter->n_pids; i++)
                if (filter->pids[i] == parent) {
                        filter->pids[filter->n_pids++] = child;
                        return true;
                }
        return false;
}

const struct trace_event *trace_find(const struct trace *trace, uint64_t number, uint64_t *ret_lost) {
        uint64_t oldest = trace->next > trace->size ? trace->next - trace->size : 1;

        if (number < trace->first)
                number = trace->first; /* forgotten, not lost */
        *ret_lost = number < oldest ? oldest - number : 0;
        if (number < oldest)
                number = oldest;
        return number < trace->next ? &trace->ring[number % trace->size] : NULL;
}

static const char *const category_names[] = { "syscall",   "process", "memory", "timer",  "signal",
                                              "scheduler", "file",    "ipc",    "window", "custom" };

enum { CATEGORIES = sizeof(category_names) / sizeof(category_names[0]) };

const char *trace_category_name(unsigned category) {
        return category < CATEGORIES ? category_names[category] : "?";
}

int trace_category_from_name(const char *name) {
        for (int category = 0; category < CATEGORIES; category++)
                if (strcmp(category_names[category], name) == 0)
                        return category;
        return -ENOENT;
}

bool trace_are_pids(const int32_t *pids, size_t n_pids) {
        if (n_pids > TRACE_MAX_PIDS)
                return false;
        for (size_t i = 0; i < n_pids; i++)
                if (pids[i] <= 0)
                        return false;
        return true;
}
