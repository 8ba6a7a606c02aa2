/*
 * The kernel: owner of every table. All of it belongs to the one thread that runs the event loop.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "memory/account.h"
#include "memory/counters.h"
#include "process/process.h"
#include "process/user.h"
#include "process/wait_queue.h"
#include "trace/stats.h"
#include "trace/trace.h"
#include "util/timer_queue.h"
#include "vfs/vfs.h"

struct config;
struct console;
struct ax_system_page;
struct fifo;
struct shm;
struct task;
struct timer;
struct window;
struct workers;

struct kernel_counters {
        uint64_t calls, call_errors;
        uint64_t mount_requests, mount_errors;
        uint64_t bytes_read, bytes_written; /* by library calls and mount requests */
        uint64_t processes_spawned, processes_exited, signals, timers_fired;
};

/* What a reset makes zero. */
struct kernel_figures {
        uint64_t calls, call_errors, bytes_read, bytes_written;
        uint64_t processes_spawned, processes_exited, signals, timers_fired;
};

struct kernel_observer;

struct kernel_observer_ops {
        void (*process_started)(struct kernel_observer *observer, const struct process *process);
        void (*process_ended)(struct kernel_observer *observer, const struct process *process); /* its status is set */
        void (*counts_changed)(struct kernel_observer *observer); /* of processes, or of connections */
        void (*limits_changed)(struct kernel_observer *observer);
        void (*trace_changed)(struct kernel_observer *observer); /* whether it is on, or what it records */
};

/* Who is told of what happens, and must not change anything in there. */
struct kernel_observer {
        const struct kernel_observer_ops *ops;
};

struct kernel {
        const struct config *config;
        sd_event *event;
        struct workers *workers;
        struct run_queue run_queue;
        struct timer_queue timers;
        struct task *tasks_by_id;
        struct timer *timers_by_id;
        uint64_t last_id; /* of tasks and timers */
        struct fifo *fifos;
        struct memory_account memory; /* every byte of regions and segments, once */
        struct shm *segments;
        uint64_t segment_bytes;
        struct ax_system_page *page;
        int page_fd;
        struct user_table users;
        struct process_table processes;
        struct vfs vfs;
        struct console *console;
        struct window *windows; /* in order of their ids */
        struct kernel_counters counters;
        struct local_totals local; /* of processes that have ended */
        struct trace trace;
        struct call_stats calls[STATS_MAX_CALLS]; /* by method */
        struct tick_stats ticks;
        const char *(*method_name)(uint32_t method); /* the wire's, set by the server */
        uint32_t local_method;                       /* by which a program tells of a call that it made itself */
        struct kernel_figures since;                 /* the figures at the last reset */
        struct local_totals local_since;
        unsigned n_sessions;
        struct kernel_observer *observer; /* NULL: nobody */
        uint64_t started_usec;
        struct timespec started_realtime;
};

/* Makes every table. Return: 0, negative errno (logged); kernel_deinit() is right after either. */
int kernel_init(struct kernel *kernel, const struct config *config, sd_event *event);
/* No session and no process but init is left. */
void kernel_deinit(struct kernel *kernel);
/* The configuration's limits hold from now on, for what is taken from now on. */
void kernel_configure(struct kernel *kernel);

/* All that has been done, with and without the daemon, since it started. */
void kernel_figures(const struct kernel *kernel, struct kernel_figures *ret);
/* Forgets events and figures. */
void kernel_reset_figures(struct kernel *kernel);
/* Turns the trace on or off, and tells every program. */
void kernel_set_trace(struct kernel *kernel, bool enabled);
void kernel_set_trace_filter(struct kernel *kernel, const struct trace_filter *filter);
/* For those who have changed them. */
void kernel_tell_counts_changed(struct kernel *kernel);
void kernel_tell_trace_changed(struct kernel *kernel);
/* Of all processes. */
unsigned kernel_count_open_files(const struct kernel *kernel);
