/* SPDX-License-Identifier: MIT */
#include "bus/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "axeberg.h"
#include "bus/authority.h"
#include "bus/budget.h"
#include "bus/listing.h"
#include "bus/objects.h"
#include "process/process.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/container.h"
#include "util/log.h"

enum {
        RETRY_USEC = 1000000,
        FLUSH_USEC = 200000, /* properties that change often are sent this often */
        MAX_QUEUED = 4096,   /* messages that the bus has not taken */
};

/* Signals of processes of one user, and of all. */
static const struct rate user_signal_rate = { .burst = 500, .interval_usec = 5000 };
static const struct rate all_signal_rate = { .burst = 2000, .interval_usec = 1000 };

/* ---- signals --------------------------------------------------------------------------------- */

static bool is_on_bus(const struct bus *bus) {
        return bus->bus && sd_bus_is_ready(bus->bus) > 0;
}

static bool has_room(const struct bus *bus) {
        uint64_t queued = 0;

        sd_bus_get_n_queued_write(bus->bus, &queued);
        return queued < MAX_QUEUED;
}

static void flush_soon(struct bus *bus) {
        int enabled = SD_EVENT_OFF;

        if (!bus->flush || (sd_event_source_get_enabled(bus->flush, &enabled) >= 0 && enabled != SD_EVENT_OFF))
                return;
        sd_event_source_set_time(bus->flush, clock_usec() + FLUSH_USEC);
        sd_event_source_set_enabled(bus->flush, SD_EVENT_ONESHOT);
}

/* Signals about administrators' processes are limited only by what the bus takes. */
static bool is_within_rates(struct bus *bus, uid_t uid) {
        uint64_t now = clock_usec(), forgotten;

        if (uid == 0 || uid == geteuid())
                return true;
        return bucket_take(rate_table_find(&bus->signal_rates, uid, now, &forgotten), &user_signal_rate, now) &&
               bucket_take(&bus->all_signals, &all_signal_rate, now);
}

static bool can_signal(struct bus *bus, const struct process *process) {
        if (!is_on_bus(bus))
                return false;
        if (has_room(bus) && is_within_rates(bus, process->user->uid))
                return true;
        bus->signals_lost++;
        bus->lost_changed = true;
        flush_soon(bus);
        return false;
}

static int on_flush(sd_event_source *source, uint64_t usec, void *userdata) {
        struct bus *bus = userdata;

        (void) source;
        (void) usec;
        if (!is_on_bus(bus))
                return 0;
        if (!has_room(bus)) {
                flush_soon(bus);
                return 0;
        }
        if (bus->counts_changed)
                sd_bus_emit_properties_changed(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "ProcessCount",
                                               "ConnectionCount", NULL);
        if (bus->limits_changed)
                sd_bus_emit_properties_changed(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "Limits", "MemoryLimit",
                                               NULL);
        if (bus->trace_changed)
                sd_bus_emit_properties_changed(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "TraceEnabled",
                                               "TraceCategories", "TracePIDs", NULL);
        if (bus->lost_changed)
                sd_bus_emit_properties_changed(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "SignalsLost", NULL);
        bus->counts_changed = bus->limits_changed = bus->trace_changed = bus->lost_changed = false;
        return 0;
}

static struct bus *bus_from_observer(struct observer *observer) {
        return container_of(observer, struct bus, observer);
}

static void on_process_started(struct observer *observer, const struct process *process) {
        struct bus *bus = bus_from_observer(observer);
        char path[BUS_PATH_SIZE];

        if (can_signal(bus, process))
                sd_bus_emit_signal(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "ProcessStarted", "io", process->pid,
                                   bus_process_path(process->pid, path));
}

/* The host tells the parent when a program merely exits; nothing tells the daemon. */
static const char *how_it_ended(const struct process *process) {
        if (process->status_from_host)
                return "ended";
        return process->status.kind == AX_SIGNALED ? "killed" : "exited";
}

static void on_process_ended(struct observer *observer, const struct process *process) {
        struct bus *bus = bus_from_observer(observer);
        char path[BUS_PATH_SIZE];

        if (can_signal(bus, process))
                sd_bus_emit_signal(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "ProcessExited", "iosi", process->pid,
                                   bus_process_path(process->pid, path), how_it_ended(process), process->status.code);
}

static void on_counts_changed(struct observer *observer) {
        struct bus *bus = bus_from_observer(observer);

        bus->counts_changed = true;
        flush_soon(bus);
}

static void on_limits_changed(struct observer *observer) {
        struct bus *bus = bus_from_observer(observer);

        bus->limits_changed = true;
        flush_soon(bus);
}

static void on_trace_changed(struct observer *observer) {
        struct bus *bus = bus_from_observer(observer);

        bus->trace_changed = true;
        flush_soon(bus);
}

static const struct observer_ops observer_ops = {
        .process_started = on_process_started,
        .process_ended = on_process_ended,
        .counts_changed = on_counts_changed,
        .limits_changed = on_limits_changed,
        .trace_changed = on_trace_changed,
};

/* ---- the connection -------------------------------------------------------------------------- */

static void disconnect(struct bus *bus) {
        authority_drop_all(bus);
        listing_drop_all(bus);
        if (bus->bus)
                sd_bus_detach_event(bus->bus);
        bus->bus = sd_bus_close_unref(bus->bus);
}

/* Makes the connection anew after a moment, not from within its own callbacks. */
static void retry_soon(struct bus *bus) {
        sd_event_source_set_time(bus->retry, clock_usec() + RETRY_USEC);
        sd_event_source_set_enabled(bus->retry, SD_EVENT_ONESHOT);
}

/* Logs only once if the bus keeps disconnecting us. */
static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;

        (void) message;
        (void) error;
        if (!bus->is_gone)
                log_warning("the bus has gone; waiting for it to come back");
        bus->is_gone = true;
        retry_soon(bus);
        return 0;
}

/* If another connection owns the name, we queue for it and get it when the owner leaves. */
static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        enum { PRIMARY_OWNER = 1, IN_QUEUE = 2 }; /* of RequestName's answers */
        const sd_bus_error *refusal = sd_bus_message_get_error(reply);
        struct bus *bus = userdata;
        uint32_t answer = 0;

        (void) error;
        if (sd_bus_error_has_name(refusal, SD_BUS_ERROR_NO_REPLY)) /* it has gone, or hangs */
                return 1;
        bus->is_gone = false;
        if (refusal)
                log_warning("cannot have the name " BUS_NAME " on the bus: %s", refusal->message);
        else if (sd_bus_message_read(reply, "u", &answer) > 0 && answer == PRIMARY_OWNER)
                log_info("on the bus as " BUS_NAME);
        else if (answer == IN_QUEUE)
                log_warning("another one has the name " BUS_NAME " on the bus; waiting for it to go");
        return 1;
}

/* The system bus serves the system's daemon; a user's own has the user's. */
static int bus_address(char **ret) {
        const char *variable = geteuid() == 0 ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS";
        const char *set = secure_getenv(variable), *runtime = secure_getenv("XDG_RUNTIME_DIR");
        int n;

        if (set)
                n = asprintf(ret, "%s", set);
        else if (geteuid() == 0)
                n = asprintf(ret, "unix:path=/run/dbus/system_bus_socket");
        else
                n = runtime ? asprintf(ret, "unix:path=%s/bus", runtime) : -1;
        return n < 0 ? -ENOENT : 0;
}

static int make_connection(struct bus *bus) {
        _cleanup_free_ char *address = NULL;
        int r = bus_address(&address);

        if (r < 0)
                return r;
        r = sd_bus_new(&bus->bus);
        if (r >= 0)
                r = sd_bus_set_address(bus->bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus->bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus->bus,
                                         false); /* nothing here takes any, and calls that wait would hold them */
        if (r >= 0)
                r = sd_bus_set_watch_bind(bus->bus, true); /* if there is no bus yet, wait for its socket */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(bus->bus, false); /* which would wait for a bus that does not read */
        if (r >= 0)
                r = sd_bus_set_description(bus->bus, "axebergd");
        return r < 0 ? r : sd_bus_start(bus->bus);
}

static int connect_bus(struct bus *bus) {
        int r = make_connection(bus);

        if (r >= 0)
                r = budget_watch(bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus->bus, NULL, "org.freedesktop.DBus.Local", NULL,
                                              "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL, bus);
        if (r >= 0)
                r = bus_add_manager(bus);
        if (r >= 0)
                r = bus_add_processes(bus);
        if (r >= 0)
                r = sd_bus_request_name_async(bus->bus, NULL, BUS_NAME, SD_BUS_NAME_QUEUE, on_name, bus);
        if (r >= 0 && !bus->paused)
                r = sd_bus_attach_event(bus->bus, bus->kernel->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                disconnect(bus);
        return r < 0 ? r : 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        struct bus *bus = userdata;

        (void) source;
        (void) usec;
        disconnect(bus);
        if (connect_bus(bus) < 0)
                retry_soon(bus);
        return 0;
}

/* If there is no address to connect to, none will come. */
static int connect_or_retry(struct bus *bus) {
        int r = connect_bus(bus);

        if (r >= 0 || r == -ENOENT || r == -EINVAL)
                return r;
        log_errno(LOG_WARNING, r, "cannot go on the bus now; waiting for it");
        bus->is_gone = true;
        retry_soon(bus);
        return 0;
}

/* A timer that is off. */
static int add_timer(struct bus *bus, sd_event_source **ret, sd_event_time_handler_t handler) {
        int r = sd_event_add_time(bus->kernel->event, ret, CLOCK_MONOTONIC, 0, 0, handler, bus);

        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static void on_resumed(struct bus *bus, int error) {
        if (error < 0)
                retry_soon(bus);
        listing_resume(bus);
}

int bus_start(struct bus **ret, struct kernel *kernel) {
        struct bus *bus = calloc(1, sizeof(*bus));
        int r;

        if (!bus)
                return log_errno(LOG_WARNING, ENOMEM, "cannot go on the bus");
        *bus = (struct bus){ .kernel = kernel, .observer = { .ops = &observer_ops } };
        r = add_timer(bus, &bus->retry, on_retry);
        if (r >= 0)
                r = add_timer(bus, &bus->flush, on_flush);
        if (r >= 0)
                r = budget_init(bus, on_resumed);
        if (r >= 0)
                r = connect_or_retry(bus);
        if (r < 0) {
                bus_stop(bus);
                return log_errno(LOG_WARNING, r, "cannot go on the bus");
        }
        kernel->processes.observer = &bus->observer;
        *ret = bus;
        return 0;
}

struct bus *bus_stop(struct bus *bus) {
        if (!bus)
                return NULL;
        bus->kernel->processes.observer = NULL;
        disconnect(bus);
        bus->retry = sd_event_source_disable_unref(bus->retry);
        bus->flush = sd_event_source_disable_unref(bus->flush);
        budget_deinit(bus);
        free(bus->metrics);
        free(bus);
        return NULL;
}
