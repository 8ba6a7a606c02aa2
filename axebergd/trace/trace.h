/*
 * The trace: what happened, as a bounded ring of events.
 *
 * An event is recorded where the trace is on and the filter wants its category and process; else it costs a test. The ring drops the oldest. Readers have a
 * place of their own, the number of the next event, and learn from it how many they have missed: so no reader, however slow, holds anybody up. Who waits
 * for events is woken a moment after the first one, to find several.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axeberg.h"
#include "process/wait_queue.h"
#include "util/timer_queue.h"

enum { TRACE_MAX_PIDS = 64, TRACE_NAME_SIZE = 32, TRACE_TEXT_SIZE = 240, TRACE_OUTCOME_SIZE = 128 };

struct trace_event {
        uint64_t number;    /* from 1, without gaps */
        uint64_t time_nsec; /* since the epoch */
        uint64_t duration_nsec;
        int64_t result; /* where has_result */
        int32_t pid, host_pid;
        uint32_t uid;
        uint8_t category; /* enum ax_trace_category */
        bool has_result;
        char name[TRACE_NAME_SIZE];
        char text[TRACE_TEXT_SIZE];       /* a call's arguments; what happened */
        char outcome[TRACE_OUTCOME_SIZE]; /* a call's results beside `result` */
};

struct trace_filter {
        uint32_t categories;          /* bit number: the category; 0: all */
        int32_t pids[TRACE_MAX_PIDS]; /* none: all */
        unsigned n_pids;
        bool children; /* of those are wanted, too */
};

struct trace {
        bool enabled;
        struct trace_filter filter;
        struct trace_event *ring;
        size_t size;
        uint64_t next;  /* the number of the next event */
        uint64_t first; /* since the last reset */
        struct wait_queue readers;
        struct timer_entry wake;
        struct timer_queue *timers;
};

struct kernel;
struct process;

/* Return: 0, -ENOMEM. */
int trace_init(struct trace *trace, struct timer_queue *timers, size_t size);
void trace_deinit(struct trace *trace);
/* Forgets all events. Readers learn nothing of them; numbers go on. */
void trace_reset(struct trace *trace);

bool trace_filter_matches(const struct trace_filter *filter, unsigned category, int32_t pid);
static inline bool trace_wants(const struct trace *trace, unsigned category, int32_t pid) {
        return __builtin_expect(trace->enabled, 0) && trace_filter_matches(&trace->filter, category, pid);
}

/* Records the event; its number and time are set here. */
void trace_record(struct trace *trace, struct trace_event *event);

/* One event of a process, in words, where it is wanted. */
void trace_process(const struct process *process, unsigned category, const char *name, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* A process has a child. Return: whether the filter is another now. */
bool trace_add_child(struct trace *trace, int32_t parent, int32_t child);

/* The oldest event that is still there and not before `number`; NULL: there is none. `ret_lost`: how many are not there any more. */
const struct trace_event *trace_find(const struct trace *trace, uint64_t number, uint64_t *ret_lost);

const char *trace_category_name(unsigned category);
/* Return: the category, -ENOENT. */
int trace_category_from_name(const char *name);
/* Whether a filter can have these. */
bool trace_are_pids(const int32_t *pids, size_t n_pids);
