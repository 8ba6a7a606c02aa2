/* SPDX-License-Identifier: MIT */
#include "bus/actions.h"

#include <errno.h>

#include "axeberg.h"
#include "process/lifecycle.h"
#include "process/process.h"
#include "process/signal.h"
#include "util/log.h"

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
        log_info("D-Bus: %s to process %d (%s)", signal_name(signal), (int) pid, process_command(process));
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
