#include "kernel.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "memory/page.h"
#include "object/console.h"
#include "util/clock.h"
#include "util/identity.h"
#include "util/log.h"
#include "util/workers.h"

void kernel_configure(struct kernel *kernel) {
        const struct config *config = kernel->config;

        kernel->users.limits[USER_CONNECTIONS] = config->connections_per_uid;
        kernel->users.limits[USER_PROCESSES] = config->processes_per_uid;
        kernel->users.limits[USER_FDS] = config->fds_per_uid;
        kernel->users.limits[USER_PIPES] = config->pipes_per_uid;
        kernel->users.limits[USER_TASKS] = config->tasks_per_uid;
        kernel->users.limits[USER_TIMERS] = config->timers_per_uid;
        kernel->users.limits[USER_REGIONS] = config->regions_per_uid;
        kernel->users.limits[USER_WINDOWS] = config->windows_per_uid;
        kernel->users.limits[USER_MEMORY] = config->memory_per_uid;
        kernel->memory.limit = config->system_memory;
        kernel->processes.fd_limit = config->fds_per_process;
        if (kernel->observer)
                kernel->observer->ops->limits_changed(kernel->observer);
}

int kernel_init(struct kernel *kernel, const struct config *config, sd_event *event) {
        int r;

        *kernel = (struct kernel){ .config = config, .event = event, .started_usec = clock_usec(), .page_fd = -1 };
        clock_gettime(CLOCK_REALTIME, &kernel->started_realtime);
        kernel->users.kernel = kernel;
        kernel_configure(kernel);

        r = identity_init();
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot learn this process's identity");
        r = run_queue_init(&kernel->run_queue, event);
        if (r == 0)
                r = timer_queue_init(&kernel->timers, event);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the scheduler");
        r = system_page_init(kernel);
        if (r < 0)
                return log_errno(LOG_ERR, ENOMEM, "cannot make the published page");
        r = trace_init(&kernel->trace, &kernel->timers, config->trace_events);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the trace");
        r = workers_new(&kernel->workers, event, config->workers);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the worker pool");
        r = console_new(&kernel->console, config->console_input, config->console_output);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the console");
        r = vfs_init(&kernel->vfs, kernel, config);
        if (r < 0)
                return r;
        r = process_table_init(&kernel->processes, kernel, config->fds_per_process);
        return r < 0 ? log_errno(LOG_ERR, r, "cannot make the process table") : 0;
}

void kernel_deinit(struct kernel *kernel) {
        kernel->workers = workers_free(kernel->workers);
        process_table_deinit(&kernel->processes);
        kernel->console = console_free(kernel->console);
        vfs_deinit(&kernel->vfs);
        system_page_deinit(kernel);
        trace_deinit(&kernel->trace);
        timer_queue_deinit(&kernel->timers);
        run_queue_deinit(&kernel->run_queue);
}

void kernel_figures(const struct kernel *kernel, struct kernel_figures *ret) {
        const struct kernel_counters *counters = &kernel->counters;
        struct local_totals local;

        counters_of_all(kernel, &local);
        *ret = (struct kernel_figures){
                .calls = counters->calls + local_totals_calls(&local),
                .call_errors = counters->call_errors + local_totals_errors(&local),
                .bytes_read = counters->bytes_read + local.of[AX_LOCAL_READ].bytes,
                .bytes_written = counters->bytes_written + local.of[AX_LOCAL_WRITE].bytes,
                .processes_spawned = counters->processes_spawned,
                .processes_exited = counters->processes_exited,
                .signals = counters->signals,
                .timers_fired = counters->timers_fired,
        };
}

void kernel_reset_figures(struct kernel *kernel) {
        kernel_figures(kernel, &kernel->since);
        memset(kernel->calls, 0, sizeof(kernel->calls));
        kernel->ticks = (struct tick_stats){ 0 };
        counters_of_all(kernel, &kernel->local_since);
        trace_reset(&kernel->trace);
}

void kernel_tell_counts_changed(struct kernel *kernel) {
        if (kernel->observer)
                kernel->observer->ops->counts_changed(kernel->observer);
}

void kernel_tell_trace_changed(struct kernel *kernel) {
        if (kernel->observer)
                kernel->observer->ops->trace_changed(kernel->observer);
}

void kernel_set_trace(struct kernel *kernel, bool enabled) {
        kernel->trace.enabled = enabled;
        system_page_publish(kernel);
        kernel_tell_trace_changed(kernel);
}

void kernel_set_trace_filter(struct kernel *kernel, const struct trace_filter *filter) {
        kernel->trace.filter = *filter;
        kernel_tell_trace_changed(kernel);
}

unsigned kernel_count_open_files(const struct kernel *kernel) {
        struct process *process, *next;
        unsigned count = 0;

        HASH_ITER (hh, kernel->processes.processes, process, next) {
                count += process->fds.n_open;
        }
        return count;
}
