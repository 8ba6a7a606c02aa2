/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "memory/region.h"
#include "memory/shm.h"
#include "names.h"
#include "object/console.h"
#include "process/holders.h"
#include "process/lifecycle.h"
#include "process/page.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/container.h"
#include "util/host_limits.h"
#include "util/identity.h"
#include "util/log.h"
#include "util/workers.h"
#include "vfs/directory.h"

/*
 * What the daemon needs for itself: its sockets, stores and loop, and what each worker opens
 * meanwhile.
 */
enum { OWN_FDS = 32, FDS_PER_WORKER = 8, RESERVE_SHARE = 16, MIN_RESERVED_FDS = 64, USERS_WITH_FULL_BUFFERS = 8 };

/*
 * The share of `all` that ordinary users may have together: not the last 16th, nor what the daemon
 * needs.
 */
static uint64_t ceiling(uint64_t all, uint64_t min_reserved, uint64_t own) {
        uint64_t reserve = all / RESERVE_SHARE > min_reserved ? all / RESERVE_SHARE : min_reserved;

        return all > 2 * (reserve + own) ? all - reserve - own : all / 2;
}

static void set_ceilings(struct user_table *users, const struct config *config) {
        uint64_t *ceilings = users->ceilings, own_fds = OWN_FDS + (uint64_t) config->workers * FDS_PER_WORKER;

        ceilings[USER_HOST_FDS] = ceiling(host_max_fds(), MIN_RESERVED_FDS, own_fds);
        ceilings[USER_CONNECTIONS] = ceilings[USER_HOST_FDS];
        ceilings[USER_PROCESSES] = ceiling(PROCESS_MAX_PID, 0, 0);
        ceilings[USER_MAPPINGS] = ceiling(host_max_mappings(), 0, 1024);
        ceilings[USER_BUFFERS] = config->buffers_per_uid * USERS_WITH_FULL_BUFFERS;
}

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
        kernel->users.limits[USER_SEGMENTS] = config->segments_per_uid;
        kernel->users.limits[USER_BUFFERS] = config->buffers_per_uid;
        kernel->users.limits[USER_HOST_FDS] = config->host_fds_per_uid;
        kernel->users.limits[USER_MAPPINGS] = config->mappings_per_uid;
        set_ceilings(&kernel->users, config);
        kernel->memory.account.limit = config->system_memory;
        kernel->processes.fd_limit = config->fds_per_process;
        kernel->processes.memory_limit = config->memory_per_process;
        observer_notify(kernel->processes.observer, limits_changed);
}

static const char *unit(enum user_resource resource) {
        return resource == USER_MEMORY || resource == USER_BUFFERS ? "bytes of " : "";
}

static void log_refusal(const struct user_table *users, const struct user *user, enum user_resource resource,
                        bool reserved) {
        const struct kernel *kernel = container_of(users, struct kernel, users);
        unsigned long long charged = user->charged[resource], refused = user->refused[resource];
        const char *name = resource_name(resource);
        unsigned uid = user->uid;
        char holders[256];

        if (reserved) {
                log_client(
                        LOG_WARNING, 0, 0, uid,
                        "users have %llu %s%s, the rest is reserved for administrators; uid %u, with %llu, refused %llu times",
                        (unsigned long long) users->totals[resource], unit(resource), name, uid, charged, refused);
                return;
        }
        holders_describe(&kernel->processes, user, resource, holders, sizeof(holders));
        log_client(LOG_WARNING, 0, 0, uid, "uid %u is at its limit of %llu %s%s; refused %llu times%s%s", uid,
                   (unsigned long long) users->limits[resource], unit(resource), name, refused,
                   *holders ? "; largest holders: " : "", holders);
}

/* Makes the tables known to each other. */
static void connect_tables(struct kernel *kernel, sd_event *event) {
        kernel->users.refused = log_refusal;
        kernel->users.lanes.event = kernel->windows.starter.event = event;
        kernel->processes.memory = &kernel->memory;
        kernel->processes.trace = &kernel->trace;
        kernel->processes.figures = &kernel->counters;
        kernel->processes.page.fd = -1;
}

static int init_vfs(struct kernel *kernel) {
        const struct config *config = kernel->config;
        const struct vfs_options options = {
                .workers = kernel->workers,
                .event = kernel->event,
                .exec = config->exec,
                .store_path = config->ephemeral ? NULL : config->store_path,
                .ephemeral_size = config->ephemeral_size,
                .ephemeral_size_per_user = config->ephemeral_size_per_uid,
                .tmp_size = config->tmp_size,
                .tmp_size_per_user = config->tmp_size_per_uid,
        };

        return vfs_init(&kernel->vfs, &options);
}

/* Makes init, which is the daemon itself. */
static int init_processes(struct kernel *kernel) {
        _cleanup_(user_cleanup) struct user *user = NULL;
        _cleanup_(identity_cleanup) struct identity *identity = NULL;
        _cleanup_(object_cleanup) struct object *root = NULL;
        int r = user_from_uid(&kernel->users, geteuid(), &user);

        if (r == 0)
                r = identity_new(&identity, geteuid(), getegid(), NULL, 0);
        if (r == 0)
                r = vfs_directory_root(&kernel->vfs, &root);
        if (r < 0)
                return r;
        return process_table_init(&kernel->processes, &(struct process_options){
                                                              .user = user,
                                                              .identity = identity,
                                                              .host_pid = getpid(),
                                                              .cwd = root,
                                                              .command_line = "init",
                                                              .command_line_size = sizeof("init"),
                                                      });
}

static int init_workers(struct kernel *kernel) {
        const struct workers_options options = { .n_threads = kernel->config->workers,
                                                 .is_administrator = user_is_administrator };
        int r = workers_new(&kernel->workers, kernel->event, &options);

        kernel->memory.workers = kernel->windows.starter.workers = kernel->workers;
        return r;
}

int kernel_init(struct kernel *kernel, const struct config *config, sd_event *event) {
        int r;

        *kernel = (struct kernel){ .config = config, .event = event, .started_usec = clock_usec() };
        clock_gettime(CLOCK_REALTIME, &kernel->started_realtime);
        connect_tables(kernel, event);
        kernel_configure(kernel);

        r = identity_init();
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot learn this process's identity");
        r = timer_queue_init(&kernel->timers, event);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the timer queue");
        r = system_page_init(&kernel->processes.page, kernel->started_usec);
        if (r < 0)
                return log_errno(LOG_ERR, ENOMEM, "cannot make the published page");
        r = trace_init(&kernel->trace, &kernel->timers, config->trace_events);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the trace");
        r = init_workers(kernel);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the worker pool");
        r = console_new(&kernel->console, config->console_input, config->console_output);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the console");
        r = init_vfs(kernel);
        if (r < 0)
                return r;
        r = init_processes(kernel);
        return r < 0 ? log_errno(LOG_ERR, r, "cannot make the process table") : 0;
}

bool kernel_deinit(struct kernel *kernel) {
        bool stuck;

        kernel->workers = workers_free(kernel->workers, &stuck);
        if (stuck) {
                log_warning("a file system holds up some calls; ending without them");
                return false;
        }
        kernel->memory.workers = kernel->windows.starter.workers = kernel->vfs.workers = NULL;
        process_table_deinit(&kernel->processes);
        regions_unmap_kept(&kernel->memory);
        segments_deinit(&kernel->memory);
        kernel->console = console_free(kernel->console);
        vfs_deinit(&kernel->vfs);
        system_page_deinit(&kernel->processes.page);
        trace_deinit(&kernel->trace);
        timer_queue_deinit(&kernel->timers);
        return true;
}

void kernel_figures(struct kernel *kernel, struct figures *ret) {
        struct local_totals local;

        process_table_local_totals(&kernel->processes, &local);
        *ret = kernel->counters;
        ret->calls += local_totals_calls(&local);
        ret->call_errors += local_totals_errors(&local);
        ret->bytes_read += local_totals_read(&local);
        ret->bytes_written += local_totals_written(&local);
}

void kernel_reset_figures(struct kernel *kernel) {
        kernel_figures(kernel, &kernel->at_reset);
        memset(kernel->calls, 0, sizeof(kernel->calls));
        kernel->ticks = (struct tick_stats){ 0 };
        process_table_local_totals(&kernel->processes, &kernel->local_at_reset);
        trace_reset(&kernel->trace);
}
