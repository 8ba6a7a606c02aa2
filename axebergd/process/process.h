/*
 * Processes and their states.
 *
 *            park                stop
 *   Running <----> Sleeping   Running, Sleeping ----> Stopped ----> Running     any live state ----> Zombie
 *            unpark                             cont                      exit
 *
 * P1: only these transitions exist, and process_set_state() is the one place that makes them. P2: a zombie never changes and makes no call.
 * P3: a parent always exists: orphans go to init, pid 1, which is the daemon itself and reaps its children at once.
 *
 * A process owns its descriptors, working directory, tasks, timers and charges; process_exit() gives all of it back. What speaks for it, its connection,
 * listens to what happens to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "memory/counters.h"
#include "memory/region.h"
#include "process/fdtable.h"
#include "process/host.h"
#include "process/signal.h"
#include "process/user.h"
#include "process/wait_queue.h"

struct ax_process_page;
struct identity;
struct kernel;
struct process;
struct process_listener;
struct task;
struct timer;
struct vfs_directory;

enum process_state {
        PROCESS_RUNNING,
        PROCESS_SLEEPING,
        PROCESS_STOPPED,
        PROCESS_ZOMBIE,
};

enum { PROCESS_INIT_PID = 1, PROCESS_MAX_PID = 4194304 };

struct process_table {
        struct process *processes; /* by pid */
        int32_t last_pid;
        unsigned count;
        unsigned fd_limit; /* of each new process */
};

/* What a process's connection learns of it. None of these frees the process. */
struct process_listener_ops {
        /* It is about to end: answer what waits, and never touch it again. */
        void (*ended)(struct process_listener *listener);
        /* It was stopped or continued. */
        void (*paused)(struct process_listener *listener);
        /* A handled signal is there: what is parked is to be tried once more, to be interrupted. */
        void (*interrupted)(struct process_listener *listener);
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
        struct kernel *kernel;
        int32_t pid, group;
        struct process *parent;                 /* NULL for init only */
        struct process *children, *prev, *next; /* siblings */
        enum process_state state;
        unsigned parked;                   /* calls that wait */
        struct wait_queue held;            /* calls that could go on, if it were not stopped */
        struct process_listener *listener; /* NULL: nobody speaks for it */

        struct wait_status status;          /* to report to the parent; of a zombie: how it ended */
        bool has_report;                    /* it has not been told yet */
        bool status_from_host;              /* a zombie whose status the host program's end has */
        bool awaits_host;                   /* a zombie that is reported when its host program has gone, too */
        struct wait_queue children_changed; /* parked waits of this process */

        struct user *user;
        struct user_charge charge;
        struct identity *identity;
        pid_t host_pid; /* 0: none */
        struct host_process host;
        struct signal_state signals;
        struct vfs_directory *cwd;
        mode_t umask;
        struct fdtable fds;
        struct task *tasks;
        struct timer *timers;
        unsigned n_tasks, n_timers;
        struct region_table regions;
        struct ax_process_page *page;       /* NULL before Hello */
        struct ax_local_counters *counters; /* likewise */
        struct local_totals told;           /* calls without the daemon that the program told of */
        bool made_segments;                 /* ever */
        char *command_line;                 /* NUL-terminated arguments, one after the other */
        size_t command_line_size;
        uint64_t started_usec;
        uint64_t calls;
        uint64_t bytes_read, bytes_written; /* through the daemon */

        UT_hash_handle hh;
};

struct process_options {
        struct user *user;
        struct identity *identity;
        pid_t host_pid;
        struct vfs_directory *cwd;
        const char *command_line;
        size_t command_line_size;
        bool new_group;
};

/* Makes init. Return: 0, negative errno. */
int process_table_init(struct process_table *table, struct kernel *kernel, unsigned fd_limit);
void process_table_deinit(struct process_table *table);
/* Ends every process but init, as SIGTERM would: the kernel goes. */
void process_table_end_all(struct process_table *table);

/*
 * Makes a child of `parent` without descriptors, with its umask, blocked and ignored signals, and, unless it is init, its group.
 * Return: 0, -EDQUOT, -EAGAIN (no pid is free), -ENOMEM.
 */
int process_new(struct process **ret, struct process *parent, const struct process_options *options);
/* Takes back a child that no program has seen yet. */
void process_discard(struct process *process);
struct process *process_from_pid(const struct process_table *table, int32_t pid);
struct process *process_init_process(const struct process_table *table);
/* The processes with the lowest pids above `after_pid`, in order, `most` of them. `ret_more` (may be NULL): there are others. Return: how many. */
size_t process_table_list(const struct process_table *table, int32_t after_pid, const struct process **ret, size_t most,
                          bool *ret_more);
int process_set_command_line(struct process *process, const char *text, size_t size); /* 0, -ENOMEM */

/* Ends the process: gives back what it holds, hands its children to init, tells its parent, and leaves a zombie, which init reaps at once. */
void process_exit(struct process *process, int exit_code);
void process_exit_on_signal(struct process *process, int signal);
/* Its connection has ended. A process with a host program of its own ends as that does. */
void process_exit_on_disconnect(struct process *process);
/* The host program has ended. */
void process_on_host_end(struct process *process);

void process_stop(struct process *process);
void process_continue(struct process *process);

/* Whether a parent's wait for `pid` (as in waitpid(2)) means this child. */
bool process_matches(const struct process *child, int32_t pid, const struct process *parent);
/* Whether there is something to report of a child, its end only or changes as well. */
bool process_is_reportable(const struct process *child, bool ended_only);
/* The report has been made: a zombie is gone after this. */
void process_reported(struct process *child);

/* What it has done, through the daemon and without it. */
struct process_figures {
        uint64_t calls, bytes_read, bytes_written;
};
struct process_figures process_figures(const struct process *process);

/* Bytes, 0: none. Below what is in use it lets nothing more in. */
void process_set_memory_limit(struct process *process, uint64_t limit);

/* A call of the process begins or ends to wait. */
void process_park(struct process *process);
void process_unpark(struct process *process);

const char *process_state_name(enum process_state state);
/* The first argument's last component, for lists. */
const char *process_command(const struct process *process);
/* Whether `viewer` may look into `process`: the same uid, or an administrator. */
bool process_may_inspect(const struct process *viewer, const struct process *process);
bool process_is_administrator(const struct process *process);
