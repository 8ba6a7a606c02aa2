/* SPDX-License-Identifier: MIT */
/*
 * org.axeberg.Kernel1.Manager: the kernel as a whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axeberg.h"
#include "bus/actions.h"
#include "bus/authority.h"
#include "bus/listing.h"
#include "bus/objects.h"
#include "config.h"
#include "memory/shm.h"
#include "names.h"
#include "process/process.h"
#include "process/tracing.h"
#include "synthetic/metrics.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "vfs/store.h"

/* ---- properties ------------------------------------------------------------------------------ */

#define GETTER(name)                                                                                                   \
        static int get_##name(sd_bus *sd_bus, const char *path, const char *interface, const char *property,           \
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {                            \
                struct bus *bus = userdata;                                                                            \
                const struct kernel *kernel = bus->kernel;                                                             \
                (void) sd_bus;                                                                                         \
                (void) path;                                                                                           \
                (void) interface;                                                                                      \
                (void) property;                                                                                       \
                (void) error;                                                                                          \
                return append_##name(reply, bus, kernel);                                                              \
        }

#define PROPERTY(name, type, expression)                                                                               \
        static int append_##name(sd_bus_message *reply, struct bus *bus, const struct kernel *kernel) {                \
                (void) bus;                                                                                            \
                (void) kernel;                                                                                         \
                return sd_bus_message_append(reply, type, expression);                                                 \
        }                                                                                                              \
        GETTER(name)

/*
 * Sums over all processes take longer the more there are. They are cached for ten times the
 * computing time, so a client that polls costs at most a tenth of the kernel's thread. GetAll wants
 * them four times.
 */
static uint64_t keep_until(uint64_t begin_usec) {
        uint64_t now = clock_usec();

        return now + 10 * (now - begin_usec);
}

static const struct figures *figures_of(struct bus *bus) {
        uint64_t begin = clock_usec();

        if (begin >= bus->figures_until_usec) {
                kernel_figures(bus->kernel, &bus->figures);
                bus->open_files = process_table_count_open_files(&bus->kernel->processes);
                bus->figures_until_usec = keep_until(begin);
        }
        return &bus->figures;
}

PROPERTY(version, "s", AXEBERG_VERSION)
PROPERTY(host_pid, "u", (uint32_t) getpid())
PROPERTY(socket, "s", bus_text(kernel->config->socket_path, (char[BUS_TEXT_SIZE]){ 0 }))
PROPERTY(store, "s", bus_text(kernel->vfs.mounts[0].store->source, (char[BUS_TEXT_SIZE]){ 0 }))
PROPERTY(uptime, "t", clock_usec() - kernel->started_usec)
PROPERTY(process_count, "u", kernel->processes.count)
PROPERTY(connection_count, "u", kernel->n_sessions)
PROPERTY(open_files, "u", (figures_of(bus), bus->open_files))
PROPERTY(calls, "t", figures_of(bus)->calls)
PROPERTY(call_errors, "t", figures_of(bus)->call_errors)
PROPERTY(bytes_read, "t", figures_of(bus)->bytes_read)
PROPERTY(bytes_written, "t", figures_of(bus)->bytes_written)
PROPERTY(mount_requests, "t", kernel->counters.mount_requests)
PROPERTY(memory, "t", kernel->memory.account.used)
PROPERTY(memory_limit, "t", kernel->memory.account.limit)
PROPERTY(memory_peak, "t", kernel->memory.account.peak)
PROPERTY(segment_count, "u", (uint32_t) HASH_COUNT(kernel->memory.segments))
PROPERTY(trace_enabled, "b", kernel->trace.enabled)
PROPERTY(trace_events, "t", kernel->trace.next - kernel->trace.first)
PROPERTY(signals_lost, "t", bus->signals_lost)

/* Without a filter it is all of them. */
static int append_trace_categories(sd_bus_message *reply, struct bus *bus, const struct kernel *kernel) {
        uint32_t wanted = kernel->trace.filter.categories;
        int r = sd_bus_message_open_container(reply, 'a', "s");

        (void) bus;
        for (unsigned category = 0; r >= 0 && category <= AX_TRACE_CUSTOM; category++)
                if (wanted == 0 || wanted & 1u << category)
                        r = sd_bus_message_append(reply, "s", category_name(category));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
GETTER(trace_categories)

static int append_trace_pids(sd_bus_message *reply, struct bus *bus, const struct kernel *kernel) {
        const struct trace_filter *filter = &kernel->trace.filter;

        (void) bus;
        return sd_bus_message_append_array(reply, 'i', filter->pids, filter->n_pids * sizeof(filter->pids[0]));
}
GETTER(trace_pids)

static int append_limit(const char *name, uint64_t value, void *reply) {
        return sd_bus_message_append(reply, "{st}", name, value);
}

static int append_limits(sd_bus_message *reply, struct bus *bus, const struct kernel *kernel) {
        int r = sd_bus_message_open_container(reply, 'a', "{st}");

        (void) bus;
        if (r >= 0)
                r = config_each_number(kernel->config, append_limit, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
GETTER(limits)

/* ---- anyone's methods ------------------------------------------------------------------------ */

static int method_list_processes(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return listing_begin(userdata, message, error);
}

static int method_get_process(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const struct bus *bus = userdata;
        char path[BUS_PATH_SIZE];
        int32_t pid;
        int r = sd_bus_message_read(message, "i", &pid);

        if (r < 0)
                return r;
        if (!process_from_pid(&bus->kernel->processes, pid))
                return bus_error_no_process(error, pid);
        return sd_bus_reply_method_return(message, "o", bus_process_path(pid, path));
}

static int method_list_mounts(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const struct vfs *vfs = &((const struct bus *) userdata)->kernel->vfs;
        int r = sd_bus_message_new_method_return(message, &reply);

        (void) error;
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sss)");
        for (size_t i = 0; r >= 0 && i < vfs->n_mounts; i++) {
                const struct mount *mount = &vfs->mounts[i];
                char path[BUS_TEXT_SIZE], source[BUS_TEXT_SIZE];

                r = sd_bus_message_append(reply, "(sss)", bus_text(mount->path, path), mount->backend,
                                          bus_text(mount->store ? mount->store->source : mount->backend, source));
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int make_metrics(struct bus *bus) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return -ENOMEM;
        metrics_write(out, bus->kernel);
        if (fclose(out) < 0) {
                free(text);
                return -ENOMEM;
        }
        free(bus->metrics);
        bus->metrics = text;
        return 0;
}

static int method_get_metrics(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        uint64_t begin = clock_usec();

        (void) error;
        if (begin >= bus->metrics_until_usec) {
                int r = make_metrics(bus);

                if (r < 0)
                        return r;
                bus->metrics_until_usec = keep_until(begin);
        }
        return sd_bus_reply_method_return(message, "s", bus->metrics);
}

/* ---- administrators' methods ----------------------------------------------------------------- */

static int do_kill(struct bus *bus, sd_bus_message *message, sd_bus_error *error) {
        int32_t pid, signal;
        int r = sd_bus_message_read(message, "ii", &pid, &signal);

        return r < 0 ? r : bus_kill(bus, message, pid, signal, error);
}

static int do_set_memory_limit(struct bus *bus, sd_bus_message *message, sd_bus_error *error) {
        uint64_t bytes;
        int32_t pid;
        int r = sd_bus_message_read(message, "it", &pid, &bytes);

        return r < 0 ? r : bus_set_memory_limit(bus, message, pid, bytes, error);
}

static int read_categories(sd_bus_message *message, uint32_t *ret, sd_bus_error *error) {
        const char *name;
        unsigned count = 0;
        int r = sd_bus_message_enter_container(message, 'a', "s");

        *ret = 0;
        while (r >= 0 && (r = sd_bus_message_read(message, "s", &name)) > 0) {
                int category = category_from_name(name);

                if (category < 0)
                        return bus_error(error, -EINVAL, "\"%s\" is not a category of the trace", name);
                if (++count > AX_TRACE_CUSTOM + 1)
                        return bus_error(error, -EINVAL, "these are more categories than there are");
                *ret |= 1u << category;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_filter(sd_bus_message *message, struct trace_filter *ret, sd_bus_error *error) {
        const int32_t *pids;
        size_t size;
        int children, r;

        *ret = (struct trace_filter){ 0 };
        r = read_categories(message, &ret->categories, error);
        if (r >= 0)
                r = sd_bus_message_read_array(message, 'i', (const void **) &pids, &size);
        if (r >= 0)
                r = sd_bus_message_read(message, "b", &children);
        if (r < 0)
                return r;
        ret->children = children;
        ret->n_pids = (unsigned) (size / sizeof(*pids));
        if (!trace_are_pids(pids, size / sizeof(*pids)))
                return bus_error(error, -EINVAL, "these are more than %d pids, or some are none", TRACE_MAX_PIDS);
        if (size > 0)
                memcpy(ret->pids, pids, size);
        return 0;
}

static int do_enable_trace(struct bus *bus, sd_bus_message *message, sd_bus_error *error) {
        struct trace_filter filter;
        int r = read_filter(message, &filter, error);

        if (r < 0)
                return r;
        tracing_set_filter(&bus->kernel->processes, &filter);
        tracing_set(&bus->kernel->processes, true);
        return sd_bus_reply_method_return(message, "");
}

static int do_disable_trace(struct bus *bus, sd_bus_message *message, sd_bus_error *error) {
        (void) error;
        tracing_set(&bus->kernel->processes, false);
        return sd_bus_reply_method_return(message, "");
}

static int do_reset_trace(struct bus *bus, sd_bus_message *message, sd_bus_error *error) {
        (void) error;
        kernel_reset_figures(bus->kernel);
        bus->metrics_until_usec = 0;
        return sd_bus_reply_method_return(message, "");
}

#define FOR_ADMINISTRATORS(name, polkit_action)                                                                        \
        static int method_##name(sd_bus_message *message, void *userdata, sd_bus_error *error) {                       \
                return authority_require(userdata, message, polkit_action, do_##name, error);                          \
        }

FOR_ADMINISTRATORS(kill, AUTHORITY_PROCESSES)
FOR_ADMINISTRATORS(set_memory_limit, AUTHORITY_PROCESSES)
FOR_ADMINISTRATORS(disable_trace, AUTHORITY_TRACE)
FOR_ADMINISTRATORS(reset_trace, AUTHORITY_TRACE)

/* The arguments may be of any length: they are looked at before the call is kept. */
static int method_enable_trace(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct trace_filter filter;
        int r = read_filter(message, &filter, error);

        if (r >= 0)
                r = sd_bus_message_rewind(message, true);
        return r < 0 ? r : authority_require(userdata, message, AUTHORITY_TRACE, do_enable_trace, error);
}

/* ---- the interface --------------------------------------------------------------------------- */

#define METHOD(name, arguments, result, handler)                                                                       \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS arguments, SD_BUS_RESULT result, handler, SD_BUS_VTABLE_UNPRIVILEGED)
#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

/* packaging/dbus/org.axeberg.Kernel1.xml says the same, and a test that it does. */
static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, CONSTANT),
        SD_BUS_PROPERTY("HostPID", "u", get_host_pid, 0, CONSTANT),
        SD_BUS_PROPERTY("Socket", "s", get_socket, 0, CONSTANT),
        SD_BUS_PROPERTY("Store", "s", get_store, 0, CONSTANT),
        SD_BUS_PROPERTY("UptimeUSec", "t", get_uptime, 0, 0),
        SD_BUS_PROPERTY("ProcessCount", "u", get_process_count, 0, CHANGES),
        SD_BUS_PROPERTY("ConnectionCount", "u", get_connection_count, 0, CHANGES),
        SD_BUS_PROPERTY("OpenFiles", "u", get_open_files, 0, 0),
        SD_BUS_PROPERTY("Calls", "t", get_calls, 0, 0),
        SD_BUS_PROPERTY("CallErrors", "t", get_call_errors, 0, 0),
        SD_BUS_PROPERTY("BytesRead", "t", get_bytes_read, 0, 0),
        SD_BUS_PROPERTY("BytesWritten", "t", get_bytes_written, 0, 0),
        SD_BUS_PROPERTY("MountRequests", "t", get_mount_requests, 0, 0),
        SD_BUS_PROPERTY("MemoryAllocated", "t", get_memory, 0, 0),
        SD_BUS_PROPERTY("MemoryLimit", "t", get_memory_limit, 0, CHANGES),
        SD_BUS_PROPERTY("MemoryPeak", "t", get_memory_peak, 0, 0),
        SD_BUS_PROPERTY("SegmentCount", "u", get_segment_count, 0, 0),
        SD_BUS_PROPERTY("Limits", "a{st}", get_limits, 0, CHANGES),
        SD_BUS_PROPERTY("TraceEnabled", "b", get_trace_enabled, 0, CHANGES),
        SD_BUS_PROPERTY("TraceCategories", "as", get_trace_categories, 0, CHANGES),
        SD_BUS_PROPERTY("TracePIDs", "ai", get_trace_pids, 0, CHANGES),
        SD_BUS_PROPERTY("TraceEvents", "t", get_trace_events, 0, 0),
        SD_BUS_PROPERTY("SignalsLost", "t", get_signals_lost, 0, CHANGES),
        METHOD("ListProcesses", (NULL), ("a" LISTING_ROW, processes), method_list_processes),
        METHOD("GetProcess", ("i", pid), ("o", process), method_get_process),
        METHOD("ListMounts", (NULL), ("a(sss)", mounts), method_list_mounts),
        METHOD("GetMetrics", (NULL), ("s", metrics), method_get_metrics),
        METHOD("Kill", ("i", pid, "i", signal), (NULL), method_kill),
        METHOD("SetMemoryLimit", ("i", pid, "t", bytes), (NULL), method_set_memory_limit),
        METHOD("EnableTrace", ("as", categories, "ai", pids, "b", children), (NULL), method_enable_trace),
        METHOD("DisableTrace", (NULL), (NULL), method_disable_trace),
        METHOD("ResetTrace", (NULL), (NULL), method_reset_trace),
        SD_BUS_SIGNAL_WITH_ARGS("ProcessStarted", SD_BUS_ARGS("i", pid, "o", process), 0),
        SD_BUS_SIGNAL_WITH_ARGS("ProcessExited", SD_BUS_ARGS("i", pid, "o", process, "s", how, "i", code), 0),
        SD_BUS_VTABLE_END,
};

int bus_add_manager(struct bus *bus) {
        return sd_bus_add_object_vtable(bus->bus, NULL, BUS_PATH, BUS_MANAGER_INTERFACE, manager_vtable, bus);
}
