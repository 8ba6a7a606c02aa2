/* SPDX-License-Identifier: MIT */
/*
 * org.axeberg.Kernel1.Process: one object a process, found by its path when it is asked for
 * something.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/actions.h"
#include "bus/authority.h"
#include "bus/objects.h"
#include "process/process.h"
#include "util/clock.h"
#include "util/identity.h"

enum { MAX_IN_TREE = 256 };

/* The pid that a path means; 0: none. */
static int32_t pid_from_path(const char *path) {
        static const char prefix[] = BUS_PROCESS_PREFIX "/";
        char canonical[BUS_PATH_SIZE];
        long pid;

        if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
                return 0;
        pid = strtol(path + sizeof(prefix) - 1, NULL, 10);
        if (pid <= 0 || pid > PROCESS_MAX_PID || strcmp(bus_process_path((int32_t) pid, canonical), path) != 0)
                return 0;
        return (int32_t) pid;
}

static int find_process(sd_bus *sd_bus, const char *path, const char *interface, void *userdata, void **ret,
                        sd_bus_error *error) {
        const struct bus *bus = userdata;

        (void) sd_bus;
        (void) interface;
        (void) error;
        *ret = process_from_pid(&bus->kernel->processes, pid_from_path(path));
        return *ret != NULL;
}

/*
 * The tree shows the first ones: sd-bus wants all of them at once, and anyone may ask.
 * ListProcesses has every one.
 */
static int list_processes(sd_bus *sd_bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error) {
        const struct process_table *table = &((const struct bus *) userdata)->kernel->processes;
        const struct process *processes[MAX_IN_TREE];
        size_t n = process_table_list(table, 0, processes, MAX_IN_TREE, NULL), count = 0;
        char **paths = calloc(n + 1, sizeof(*paths)), buffer[BUS_PATH_SIZE];

        (void) sd_bus;
        (void) prefix;
        (void) error;
        if (!paths)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                paths[count] = strdup(bus_process_path(processes[i]->pid, buffer));
                if (paths[count])
                        count++;
        }
        *ret = paths;
        return 0;
}

/* ---- properties ------------------------------------------------------------------------------ */

#define PROPERTY(name, type, expression)                                                                               \
        static int get_##name(sd_bus *sd_bus, const char *path, const char *interface, const char *property,           \
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {                            \
                const struct process *process = userdata;                                                              \
                (void) sd_bus;                                                                                         \
                (void) path;                                                                                           \
                (void) interface;                                                                                      \
                (void) property;                                                                                       \
                (void) error;                                                                                          \
                return sd_bus_message_append(reply, type, expression);                                                 \
        }

PROPERTY(pid, "i", process->pid)
PROPERTY(parent, "i", process->parent ? process->parent->pid : 0)
PROPERTY(group, "i", process->group)
PROPERTY(uid, "u", process->identity->uid)
PROPERTY(gid, "u", process->identity->gid)
PROPERTY(host_pid, "u", (uint32_t) process->host_pid)
PROPERTY(state, "s", process_state_name(process->state))
PROPERTY(command, "s", process_command(process))
PROPERTY(age, "t", clock_usec() - process->started_usec)
PROPERTY(open_files, "u", process->fds.n_open)
PROPERTY(parked, "u", process->parked)
PROPERTY(calls, "t", process_figures(process).calls)
PROPERTY(bytes_read, "t", process_figures(process).bytes_read)
PROPERTY(bytes_written, "t", process_figures(process).bytes_written)
PROPERTY(memory, "t", process->regions.account.used)
PROPERTY(memory_limit, "t", process->regions.account.limit)
PROPERTY(memory_peak, "t", process->regions.account.peak)
PROPERTY(regions, "u", (uint32_t) process->regions.count)

/* ---- methods --------------------------------------------------------------------------------- */

static int do_kill(struct bus *bus, sd_bus_message *message, sd_bus_error *error) {
        int32_t signal;
        int r = sd_bus_message_read(message, "i", &signal);

        return r < 0 ? r : bus_kill(bus, message, pid_from_path(sd_bus_message_get_path(message)), signal, error);
}

static int do_set_memory_limit(struct bus *bus, sd_bus_message *message, sd_bus_error *error) {
        uint64_t bytes;
        int r = sd_bus_message_read(message, "t", &bytes);

        return r < 0 ? r
                     : bus_set_memory_limit(bus, message, pid_from_path(sd_bus_message_get_path(message)), bytes,
                                            error);
}

/* A method's userdata is the process; the bus is the slot's. */
static struct bus *bus_of(sd_bus_message *message) {
        return sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(message)));
}

static int method_kill(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) userdata;
        return authority_require(bus_of(message), message, AUTHORITY_PROCESSES, do_kill, error);
}

static int method_set_memory_limit(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) userdata;
        return authority_require(bus_of(message), message, AUTHORITY_PROCESSES, do_set_memory_limit, error);
}

static const sd_bus_vtable process_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("PID", "i", get_pid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ParentPID", "i", get_parent, 0, 0),
        SD_BUS_PROPERTY("Group", "i", get_group, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("UID", "u", get_uid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("GID", "u", get_gid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("HostPID", "u", get_host_pid, 0, 0),
        SD_BUS_PROPERTY("State", "s", get_state, 0, 0),
        SD_BUS_PROPERTY("Command", "s", get_command, 0, 0),
        SD_BUS_PROPERTY("AgeUSec", "t", get_age, 0, 0),
        SD_BUS_PROPERTY("OpenFiles", "u", get_open_files, 0, 0),
        SD_BUS_PROPERTY("ParkedCalls", "u", get_parked, 0, 0),
        SD_BUS_PROPERTY("Calls", "t", get_calls, 0, 0),
        SD_BUS_PROPERTY("BytesRead", "t", get_bytes_read, 0, 0),
        SD_BUS_PROPERTY("BytesWritten", "t", get_bytes_written, 0, 0),
        SD_BUS_PROPERTY("MemoryAllocated", "t", get_memory, 0, 0),
        SD_BUS_PROPERTY("MemoryLimit", "t", get_memory_limit, 0, 0),
        SD_BUS_PROPERTY("MemoryPeak", "t", get_memory_peak, 0, 0),
        SD_BUS_PROPERTY("RegionCount", "u", get_regions, 0, 0),
        SD_BUS_METHOD_WITH_ARGS("Kill", SD_BUS_ARGS("i", signal), SD_BUS_NO_RESULT, method_kill,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetMemoryLimit", SD_BUS_ARGS("t", bytes), SD_BUS_NO_RESULT, method_set_memory_limit,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int bus_add_processes(struct bus *bus) {
        int r = sd_bus_add_fallback_vtable(bus->bus, NULL, BUS_PROCESS_PREFIX, BUS_PROCESS_INTERFACE, process_vtable,
                                           find_process, bus);

        return r < 0 ? r : sd_bus_add_node_enumerator(bus->bus, NULL, BUS_PROCESS_PREFIX, list_processes, bus);
}
