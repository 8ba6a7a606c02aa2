#include "bus/bus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axeberg.h"
#include "bus/authority.h"
#include "bus/listing.h"
#include "process/process.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/text.h"

enum {
        RETRY_USEC = 1000000,
        FLUSH_USEC = 200000, /* properties that change often are told this often */
        MOST_QUEUED = 4096,  /* messages that the bus has not taken */
};

const char *bus_process_path(int32_t pid, char buffer[static BUS_PATH_SIZE]) {
        snprintf(buffer, BUS_PATH_SIZE, BUS_PROCESS_PREFIX "/%d", (int) pid);
        return buffer;
}

const char *bus_process_command(const struct process *process, char buffer[static BUS_COMMAND_SIZE]) {
        text_make_utf8(buffer, BUS_COMMAND_SIZE, process_command(process));
        return buffer;
}

/* ---- errors ------------------------------------------------------------------------------------------------- */

int bus_error(sd_bus_error *ret, int error, const char *format, ...) {
        va_list arguments;
        char text[256];

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (error <= -AX_EMEM_OUT_OF_MEMORY) /* one of the kernel's own */
                return sd_bus_error_setf(ret, SD_BUS_ERROR_INVALID_ARGS, "%s", text);
        return sd_bus_error_set_errnof(ret, error, "%s", text);
}

int bus_error_no_process(sd_bus_error *ret, int32_t pid) {
        return sd_bus_error_setf(ret, BUS_NAME ".NoSuchProcess", "there is no process %d", (int) pid);
}

/* ---- what administrators do --------------------------------------------------------------------------------- */

static struct process *find_living(const struct bus *bus, int32_t pid) {
        struct process *process = process_from_pid(&bus->kernel->processes, pid);

        return process && process->state != PROCESS_ZOMBIE ? process : NULL;
}

int bus_kill(struct bus *bus, sd_bus_message *message, int32_t pid, int32_t signal, sd_bus_error *error) {
        struct process *process = find_living(bus, pid);

        if (!signal_is_valid(signal))
                return bus_error(error, -AX_ESIG_INVALID, "%d is not a signal of the kernel", (int) signal);
        if (!process)
                return bus_error_no_process(error, pid);
        if (pid == PROCESS_INIT_PID)
                return bus_error(error, -EPERM, "process 1 is the kernel itself; it takes no signals");
        log_info("D-Bus: %s to process %d (%.64s)", signal_name(signal), (int) pid, process_command(process));
        trace_process(process, AX_TRACE_SIGNAL, "sent", "%s over D-Bus", signal_name(signal));
        signal_send(process, signal);
        return sd_bus_reply_method_return(message, "");
}

int bus_set_memory_limit(struct bus *bus, sd_bus_message *message, int32_t pid, uint64_t bytes, sd_bus_error *error) {
        struct process *process = find_living(bus, pid);

        if (!process)
                return bus_error_no_process(error, pid);
        process_set_memory_limit(process, bytes);
        return sd_bus_reply_method_return(message, "");
}

/* ---- signals ------------------------------------------------------------------------------------------------ */

static bool is_on_bus(const struct bus *bus) {
        return bus->bus && sd_bus_is_ready(bus->bus) > 0;
}

static bool has_room(const struct bus *bus) {
        uint64_t queued = 0;

        sd_bus_get_n_queued_write(bus->bus, &queued);
        return queued < MOST_QUEUED;
}

static bool can_tell(struct bus *bus) {
        if (!is_on_bus(bus))
                return false;
        if (has_room(bus))
                return true;
        bus->signals_lost++;
        return false;
}

static void flush_soon(struct bus *bus) {
        int enabled = SD_EVENT_OFF;

        if (!bus->flush || (sd_event_source_get_enabled(bus->flush, &enabled) >= 0 && enabled != SD_EVENT_OFF))
                return;
        sd_event_source_set_time(bus->flush, clock_usec() + FLUSH_USEC);
        sd_event_source_set_enabled(bus->flush, SD_EVENT_ONESHOT);
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
        bus->counts_changed = bus->limits_changed = bus->trace_changed = false;
        return 0;
}

static struct bus *bus_from_observer(struct kernel_observer *observer) {
        return (struct bus *) ((char *) observer - offsetof(struct bus, observer));
}

static void on_process_started(struct kernel_observer *observer, const struct process *process) {
        struct bus *bus = bus_from_observer(observer);
        char path[BUS_PATH_SIZE];

        if (can_tell(bus))
                sd_bus_emit_signal(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "ProcessStarted", "io", process->pid,
                                   bus_process_path(process->pid, path));
}

/* Of a program that just ended its parent is told by the host, and the daemon by nobody. */
static const char *how_it_ended(const struct process *process) {
        if (process->status_from_host)
                return "ended";
        return process->status.kind == AX_SIGNALED ? "killed" : "exited";
}

static void on_process_ended(struct kernel_observer *observer, const struct process *process) {
        struct bus *bus = bus_from_observer(observer);
        char path[BUS_PATH_SIZE];

        if (can_tell(bus))
                sd_bus_emit_signal(bus->bus, BUS_PATH, BUS_MANAGER_INTERFACE, "ProcessExited", "iosi", process->pid,
                                   bus_process_path(process->pid, path), how_it_ended(process), process->status.code);
}

static void on_counts_changed(struct kernel_observer *observer) {
        struct bus *bus = bus_from_observer(observer);

        bus->counts_changed = true;
        flush_soon(bus);
}

static void on_limits_changed(struct kernel_observer *observer) {
        struct bus *bus = bus_from_observer(observer);

        bus->limits_changed = true;
        flush_soon(bus);
}

static void on_trace_changed(struct kernel_observer *observer) {
        struct bus *bus = bus_from_observer(observer);

        bus->trace_changed = true;
        flush_soon(bus);
}

static const struct kernel_observer_ops observer_ops = {
        .process_started = on_process_started,
        .process_ended = on_process_ended,
        .counts_changed = on_counts_changed,
        .limits_changed = on_limits_changed,
        .trace_changed = on_trace_changed,
};

/* ---- the connection ----------------------------------------------------------------------------------------- */

static void disconnect(struct bus *bus) {
        authority_drop_all(bus);
        listing_drop_all(bus);
        if (bus->bus)
                sd_bus_detach_event(bus->bus);
        bus->bus = sd_bus_close_unref(bus->bus);
}

/* What has gone wrong with the connection: it is made anew after a moment, not from within its own callbacks. */
static void retry_soon(struct bus *bus) {
        sd_event_source_set_time(bus->retry, clock_usec() + RETRY_USEC);
        sd_event_source_set_enabled(bus->retry, SD_EVENT_ONESHOT);
}

/* A bus that throws us out each time is told of once. */
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

/* Where another one has the name, ours is it as soon as that one goes. */
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
                r = sd_bus_set_watch_bind(bus->bus, true); /* where there is no bus yet, its socket is waited for */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(bus->bus, false); /* which would wait for a bus that does not read */
        if (r >= 0)
                r = sd_bus_set_description(bus->bus, "axebergd");
        return r < 0 ? r : sd_bus_start(bus->bus);
}

static int connect_bus(struct bus *bus) {
        int r = make_connection(bus);

        if (r >= 0)
                r = sd_bus_match_signal_async(bus->bus, NULL, "org.freedesktop.DBus.Local", NULL,
                                              "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL, bus);
        if (r >= 0)
                r = bus_add_manager(bus);
        if (r >= 0)
                r = bus_add_processes(bus);
        if (r >= 0)
                r = sd_bus_request_name_async(bus->bus, NULL, BUS_NAME, SD_BUS_NAME_QUEUE, on_name, bus);
        if (r >= 0)
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

/* Where there is no address to go to, none will come. */
static int connect_or_retry(struct bus *bus) {
        int r = connect_bus(bus);

        if (r >= 0 || r == -ENOENT || r == -EINVAL)
                return r;
        log_errno(LOG_WARNING, r, "cannot go on the bus now; waiting for it");
        bus->is_gone = true;
        retry_soon(bus);
        return 0;
}

int bus_start(struct bus *bus, struct kernel *kernel) {
        int r;

        *bus = (struct bus){ .kernel = kernel, .observer = { .ops = &observer_ops } };
        r = sd_event_add_time(kernel->event, &bus->retry, CLOCK_MONOTONIC, 0, 0, on_retry, bus);
        if (r >= 0)
                r = sd_event_source_set_enabled(bus->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(kernel->event, &bus->flush, CLOCK_MONOTONIC, 0, 0, on_flush, bus);
        if (r >= 0)
                r = sd_event_source_set_enabled(bus->flush, SD_EVENT_OFF);
        if (r >= 0)
                r = connect_or_retry(bus);
        if (r < 0) {
                bus_stop(bus);
                return log_errno(LOG_WARNING, r, "cannot go on the bus");
        }
        kernel->observer = &bus->observer;
        return 0;
}

void bus_stop(struct bus *bus) {
        if (bus->kernel)
                bus->kernel->observer = NULL;
        disconnect(bus);
        bus->retry = sd_event_source_disable_unref(bus->retry);
        bus->flush = sd_event_source_disable_unref(bus->flush);
        free(bus->metrics);
        bus->metrics = NULL;
        bus->kernel = NULL;
}
