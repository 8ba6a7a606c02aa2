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
 * A process owns its descriptors, working directory and charges; process_exit() gives all of it back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "process/fdtable.h"
#include "process/user.h"

struct identity;
struct kernel;
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

struct process {
        struct kernel *kernel;
        int32_t pid;
        struct process *parent;                 /* NULL for init only */
        struct process *children, *prev, *next; /* siblings */
        enum process_state state;
        unsigned parked; /* calls that wait */
        int exit_code;

        struct user *user;
        struct user_charge charge;
        struct identity *identity;
        pid_t host_pid;
        struct vfs_directory *cwd;
        mode_t umask;
        struct fdtable fds;
        char *command_line; /* NUL-terminated arguments, one after the other */
        size_t command_line_size;
        uint64_t started_usec;
        uint64_t calls;

        UT_hash_handle hh;
};

struct process_options {
        struct user *user;
        struct identity *identity;
        pid_t host_pid;
        struct vfs_directory *cwd;
        const char *command_line;
        size_t command_line_size;
};

/* Makes init. Return: 0, negative errno. */
int process_table_init(struct process_table *table, struct kernel *kernel, unsigned fd_limit);
void process_table_deinit(struct process_table *table);

/* Makes a child of `parent` without descriptors. Return: 0, -EDQUOT, -EAGAIN (no pid is free), -ENOMEM. */
int process_new(struct process **ret, struct process *parent, const struct process_options *options);
struct process *process_from_pid(const struct process_table *table, int32_t pid);
struct process *process_init_process(const struct process_table *table);

/* Ends the process: gives back what it holds, hands its children to init and leaves a zombie, which init reaps at once where it is the parent. */
void process_exit(struct process *process, int exit_code);

/* A call of the process begins or ends to wait. */
void process_park(struct process *process);
void process_unpark(struct process *process);

const char *process_state_name(enum process_state state);
/* The first argument's last component, for lists. */
const char *process_command(const struct process *process);
/* Whether `viewer` may look into `process`: the same uid, or an administrator. */
bool process_may_inspect(const struct process *viewer, const struct process *process);
bool process_is_administrator(const struct process *process);
