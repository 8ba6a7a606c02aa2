/* SPDX-License-Identifier: MIT */
/*
 * The trace: its filters and its ring beside a model of them, and the calls that set and read it.
 *
 * Records of a kind from MODEL on are for the model, the others are calls (clients.h).
 */
#include <string.h>

#include "axeberg.pb-c.h"
#include "calls.h"
#include "clients.h"
#include "frame.h"
#include "process/tracing.h"
#include "sandbox.h"
#include "system.h"
#include "target.h"
#include "trace/trace.h"

enum { MODEL = 0x80, RING = 16, MAX_EVENTS = 1024, CATEGORIES = TRACE_CATEGORIES, MAX_RECORDS = 200 };

enum model_action { RECORD_EVENT, FORGET, SET_FILTER, SWITCH, FIND, MATCH, BEGIN, END, MODEL_ACTIONS };

/* What one request wants. */
struct model_filter {
        bool on;
        uint32_t categories;
        int32_t pids[TRACE_MAX_PIDS];
        unsigned n_pids;
        bool children;
};

static struct trace trace;
static struct {
        struct {
                uint8_t category;
                int32_t pid;
        } events[MAX_EVENTS]; /* event n has the number n + 1 + base */
        uint64_t base, first;
        unsigned n;
        struct model_filter requests[TRACE_PLACES]; /* the kernel's own first */
        struct user *user;
} model;

static int32_t read_pid(struct reader *reader) {
        return 1 + read_byte(reader) % 100;
}

static bool model_has_pid(const struct model_filter *filter, int32_t pid) {
        for (unsigned i = 0; i < filter->n_pids; i++)
                if (filter->pids[i] == pid)
                        return true;
        return false;
}

static bool model_has_category(const struct model_filter *filter, unsigned category) {
        return filter->categories == 0 || (filter->categories >> category & 1);
}

static trace_set model_wants(unsigned category, int32_t pid) {
        trace_set set = 0;

        for (unsigned place = 0; place < TRACE_PLACES; place++) {
                const struct model_filter *filter = &model.requests[place];

                if (filter->on && model_has_category(filter, category) &&
                    (filter->n_pids == 0 || model_has_pid(filter, pid)))
                        set |= (trace_set) 1 << place;
        }
        return set;
}

static void record_event(struct reader *reader) {
        struct trace_event event = { .category = read_byte(reader) % CATEGORIES, .pid = read_pid(reader) };

        event.wanted = trace_wants(&trace, event.category, trace_set_of_pid(&trace, event.pid));
        if (event.wanted != model_wants(event.category, event.pid))
                finding("category %u of %d is wanted by %#llx", event.category, event.pid,
                        (unsigned long long) event.wanted);
        if (model.n == MAX_EVENTS)
                return;
        if (event.wanted) {
                model.events[model.n].category = event.category;
                model.events[model.n++].pid = event.pid;
        }
        trace_record(&trace, &event); /* nothing, if nobody wants it */
}

static void read_filter(struct reader *reader, struct model_filter *wanted, struct trace_filter *ret) {
        wanted->categories = (uint32_t) read_number(reader, 2) & ((1u << CATEGORIES) - 1);
        wanted->children = read_byte(reader) % 2;
        wanted->n_pids = read_byte(reader) % (TRACE_MAX_PIDS + 1);
        for (unsigned i = 0; i < wanted->n_pids; i++)
                wanted->pids[i] = read_pid(reader);
        if (!trace_are_pids(wanted->pids, wanted->n_pids))
                finding("pids are none");
        *ret = (struct trace_filter){ .categories = wanted->categories,
                                      .n_pids = wanted->n_pids,
                                      .children = wanted->children };
        memcpy(ret->pids, wanted->pids, wanted->n_pids * sizeof(wanted->pids[0]));
}

/* The sets of the union, and that there is one at all. */
static void check_union(void) {
        trace_set children = 0, live = 0;
        uint32_t categories = 0;

        for (unsigned place = 0; place < TRACE_PLACES; place++) {
                const struct model_filter *filter = &model.requests[place];
                trace_set bit = (trace_set) 1 << place;

                live |= filter->on || place == TRACE_KERNEL_PLACE ? bit : 0;
                children |= filter->children ? bit : 0;
                for (unsigned category = 0; category < CATEGORIES; category++)
                        if (filter->on && model_has_category(filter, category))
                                categories |= 1u << category;
        }
        if (trace.live != live || trace.children != children || trace.categories != categories)
                finding("the union is %#llx, %#llx, %#x", (unsigned long long) trace.live,
                        (unsigned long long) trace.children, trace.categories);
}

static void set_filter(struct reader *reader) {
        read_filter(reader, &model.requests[TRACE_KERNEL_PLACE], &trace.filter);
        trace_update(&trace);
}

static void switch_trace(struct reader *reader) {
        trace.enabled = model.requests[TRACE_KERNEL_PLACE].on = read_byte(reader) % 2;
        trace_update(&trace);
}

static void begin_request(struct reader *reader) {
        struct trace_request *request;
        unsigned taken = 0;
        int r = trace_request_new(&trace, model.user, &request);

        for (unsigned place = TRACE_KERNEL_PLACE + 1; place < TRACE_PLACES; place++)
                taken += model.requests[place].on;
        if ((r == 0) != (taken < TRACE_PLACES_PER_USER))
                finding("request %u: %d", taken, r);
        if (r < 0)
                return;
        if (request->place == TRACE_KERNEL_PLACE || model.requests[request->place].on)
                finding("place %u is taken", request->place);
        read_filter(reader, &model.requests[request->place], &request->filter);
        model.requests[request->place].on = true;
        trace_update(&trace);
}

static void end_request(unsigned place) {
        if (place == TRACE_KERNEL_PLACE || !trace.requests[place])
                return;
        trace_request_free(&trace, trace.requests[place]);
        model.requests[place] = (struct model_filter){ 0 };
        trace_update(&trace);
}

static void match(struct reader *reader) {
        const struct model_filter *filter = &model.requests[TRACE_KERNEL_PLACE];
        unsigned category = read_byte(reader) % CATEGORIES;
        int32_t pid = read_pid(reader);
        bool expected = model_has_category(filter, category) && (filter->n_pids == 0 || model_has_pid(filter, pid));

        if (trace_filter_matches(&trace.filter, category, pid) != expected)
                finding("category %u of %d: not %d", category, pid, expected);
}

/* The numbers that there are: from `oldest` to below `next`. */
static void find(struct reader *reader) {
        uint64_t next = model.base + model.n + 1, oldest = next > RING ? next - RING : 1, wanted, from, lost;
        uint8_t pick = read_byte(reader);
        const struct trace_event *event;

        wanted = pick < 200 ? next - RING - 10 + pick % (RING + 20) : read_number(reader, 8);
        from = wanted < model.first ? model.first : wanted;
        event = trace_find(&trace, wanted, &lost);
        if (lost != (from < oldest ? oldest - from : 0))
                finding("%llu events are lost from %llu on", (unsigned long long) lost, (unsigned long long) wanted);
        if (from < oldest)
                from = oldest;
        if ((event != NULL) != (from < next))
                finding("event %llu of %llu", (unsigned long long) from, (unsigned long long) next);
        if (event && (event->number != from || event->pid != model.events[from - model.base - 1].pid ||
                      event->category != model.events[from - model.base - 1].category))
                finding("event %llu is %llu", (unsigned long long) from, (unsigned long long) event->number);
}

static void do_model(const struct record *record) {
        struct reader reader = reader_of(record->data, record->size);

        switch ((enum model_action)(record->kind % MODEL_ACTIONS)) {
        case RECORD_EVENT:
                record_event(&reader);
                break;
        case FORGET:
                model.first = model.base + model.n + 1;
                trace_reset(&trace);
                break;
        case SET_FILTER:
                set_filter(&reader);
                break;
        case SWITCH:
                switch_trace(&reader);
                break;
        case BEGIN:
                begin_request(&reader);
                break;
        case END:
                end_request(read_byte(&reader) % TRACE_PLACES);
                break;
        case FIND:
                find(&reader);
                break;
        default:
                match(&reader);
                break;
        }
        check_union();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        sandbox_enter();
        system_start(NULL);
        return 0;
}

static void begin_model(void) {
        must(trace_init(&trace, &the_system.kernel.timers, RING) == 0);
        memset(&model, 0, sizeof(model));
        model.first = 1;
        must(user_from_uid(&the_system.kernel.users, 4321, &model.user) == 0);
        trace.enabled = model.requests[TRACE_KERNEL_PLACE].on = true;
        trace_update(&trace);
}

static void end_model(void) {
        for (unsigned place = 0; place < TRACE_PLACES; place++)
                end_request(place);
        user_unref(model.user);
        trace_deinit(&trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct reader reader = reader_of(data, size);
        struct record record;

        system_begin();
        begin_model();
        clients_start();
        tracing_set(&the_system.kernel.processes, true);
        for (unsigned i = 0; i < MAX_RECORDS && record_next(&reader, &record); i++)
                if (record.kind >= MODEL)
                        do_model(&record);
                else
                        clients_do(&record);
        clients_end();
        end_model();
        system_reset();
        return 0;
}

/*
 * ---- mutation ----------------------------------------------------------------------------------
 * ----------------------
 */

static const uint32_t methods[] = {
        AX_METHOD(trace_enable), AX_METHOD(trace_disable), AX_METHOD(trace_set_filter),
        AX_METHOD(trace_reset),  AX_METHOD(trace_read),    AX_METHOD(trace_read),
        AX_METHOD(trace_event),  AX_METHOD(trace_event),   AX_METHOD(call_stats),
        AX_METHOD(trace_status), AX_METHOD(mount_trace),   AX_METHOD(local_call),
        AX_METHOD(open),         AX_METHOD(trace_summary), AX_METHOD(read),
        AX_METHOD(spawn_client), AX_METHOD(cancel),        AX_METHOD(trace_begin),
        AX_METHOD(trace_end),
};

static const struct calls calls = { .methods = methods, .n_methods = sizeof(methods) / sizeof(methods[0]) };

static void make(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        if (below(random, 2)) {
                calls_make(mutator, record, data, random);
                return;
        }
        record->kind = (uint8_t) (MODEL + below(random, 0x100 - MODEL));
        record->size = below(random, 12);
        for (size_t i = 0; i < record->size; i++)
                data[i] = (uint8_t) below(random, below(random, 2) ? 16 : 256);
}

static void change(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        if (record->kind < MODEL)
                calls_change(mutator, record, data, random);
        else
                record->size = LLVMFuzzerMutate(data, record->size, 200);
}

static const struct mutator mutator = { .make = make, .change = change, .userdata = &calls };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
        return mutator_mutate(&mutator, data, size, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t room, unsigned seed) {
        return mutator_cross(first, first_size, second, second_size, out, room, seed);
}
