#include "process/process.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "kernel.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/identity.h"
#include "util/log.h"
#include "vfs/vfs.h"

static const bool transitions[4][4] = {
        [PROCESS_RUNNING] = { [PROCESS_SLEEPING] = true, [PROCESS_STOPPED] = true, [PROCESS_ZOMBIE] = true },
        [PROCESS_SLEEPING] = { [PROCESS_RUNNING] = true, [PROCESS_STOPPED] = true, [PROCESS_ZOMBIE] = true },
        [PROCESS_STOPPED] = { [PROCESS_RUNNING] = true, [PROCESS_ZOMBIE] = true },
};

static void process_set_state(struct process *process, enum process_state state) {
        bool allowed = transitions[process->state][state];

        assert(allowed);
        (void) allowed;
        process->state = state;
}

const char *process_state_name(enum process_state state) {
        static const char *const names[] = { "Running", "Sleeping", "Stopped", "Zombie" };

        return names[state];
}

static int next_pid(struct process_table *table) {
        for (int tries = 0; tries < PROCESS_MAX_PID; tries++) {
                if (++table->last_pid > PROCESS_MAX_PID)
                        table->last_pid = PROCESS_INIT_PID + 1;
                if (!process_from_pid(table, table->last_pid))
                        return table->last_pid;
        }
        return -EAGAIN;
}

/* Frees what is left of a process when nobody will ask for it any more. */
static void process_free(struct process *process) {
        struct process_table *table = &process->kernel->processes;

        if (process->parent)
                DL_DELETE(process->parent->children, process);
        HASH_DEL(table->processes, process);
        table->count--;
        user_charge_deinit(&process->charge);
        identity_unref(process->identity);
        user_unref(process->user);
        free(process->command_line);
        free(process);
}

static int process_create(struct process **ret, struct kernel *kernel, struct process *parent,
                          const struct process_options *options) {
        struct process_table *table = &kernel->processes;
        _cleanup_free_ struct process *process = calloc(1, sizeof(*process));
        int pid = next_pid(table), r;

        if (!process)
                return -ENOMEM;
        if (pid < 0)
                return pid;
        process->command_line = malloc(options->command_line_size + 1);
        if (!process->command_line)
                return -ENOMEM;
        /* init is the daemon, and no user's */
        r = parent ? user_charge(options->user, &process->charge, USER_PROCESSES, 1) : 0;
        if (r < 0) {
                free(process->command_line);
                return r;
        }
        memcpy(process->command_line, options->command_line, options->command_line_size);
        process->command_line[options->command_line_size] = '\0';
        process->command_line_size = options->command_line_size;
        process->kernel = kernel;
        process->pid = pid;
        process->parent = parent;
        process->user = user_ref(options->user);
        process->identity = identity_ref(options->identity);
        process->host_pid = options->host_pid;
        process->cwd = vfs_directory_ref(options->cwd);
        process->umask = 022;
        process->started_usec = clock_usec();
        fdtable_init(&process->fds, process->user, table->fd_limit);
        HASH_ADD(hh, table->processes, pid, sizeof(process->pid), process);
        table->count++;
        if (parent)
                DL_APPEND(parent->children, process);
        *ret = steal_pointer(&process);
        return 0;
}

int process_new(struct process **ret, struct process *parent, const struct process_options *options) {
        return process_create(ret, parent->kernel, parent, options);
}

static void cleanup_user(struct user **user) {
        user_unref(*user);
}

static void cleanup_identity(struct identity **identity) {
        identity_unref(*identity);
}

static void cleanup_directory(struct vfs_directory **directory) {
        vfs_directory_unref(*directory);
}

int process_table_init(struct process_table *table, struct kernel *kernel, unsigned fd_limit) {
        _cleanup_(cleanup_user) struct user *user = NULL;
        _cleanup_(cleanup_identity) struct identity *identity = NULL;
        _cleanup_(cleanup_directory) struct vfs_directory *root = NULL;
        struct process *init;
        int r;

        *table = (struct process_table){ .fd_limit = fd_limit };
        r = user_from_uid(&kernel->users, geteuid(), &user);
        if (r == 0)
                r = identity_new(&identity, geteuid(), getegid(), NULL, 0);
        if (r == 0)
                r = vfs_directory_root(&kernel->vfs, &root);
        if (r < 0)
                return r;
        return process_create(&init, kernel, NULL,
                              &(struct process_options){
                                      .user = user,
                                      .identity = identity,
                                      .host_pid = getpid(),
                                      .cwd = root,
                                      .command_line = "init",
                                      .command_line_size = sizeof("init"),
                              });
}

struct process *process_from_pid(const struct process_table *table, int32_t pid) {
        struct process *process;

        HASH_FIND(hh, table->processes, &pid, sizeof(pid), process);
        return process;
}

struct process *process_init_process(const struct process_table *table) {
        return process_from_pid(table, PROCESS_INIT_PID);
}

/* P3: orphans go to init, which has nothing to ask their zombies. */
static void hand_children_to_init(struct process *process) {
        struct process *init = process_init_process(&process->kernel->processes), *child, *next;

        DL_FOREACH_SAFE (process->children, child, next) {
                DL_DELETE(process->children, child);
                child->parent = init;
                DL_APPEND(init->children, child);
                if (child->state == PROCESS_ZOMBIE)
                        process_free(child);
        }
}

static void process_release(struct process *process) {
        fdtable_deinit(&process->fds);
        process->cwd = vfs_directory_unref(process->cwd);
}

void process_exit(struct process *process, int exit_code) {
        assert(process->pid != PROCESS_INIT_PID);
        process_set_state(process, PROCESS_ZOMBIE);
        process->exit_code = exit_code;
        process_release(process);
        hand_children_to_init(process);
        log_debug("process %d exited with %d", process->pid, exit_code);
        if (process->parent->pid == PROCESS_INIT_PID)
                process_free(process);
}

void process_table_deinit(struct process_table *table) {
        struct process *init = process_init_process(table);

        if (!init)
                return;
        assert(!init->children);
        process_release(init);
        process_free(init);
}

void process_park(struct process *process) {
        if (process->parked++ == 0 && process->state == PROCESS_RUNNING)
                process_set_state(process, PROCESS_SLEEPING);
}

void process_unpark(struct process *process) {
        assert(process->parked > 0);
        if (--process->parked == 0 && process->state == PROCESS_SLEEPING)
                process_set_state(process, PROCESS_RUNNING);
}

const char *process_command(const struct process *process) {
        const char *slash = strrchr(process->command_line, '/');

        return slash && slash[1] ? slash + 1 : process->command_line;
}

bool process_is_administrator(const struct process *process) {
        return process->identity->uid == 0 || process->identity->uid == geteuid();
}

bool process_may_inspect(const struct process *viewer, const struct process *process) {
        return viewer == process || viewer->identity->uid == process->identity->uid || process_is_administrator(viewer);
}
