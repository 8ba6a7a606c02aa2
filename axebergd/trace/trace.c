/* SPDX-License-Identifier: MIT */
#include "trace/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "printable.h"
#include "util/clock.h"
#include "util/container.h"

enum { WAKE_DELAY_USEC = 10000 };

static void trace_on_wake(struct timer_entry *entry, uint64_t now_usec) {
        struct trace *trace = container_of(entry, struct trace, wake);

        (void) now_usec;
        wait_queue_wake(&trace->readers);
}

int trace_init(struct trace *trace, struct timer_queue *timers, size_t size) {
        *trace = (struct trace){ .size = size, .next = 1, .first = 1, .timers = timers };
        trace->wake.fire = trace_on_wake;
        trace_update(trace);
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

/* ---- requests -------------------------------------------------------------------------------- */

static unsigned count_requests(const struct trace *trace, const struct user *user) {
        unsigned count = 0;

        for (unsigned place = 0; place < TRACE_PLACES; place++)
                count += trace->requests[place] && trace->requests[place]->charge.user == user;
        return count;
}

static unsigned find_place(const struct trace *trace) {
        unsigned place = TRACE_KERNEL_PLACE + 1;

        while (place < TRACE_PLACES && trace->requests[place])
                place++;
        return place;
}

int trace_request_new(struct trace *trace, struct user *user, struct trace_request **ret) {
        unsigned place = find_place(trace);
        struct trace_request *request;
        int r;

        if (place == TRACE_PLACES)
                return -EBUSY;
        if (count_requests(trace, user) == TRACE_PLACES_PER_USER)
                return -EDQUOT;
        request = calloc(1, sizeof(*request));
        if (!request)
                return -ENOMEM;
        r = user_charge(user, &request->charge, USER_BUFFERS, sizeof(*request));
        if (r < 0) {
                free(request);
                return r;
        }
        request->place = place;
        request->first = trace->next;
        trace->requests[place] = request;
        *ret = request;
        return 0;
}

struct trace_request *trace_request_free(struct trace *trace, struct trace_request *request) {
        if (!request)
                return NULL;
        trace->requests[request->place] = NULL;
        user_charge_deinit(&request->charge);
        free(request);
        return NULL;
}

/* NULL: there is no such request. The kernel's own names processes also while it is off. */
static const struct trace_filter *filter_at(const struct trace *trace, unsigned place) {
        if (place == TRACE_KERNEL_PLACE)
                return &trace->filter;
        return trace->requests[place] ? &trace->requests[place]->filter : NULL;
}

void trace_update(struct trace *trace) {
        memset(trace->wanted, 0, sizeof(trace->wanted));
        trace->everyone = trace->children = 0;
        trace->live = (trace_set) 1 << TRACE_KERNEL_PLACE;
        trace->categories = 0;
        for (unsigned place = 0; place < TRACE_PLACES; place++) {
                const struct trace_filter *filter = filter_at(trace, place);
                trace_set bit = (trace_set) 1 << place;

                if (!filter)
                        continue;
                trace->live |= bit;
                trace->everyone |= filter->n_pids == 0 ? bit : 0;
                trace->children |= filter->children ? bit : 0;
                if (place == TRACE_KERNEL_PLACE && !trace->enabled)
                        continue;
                for (unsigned category = 0; category < TRACE_CATEGORIES; category++)
                        if (filter->categories == 0 || filter->categories & 1u << category) {
                                trace->wanted[category] |= bit;
                                trace->categories |= 1u << category;
                        }
        }
}

static bool names_pid(const struct trace_filter *filter, int32_t pid) {
        for (unsigned i = 0; i < filter->n_pids; i++)
                if (filter->pids[i] == pid)
                        return true;
        return false;
}

trace_set trace_set_of_pid(const struct trace *trace, int32_t pid) {
        trace_set set = 0;

        for (unsigned place = 0; place < TRACE_PLACES; place++) {
                const struct trace_filter *filter = filter_at(trace, place);

                if (filter && names_pid(filter, pid))
                        set |= (trace_set) 1 << place;
        }
        return set;
}

uint32_t trace_categories_of(const struct trace *trace, trace_set process) {
        uint32_t categories = 0;

        for (unsigned category = 0; category < TRACE_CATEGORIES; category++)
                if (trace_wants(trace, category, process))
                        categories |= 1u << category;
        return categories;
}

/* ---- events ---------------------------------------------------------------------------------- */

void trace_reset(struct trace *trace) {
        trace->first = trace->next;
}

bool trace_filter_matches(const struct trace_filter *filter, unsigned category, int32_t pid) {
        if (filter->categories && !(filter->categories & 1u << category))
                return false;
        return filter->n_pids == 0 || names_pid(filter, pid);
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

/*
 * Here every event comes by, so nothing gets into the trace that is not printable. What others
 * wrote was escaped when it was put into words; this catches what nobody thought of, and what
 * snprintf() has cut inside a character.
 */
static void make_printable(char *text, size_t size) {
        size_t length = strnlen(text, size - 1);

        if (length == size - 1)
                length = utf8_trim(text, length);
        text[length] = '\0';
        printable_in_place(text, size, PRINTABLE_ESCAPED);
}

void trace_record(struct trace *trace, struct trace_event *event) {
        struct timespec now;

        event->wanted &= trace->live;
        if (!trace->ring || !event->wanted)
                return;
        clock_gettime(CLOCK_REALTIME, &now);
        event->time_nsec = (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
        make_printable(event->name, sizeof(event->name));
        make_printable(event->text, sizeof(event->text));
        make_printable(event->outcome, sizeof(event->outcome));
        make_printable(event->command, sizeof(event->command));
        event->number = trace->next++;
        trace->ring[event->number % trace->size] = *event;
        wake_readers(trace);
}

void trace_event_init(struct trace_event *event, const struct trace *trace, unsigned category,
                      struct trace_subject subject) {
        *event = (struct trace_event){
                .pid = subject.pid,
                .host_pid = subject.host_pid,
                .uid = subject.uid,
                .category = (uint8_t) category,
                .wanted = trace_wants(trace, category, subject.requests),
                .begun = trace->next,
        };
        utf8_copy(event->command, sizeof(event->command), subject.command);
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

bool trace_are_pids(const int32_t *pids, size_t n_pids) {
        if (n_pids > TRACE_MAX_PIDS)
                return false;
        for (size_t i = 0; i < n_pids; i++)
                if (pids[i] <= 0)
                        return false;
        return true;
}
