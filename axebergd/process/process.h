/* SPDX-License-Identifier: MIT */
/*
 * Processes: what one is, the table of all, and questions about them.
 *
 *   Running <-- park, unpark --> Sleeping
 *   Running, Sleeping -- stop --> Stopped -- continue --> Running
 *   any live state -- exit --> Zombie
 *
 * P1: only these transitions exist, and lifecycle.c makes them in one place. P2: a zombie never
 * changes and makes no call. P3: a parent always exists: orphans go to init, pid 1, which is the
 * daemon itself and reaps its children at once.
 *
 * A process owns its descriptors, working directory, tasks, timers and charges; its end gives all
 * of it back. The connection that speaks for it listens to what happens to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "account/user.h"
#include "memory/region.h"
#include "process/counters.h"
#include "process/fdtable.h"
#include "process/host.h"
#include "process/observer.h"
#include "process/signal_state.h"
#include "trace/trace.h"
#include "util/id_list.h"
#include "util/wait_queue.h"

struct ax_process_page;
struct ax_system_page;
struct figures;
struct identity;
struct process;
struct process_listener;
struct program_counters;
struct system_memory;
struct task;
struct timer;
struct trace_request;

enum process_state {
        PROCESS_RUNNING,
        PROCESS_SLEEPING,
        PROCESS_STOPPED,
        PROCESS_ZOMBIE,
};

enum { PROCESS_INIT_PID = 1, PROCESS_MAX_PID = 4194304, PROCESS_COMMAND_SIZE = 64 };

/* What every program may read without asking (pages.h). */
struct system_page {
        struct ax_system_page *map; /* NULL if there is none yet */
        int fd;
};

struct process_table {
        struct process *processes; /* by pid */
        struct id_list pids;
        int32_t last_pid;
        unsigned count;
        unsigned fd_limit;     /* of each new process */
        uint64_t memory_limit; /* of init's children, unless they get a different one */
        struct task *tasks;    /* by id */
        struct timer *timers;  /* by id */
        uint64_t last_id;      /* of tasks and timers */
        struct system_page page;
        struct local_totals ended; /* calls without the daemon of processes that have ended */
        struct {
                struct local_totals totals;
                uint64_t until_nsec;
        } cached; /* sums that took long to make */

        /* the kernel's; they outlive the table */
        struct system_memory *memory;
        struct trace *trace;
        struct figures *figures;
        struct observer *observer; /* NULL if nobody observes */
};

/* What a process's connection learns of it. None of these frees the process. */
struct process_listener_ops {
        /* It is about to end: answer what waits, and never touch it again. */
        void (*ended)(struct process_listener *listener);
        /* It was stopped or continued. */
        void (*paused)(struct process_listener *listener);
        /* A handled signal is there: parked calls are tried once more, to be interrupted. */
        void (*interrupted)(struct process_listener *listener);
        /* Whether the program has sent something that has not been served yet. */
        bool (*has_input)(struct process_listener *listener);
        /* Tell the program. `event` is the wire's number. */
        void (*notify)(struct process_listener *listener, unsigned event);
};

struct process_listener {
        const struct process_listener_ops *ops;
};

/* What ax_wait() reports: a kind (enum ax_wait_kind), and the exit code or signal. */
struct wait_status {
        int kind, code;
};

struct process {
        struct process_table *table;
        int32_t pid, group;
        struct process *parent;                 /* NULL for init only */
        struct process *children, *prev, *next; /* siblings */
        enum process_state state;
        unsigned parked;                   /* calls that wait */
        struct wait_queue held;            /* calls that could go on, if it were not stopped */
        struct process_listener *listener; /* NULL: nobody speaks for it */

        bool ending;                        /* a zombie that still holds something */
        struct waiter end_waiter;           /* its next turn to let go of more */
        struct wait_status status;          /* to report to the parent; of a zombie: how it ended */
        bool has_report;                    /* the parent has not been told yet */
        bool status_from_host;              /* a zombie whose status the host program's end has */
        bool awaits_host;                   /* a zombie that is reported when its host program has gone, too */
        struct wait_queue children_changed; /* parked waits of this process */

        struct user *user;
        struct user_charge charge;
        struct identity *identity;
        pid_t host_pid; /* 0: none */
        struct host_process host;
        struct signal_state signals;
        struct object *cwd; /* the working directory (vfs/directory.h) */
        mode_t umask;
        struct fdtable fds;
        struct task *tasks;
        struct timer *timers;
        unsigned n_tasks, n_timers;
        struct region_table regions;
        struct ax_process_page *page; /* NULL before Hello */
        struct user_charge page_charge;
        struct program_counters *counters;   /* likewise */
        struct local_totals reported;        /* calls without the daemon that the program reported one by one */
        trace_set traced;                    /* the requests for a trace that name it or its ancestors */
        struct trace_request *trace_request; /* its own; NULL if it has none */
        char *command_line;                  /* NUL-terminated arguments, one after the other, in any bytes */
        size_t command_line_size;
        char command[PROCESS_COMMAND_SIZE]; /* see process_command() */
        uint64_t started_usec;
        uint64_t calls;
        uint64_t bytes_read, bytes_written; /* through the daemon */

        UT_hash_handle hh;
};

struct process *process_from_pid(const struct process_table *table, int32_t pid);
struct process *process_init_process(const struct process_table *table);
/*
 * The processes with the lowest pids above `after_pid`, in order, at most `max` of them. Returns
 * how many; `*ret_more` (may be NULL): whether there are others.
 */
size_t process_table_list(const struct process_table *table, int32_t after_pid, const struct process **ret, size_t max,
                          bool *ret_more);
int process_set_command_line(struct process *process, const char *text, size_t size); /* 0 or -ENOMEM */

/* The mode of a file that it makes: what the umask leaves of `mode`. */
mode_t process_masked_mode(const struct process *process, mode_t mode);

/* Whether a parent's wait for `pid` (as in waitpid(2)) means this child. */
bool process_matches(const struct process *child, int32_t pid, const struct process *parent);
/* Whether there is something to report of a child: its end only, or changes as well. */
bool process_is_reportable(const struct process *child, bool ended_only);

/* What it has done, through the daemon and without it. */
struct process_figures {
        uint64_t calls, bytes_read, bytes_written;
};
struct process_figures process_figures(const struct process *process);
unsigned process_table_count_open_files(const struct process_table *table);
/* Adds its calls without the daemon. */
void process_add_local_totals(const struct process *process, struct local_totals *totals);
/* Those of every process, living or not. */
void process_table_local_totals(struct process_table *table, struct local_totals *ret);

const char *process_state_name(enum process_state state);
/* The first argument's last component, for lists: short, and always printable (printable.h). */
const char *process_command(const struct process *process);
/* Whether `viewer` may look into `process`: the same uid, or an administrator. */
bool process_may_inspect(const struct process *viewer, const struct process *process);
bool process_is_administrator(const struct process *process);

/* Begins an event of the process. Returns true if anybody wants it. */
bool process_event_init(struct trace_event *event, const struct process *process, unsigned category);
/* Records an event of the process, in words, if anybody wants it. */
void trace_process(const struct process *process, unsigned category, const char *name, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
