#include "process/process.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "axeberg.h"
#include "config.h"
#include "kernel.h"
#include "memory/page.h"
#include "memory/shm.h"
#include "process/task.h"
#include "process/timer.h"
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
        if (process->state == PROCESS_STOPPED || state == PROCESS_STOPPED) {
                process->state = state;
                process_page_publish(process);
        }
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
        kernel_tell_counts_changed(process->kernel);
        host_release(process);
        user_charge_deinit(&process->charge);
        identity_unref(process->identity);
        user_unref(process->user);
        free(process->command_line);
        free(process);
}

static void tell_started(const struct process *process) {
        struct kernel_observer *observer = process->kernel->observer;

        if (observer)
                observer->ops->process_started(observer, process);
}

static void tell_ended(const struct process *process) {
        struct kernel_observer *observer = process->kernel->observer;

        if (observer)
                observer->ops->process_ended(observer, process);
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
        r = process_set_command_line(process, options->command_line, options->command_line_size);
        if (r < 0)
                return r;
        /* init is the daemon, and no user's */
        r = parent ? user_charge(options->user, &process->charge, USER_PROCESSES, 1) : 0;
        if (r < 0) {
                free(process->command_line);
                return r;
        }
        process->kernel = kernel;
        process->pid = pid;
        process->parent = parent;
        process->group = parent && parent->pid != PROCESS_INIT_PID && !options->new_group ? parent->group : pid;
        process->user = user_ref(options->user);
        process->identity = identity_ref(options->identity);
        process->host_pid = options->host_pid;
        process->cwd = vfs_directory_ref(options->cwd);
        process->umask = parent ? parent->umask : 022;
        process->regions.account.limit = parent ? parent->regions.account.limit : kernel->config->memory_per_process;
        if (parent)
                signal_inherit(&process->signals, &parent->signals);
        process->started_usec = clock_usec();
        fdtable_init(&process->fds, process->user, table->fd_limit);
        HASH_ADD(hh, table->processes, pid, sizeof(process->pid), process);
        table->count++;
        kernel_tell_counts_changed(kernel);
        if (parent)
                DL_APPEND(parent->children, process);
        if (parent) {
                if (trace_add_child(&kernel->trace, parent->pid, process->pid))
                        kernel_tell_trace_changed(kernel);
                trace_process(process, AX_TRACE_PROCESS, "created", "parent %d, uid %u", parent->pid,
                              (unsigned) process->identity->uid);
                tell_started(process);
        }
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

/* A list this short is kept in order by insertion. */
static void insert_by_pid(const struct process **list, size_t *count, size_t most, const struct process *process) {
        size_t i = *count;

        if (*count == most && list[most - 1]->pid < process->pid)
                return;
        if (*count < most)
                (*count)++;
        else
                i--;
        for (; i > 0 && list[i - 1]->pid > process->pid; i--)
                list[i] = list[i - 1];
        list[i] = process;
}

size_t process_table_list(const struct process_table *table, int32_t after_pid, const struct process **ret, size_t most,
                          bool *ret_more) {
        struct process *process, *next;
        size_t count = 0, above = 0;

        HASH_ITER (hh, table->processes, process, next) {
                if (process->pid <= after_pid)
                        continue;
                above++;
                insert_by_pid(ret, &count, most, process);
        }
        if (ret_more)
                *ret_more = above > count;
        return count;
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
        timers_release(process);
        tasks_release(process);
        regions_release(process);
        if (process->made_segments)
                shm_release_unattached(process);
        process_page_free(process);
        counters_release(process);
        fdtable_deinit(&process->fds);
        process->cwd = vfs_directory_unref(process->cwd);
}

void process_discard(struct process *process) {
        process->status = (struct wait_status){ AX_EXITED, 0 };
        tell_ended(process);
        process_release(process);
        process_free(process);
}

/* The child may be gone afterwards: a parent can end on SIGCHLD. */
static void tell_parent(struct process *child) {
        struct process *parent = child->parent;

        if (parent->pid == PROCESS_INIT_PID)
                return;
        child->has_report = true;
        /* a wait that can be answered is, before the signal interrupts it */
        wait_queue_wake(&parent->children_changed);
        signal_send(parent, AX_SIGCHLD);
}

/* Tells the parent of a zombie, and frees it where nobody will ask. */
static void process_settle(struct process *zombie) {
        struct process *parent = zombie->parent;

        if (parent->pid == PROCESS_INIT_PID) {
                process_free(zombie);
        } else if (parent->signals.actions[AX_SIGCHLD] == AX_SIGNAL_IGNORE) {
                process_free(zombie);
                wait_queue_wake(&parent->children_changed);
        } else {
                tell_parent(zombie);
        }
}

static void process_end(struct process *process, struct wait_status status) {
        assert(process->pid != PROCESS_INIT_PID);
        process_set_state(process, PROCESS_ZOMBIE);
        process->status = status;
        process->has_report = false;
        if (process->listener)
                process->listener->ops->ended(process->listener);
        process->listener = NULL;
        process_release(process);
        hand_children_to_init(process);
        if (status.kind == AX_EXITED)
                trace_process(process, AX_TRACE_PROCESS, "exited", "code %d", status.code);
        else
                trace_process(process, AX_TRACE_PROCESS, "killed", "%s", signal_name(status.code));
        log_debug("process %d ended: %s %d", process->pid, status.kind == AX_EXITED ? "exit code" : "signal",
                  status.code);
        process->kernel->counters.processes_exited++;
        tell_ended(process);
        if (!process->awaits_host || process->parent->pid == PROCESS_INIT_PID)
                process_settle(process);
}

void process_exit(struct process *process, int exit_code) {
        process_end(process, (struct wait_status){ AX_EXITED, exit_code });
}

void process_exit_on_signal(struct process *process, int signal) {
        process->awaits_host = host_signal(process, SIGKILL);
        process_end(process, (struct wait_status){ AX_SIGNALED, signal });
}

void process_exit_on_disconnect(struct process *process) {
        process->awaits_host = process->status_from_host = process->host.alive;
        process_exit(process, 0);
}

void process_on_host_end(struct process *process) {
        if (process->state != PROCESS_ZOMBIE) {
                process->status_from_host = true;
                process_exit(process, 0);
        } else if (process->awaits_host) {
                process->awaits_host = false;
                process_settle(process);
        }
}

void process_stop(struct process *process) {
        if (process->state == PROCESS_STOPPED || process->state == PROCESS_ZOMBIE)
                return;
        process_set_state(process, PROCESS_STOPPED);
        trace_process(process, AX_TRACE_PROCESS, "stopped", "%s", "");
        host_signal(process, SIGSTOP);
        if (process->listener)
                process->listener->ops->paused(process->listener);
        process->status = (struct wait_status){ AX_STOPPED, AX_SIGSTOP };
        tell_parent(process);
}

void process_continue(struct process *process) {
        if (process->state != PROCESS_STOPPED)
                return;
        process_set_state(process, PROCESS_RUNNING);
        trace_process(process, AX_TRACE_PROCESS, "continued", "%s", "");
        if (process->parked > 0)
                process_set_state(process, PROCESS_SLEEPING);
        wait_queue_wake(&process->held);
        host_signal(process, SIGCONT);
        if (process->listener)
                process->listener->ops->paused(process->listener);
        process->status = (struct wait_status){ AX_CONTINUED, AX_SIGCONT };
        tell_parent(process);
}

bool process_matches(const struct process *child, int32_t pid, const struct process *parent) {
        if (pid > 0)
                return child->pid == pid;
        return pid == -1 || child->group == (pid == 0 ? parent->group : -pid);
}

bool process_is_reportable(const struct process *child, bool ended_only) {
        return child->has_report && (child->state == PROCESS_ZOMBIE || !ended_only);
}

void process_reported(struct process *child) {
        child->has_report = false;
        if (child->state == PROCESS_ZOMBIE)
                process_free(child);
}

int process_set_command_line(struct process *process, const char *text, size_t size) {
        char *copy = malloc(size + 1);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, text, size);
        copy[size] = '\0';
        free(process->command_line);
        process->command_line = copy;
        process->command_line_size = size;
        return 0;
}

void process_table_end_all(struct process_table *table) {
        struct process *process, *next;
        bool found;

        do {
                found = false;
                HASH_ITER (hh, table->processes, process, next) {
                        if (process->pid == PROCESS_INIT_PID || process->state == PROCESS_ZOMBIE)
                                continue;
                        process_exit_on_signal(process, AX_SIGTERM);
                        found = true;
                        break; /* others may have gone with it */
                }
        } while (found);
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

struct process_figures process_figures(const struct process *process) {
        struct local_totals local = { 0 };

        counters_of(process, &local);
        return (struct process_figures){
                .calls = process->calls + local_totals_calls(&local),
                .bytes_read = process->bytes_read + local.of[AX_LOCAL_READ].bytes,
                .bytes_written = process->bytes_written + local.of[AX_LOCAL_WRITE].bytes,
        };
}

void process_set_memory_limit(struct process *process, uint64_t limit) {
        process->regions.account.limit = limit;
        process_page_publish(process);
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
