/* SPDX-License-Identifier: MIT */
/*
 * The kernel: owner of every table. All of it belongs to the one thread that runs the event loop.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "account/user.h"
#include "memory/system_memory.h"
#include "methods.h"
#include "process/process.h"
#include "trace/stats.h"
#include "trace/trace.h"
#include "util/timer_queue.h"
#include "vfs/vfs.h"
#include "window/window.h"

struct config;
struct console;
struct fifo;
struct workers;

struct kernel {
        const struct config *config;
        sd_event *event;
        struct workers *workers;
        struct timer_queue timers; /* of what has no user */
        struct user_table users;
        struct system_memory memory;
        struct process_table processes;
        struct vfs vfs;
        struct fifo *fifos; /* that are open */
        struct console *console;
        struct window_table windows;
        struct trace trace;
        struct figures counters;             /* what calls through the daemon did */
        struct call_stats calls[AX_METHODS]; /* by method */
        struct tick_stats ticks;
        struct figures at_reset; /* kernel_figures() at the last reset */
        struct local_totals local_at_reset;
        unsigned n_sessions;
        uint64_t started_usec;
        struct timespec started_realtime;
};

/*
 * Makes every table. Returns 0 or a negative errno (logged). kernel_deinit() is right after either.
 */
int kernel_init(struct kernel *kernel, const struct config *config, sd_event *event);
/*
 * Call only when no session, and no process but init, remains. Returns false if a call is stuck in
 * the host's kernel: then nothing was freed, and the program has to end without more ado.
 */
bool kernel_deinit(struct kernel *kernel);
/* Applies the configuration's limits to what is taken from now on. */
void kernel_configure(struct kernel *kernel);

/* All that was done, with and without the daemon, since it started. */
void kernel_figures(struct kernel *kernel, struct figures *ret);
/* Forgets events and figures. */
void kernel_reset_figures(struct kernel *kernel);
