/* SPDX-License-Identifier: MIT */
#include "bus/budget.h"

#include "kernel.h"
#include "util/clock.h"
#include "util/log.h"

/* Of the kernel's time: a part, how much at once, and how much there must be after a pause. */
enum { BUDGET_PART = 10, BUDGET_USEC = 20000, RESUME_USEC = 2000 };

static void fill_budget(struct bus *bus) {
        uint64_t now = clock_usec(), part = (now - bus->budget_filled_usec) / BUDGET_PART;

        bus->budget_filled_usec += part * BUDGET_PART;
        bus->budget_usec = part >= BUDGET_USEC || bus->budget_usec + (int64_t) part > BUDGET_USEC
                                   ? BUDGET_USEC
                                   : bus->budget_usec + (int64_t) part;
}

/*
 * Reads nothing from the bus for a while; it keeps what comes, and holds up clients that send too
 * much.
 */
static void pause_bus(struct bus *bus) {
        uint64_t missing = (uint64_t) (RESUME_USEC - bus->budget_usec);

        bus->pauses++;
        if ((bus->pauses & (bus->pauses - 1)) == 0)
                log_info("D-Bus has used its tenth of the kernel's time %llu times, and waits",
                         (unsigned long long) bus->pauses);
        bus->paused = true;
        sd_bus_detach_event(bus->bus);
        sd_event_source_set_time(bus->resume, clock_usec() + missing * BUDGET_PART);
        sd_event_source_set_enabled(bus->resume, SD_EVENT_ONESHOT);
}

void budget_spend(struct bus *bus, uint64_t usec) {
        fill_budget(bus);
        bus->budget_usec -= (int64_t) usec;
        if (bus->budget_usec < 0 && !bus->paused && bus->bus)
                pause_bus(bus);
}

/* Every message begins here. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;

        (void) message;
        (void) error;
        bus->message_usec = clock_usec();
        return 0;
}

/* Before each turn of the loop: the message of the last one has been served. */
static int on_turn_begins(sd_event_source *source, void *userdata) {
        struct bus *bus = userdata;
        uint64_t begin = bus->message_usec;

        (void) source;
        if (begin == 0)
                return 0;
        bus->message_usec = 0;
        budget_spend(bus, clock_usec() - begin);
        return 0;
}

static int on_meter(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        (void) userdata;
        return 0; /* its time never comes */
}

static int on_resume(sd_event_source *source, uint64_t usec, void *userdata) {
        struct bus *bus = userdata;
        int r = 0;

        (void) source;
        (void) usec;
        bus->paused = false;
        if (bus->bus)
                r = sd_bus_attach_event(bus->bus, bus->kernel->event, SD_EVENT_PRIORITY_NORMAL);
        bus->resumed(bus, r);
        return 0;
}

int budget_init(struct bus *bus, void (*resumed)(struct bus *bus, int error)) {
        sd_event *event = bus->kernel->event;
        int r;

        bus->resumed = resumed;
        r = sd_event_add_time(event, &bus->resume, CLOCK_MONOTONIC, 0, 0, on_resume, bus);
        if (r >= 0)
                r = sd_event_source_set_enabled(bus->resume, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(event, &bus->meter, CLOCK_MONOTONIC, UINT64_MAX, 0, on_meter, bus);
        return r < 0 ? r : sd_event_source_set_prepare(bus->meter, on_turn_begins);
}

int budget_watch(struct bus *bus) {
        return sd_bus_add_filter(bus->bus, NULL, on_message, bus);
}

void budget_deinit(struct bus *bus) {
        bus->resume = sd_event_source_disable_unref(bus->resume);
        bus->meter = sd_event_source_disable_unref(bus->meter);
}
