/* SPDX-License-Identifier: MIT */
/*
 * The trace: what happened, as a bounded ring of events.
 *
 * Requests say what is recorded: the kernel's own, which administrators switch for all and which
 * stays until it is switched off, and one for each session that asks, which ends with its process.
 * An event is recorded if any request wants it, and knows which ones do. A request has a place, a
 * bit in a set; a process carries the set of the requests that name it or its ancestors. So an
 * event that nobody wants costs two loads and a test, and a program's children are followed however
 * many there are.
 *
 * The ring drops the oldest. Readers have a place of their own, the number of the next event, and
 * learn from it how many they have missed: so no reader, however slow, holds anybody up. Readers
 * that wait for events are woken a moment after the first one, to find several.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/user.h"
#include "axeberg.h"
#include "util/timer_queue.h"
#include "util/wait_queue.h"

enum { TRACE_MAX_PIDS = AX_TRACE_MAX_PIDS, TRACE_NAME_SIZE = 32, TRACE_TEXT_SIZE = 240, TRACE_OUTCOME_SIZE = 128 };
enum { TRACE_COMMAND_SIZE = 64, TRACE_CATEGORIES = AX_TRACE_CUSTOM + 1 };

/* Sets of requests: bit: the place. The first place is the kernel's own request. */
typedef uint64_t trace_set;

enum { TRACE_PLACES = 64, TRACE_KERNEL_PLACE = 0, TRACE_PLACES_PER_USER = 32 };

struct trace_event {
        uint64_t number;    /* from 1, without gaps */
        uint64_t time_nsec; /* since the epoch */
        uint64_t duration_nsec;
        int64_t result; /* if has_result */
        int32_t pid, host_pid;
        uint32_t uid;
        uint8_t category; /* enum ax_trace_category */
        bool has_result;
        trace_set wanted; /* by these requests */
        uint64_t begun;   /* the number that the next event had then: later requests do not want it */
        /* printable (printable.h) once the event is recorded */
        char name[TRACE_NAME_SIZE];
        char text[TRACE_TEXT_SIZE];       /* a call's arguments; what happened */
        char outcome[TRACE_OUTCOME_SIZE]; /* a call's results beside `result` */
        char command[TRACE_COMMAND_SIZE]; /* the program's name */
};

struct trace_filter {
        uint32_t categories;          /* bit number: the category; 0: all */
        int32_t pids[TRACE_MAX_PIDS]; /* none: all */
        unsigned n_pids;
        bool children; /* of those are wanted, too */
};

/* What a session wants recorded. It is charged to the session's user. */
struct trace_request {
        unsigned place;
        struct trace_filter filter;
        uint64_t first; /* the number of the first event that it can want */
        struct user_charge charge;
};

struct trace {
        bool enabled;               /* the kernel's own request */
        struct trace_filter filter; /* of that */
        struct trace_request *requests[TRACE_PLACES];
        /* the union, see trace_update() */
        trace_set wanted[TRACE_CATEGORIES]; /* by category */
        trace_set everyone, children;       /* requests that name no processes; those that follow children */
        trace_set live;                     /* requests that there are; the kernel's own always is one */
        uint32_t categories;                /* that somebody wants; 0: the trace is off */
        struct trace_event *ring;
        size_t size;
        uint64_t next;  /* the number of the next event */
        uint64_t first; /* since the last reset */
        struct wait_queue readers;
        struct timer_entry wake;
        struct timer_queue *timers;
};

/* The process that an event is about. */
struct trace_subject {
        int32_t pid, host_pid;
        uint32_t uid;
        const char *command;
        trace_set requests; /* that name it or its ancestors */
};

/* Returns 0 or -ENOMEM. */
int trace_init(struct trace *trace, struct timer_queue *timers, size_t size);
void trace_deinit(struct trace *trace);
/* Forgets all events. Readers do not get them; numbers go on. */
void trace_reset(struct trace *trace);

/*
 * Makes a session's request, which takes part in the union after trace_update(). Returns 0, -EBUSY
 * (all places are taken), -EDQUOT or -ENOMEM.
 */
int trace_request_new(struct trace *trace, struct user *user, struct trace_request **ret);
struct trace_request *trace_request_free(struct trace *trace, struct trace_request *request);
/* Works the union out again. Call it after each change of a request, or of the kernel's own. */
void trace_update(struct trace *trace);
/* The requests that name this process. */
trace_set trace_set_of_pid(const struct trace *trace, int32_t pid);
/* The categories of a process's events that are wanted. */
uint32_t trace_categories_of(const struct trace *trace, trace_set process);

/* Returns true if the request wants an event that has been recorded. */
static inline bool trace_request_wants(const struct trace_request *request, const struct trace_event *event) {
        return event->wanted >> request->place & 1 && event->begun >= request->first;
}
bool trace_filter_matches(const struct trace_filter *filter, unsigned category, int32_t pid);
/* The requests that want an event; `process`: those that its process carries. */
static inline trace_set trace_wants(const struct trace *trace, unsigned category, trace_set process) {
        return trace->wanted[category] & (trace->everyone | process);
}

/* Begins an event, and sets which requests want it. */
void trace_event_init(struct trace_event *event, const struct trace *trace, unsigned category,
                      struct trace_subject subject);
/*
 * Records the event: sets its number and time, and escapes what is not printable in its texts.
 * Nothing is recorded if the sessions have gone that wanted it when it began.
 */
void trace_record(struct trace *trace, struct trace_event *event);

/*
 * The oldest event that is still there and not before `number`; NULL if there is none. `*ret_lost`:
 * how many are not there any more.
 */
const struct trace_event *trace_find(const struct trace *trace, uint64_t number, uint64_t *ret_lost);

/* Whether a filter can have these. */
bool trace_are_pids(const int32_t *pids, size_t n_pids);
