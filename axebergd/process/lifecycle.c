/* SPDX-License-Identifier: MIT */
#include "process/lifecycle.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <utlist.h>

#include "axeberg.h"
#include "memory/shm.h"
#include "memory/system_memory.h"
#include "object/object.h"
#include "process/page.h"
#include "process/signal.h"
#include "process/stop.h"
#include "process/task.h"
#include "process/timer.h"
#include "process/tracing.h"
#include "trace/stats.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/container.h"
#include "util/identity.h"
#include "util/log.h"

static const bool transitions[4][4] = {
        [PROCESS_RUNNING] = { [PROCESS_SLEEPING] = true, [PROCESS_STOPPED] = true, [PROCESS_ZOMBIE] = true },
        [PROCESS_SLEEPING] = { [PROCESS_RUNNING] = true, [PROCESS_STOPPED] = true, [PROCESS_ZOMBIE] = true },
        [PROCESS_STOPPED] = { [PROCESS_RUNNING] = true, [PROCESS_ZOMBIE] = true },
};

static void process_set_state(struct process *process, enum process_state state) {
        assert(transitions[process->state][state]); /* P1, P2 */
        if (process->state == PROCESS_STOPPED || state == PROCESS_STOPPED) {
                process->state = state;
                process_page_publish(process);
        }
        process->state = state;
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

/* Frees what is left of a process once nobody can ask for it any more. */
static void process_free(struct process *process) {
        struct process_table *table = process->table;

        assert(!process->children && !process->ending);
        if (process->parent)
                DL_DELETE(process->parent->children, process);
        HASH_DEL(table->processes, process);
        id_list_remove(&table->pids, (uint64_t) process->pid);
        table->count--;
        observer_notify(table->observer, counts_changed);
        host_release(&process->host);
        user_charge_deinit(&process->charge);
        identity_unref(process->identity);
        user_unref(process->user);
        free(process->command_line);
        free(process);
}

/* The trace of what happens to a process's memory; its page shows how much that is. */
static void on_region_change(struct region_table *table, enum region_event event, uint64_t id, size_t size) {
        struct process *process = container_of(table, struct process, regions);
        unsigned long long used = table->account.used;

        if (event == REGION_ALLOCATED)
                trace_process(process, AX_TRACE_MEMORY, "allocated", "region %llu, %zu bytes, %llu in use",
                              (unsigned long long) id, size, used);
        else if (event == REGION_FREED)
                trace_process(process, AX_TRACE_MEMORY, "freed", "region %llu, %zu bytes", (unsigned long long) id,
                              size);
        else if (event == REGION_REFUSED)
                trace_process(process, AX_TRACE_MEMORY, "refused", "%zu bytes, %llu in use", size, used);
        process_page_publish(process);
}

/*
 * Makes the process itself, with its charge and its pid. `parent` is NULL for init, which is no
 * user's.
 */
static int process_allocate(struct process **ret, struct process_table *table, const struct process *parent,
                            const struct process_options *options) {
        _cleanup_free_ struct process *process = calloc(1, sizeof(*process));
        int pid = next_pid(table), r;

        if (!process)
                return -ENOMEM;
        if (pid < 0)
                return pid;
        r = process_set_command_line(process, options->command_line, options->command_line_size);
        if (r < 0)
                return r;
        r = parent ? user_charge(options->user, &process->charge, USER_PROCESSES, 1) : 0;
        if (r == 0)
                r = id_list_add(&table->pids, (uint64_t) pid);
        if (r < 0) {
                user_charge_deinit(&process->charge);
                free(process->command_line);
                return r;
        }
        process->pid = pid;
        process->table = table;
        *ret = steal_pointer(&process);
        return 0;
}

static void inherit(struct process *process, struct process *parent) {
        const struct trace *trace = process->table->trace;

        process->umask = parent->umask;
        process->regions.account.limit = parent->regions.account.limit;
        signal_inherit(&process->signals, &parent->signals);
        process->traced = (parent->traced & trace->children) | trace_set_of_pid(trace, process->pid);
        DL_APPEND(parent->children, process);
}

static int process_create(struct process **ret, struct process_table *table, struct process *parent,
                          const struct process_options *options) {
        struct process *process;
        int r = process_allocate(&process, table, parent, options);

        if (r < 0)
                return r;
        process->parent = parent;
        process->group =
                parent && parent->pid != PROCESS_INIT_PID && !options->new_group ? parent->group : process->pid;
        process->user = user_ref(options->user);
        process->identity = identity_ref(options->identity);
        process->host_pid = options->host_pid;
        process->cwd = object_ref(options->cwd);
        process->umask = 022;
        process->started_usec = clock_usec();
        process->regions = (struct region_table){
                .memory = table->memory,
                .user = process->user,
                .uid = process->identity->uid,
                .pid = process->pid,
                .changed = on_region_change,
                .account.limit = table->memory_limit,
        };
        fdtable_init(&process->fds, process->user, table->fd_limit);
        HASH_ADD(hh, table->processes, pid, sizeof(process->pid), process);
        table->count++;
        observer_notify(table->observer, counts_changed);
        if (parent) {
                inherit(process, parent);
                trace_process(process, AX_TRACE_PROCESS, "created", "parent %d, uid %u", parent->pid,
                              (unsigned) process->identity->uid);
                observer_notify(table->observer, process_started, process);
        }
        *ret = process;
        return 0;
}

int process_new(struct process **ret, struct process *parent, const struct process_options *options) {
        return process_create(ret, parent->table, parent, options);
}

int process_table_init(struct process_table *table, const struct process_options *init) {
        struct process *process;

        return process_create(&process, table, NULL, init);
}

/* P3: orphans go to init, which has nothing to ask their zombies. */
static void hand_children_to_init(struct process *process) {
        struct process *init = process_init_process(process->table), *child, *next;

        DL_FOREACH_SAFE (process->children, child, next) {
                DL_DELETE(process->children, child);
                child->parent = init;
                DL_APPEND(init->children, child);
                if (child->state == PROCESS_ZOMBIE && !child->ending)
                        process_free(child);
        }
}

/*
 * A process may have very many of some things: so many go at a time, and others have turns in
 * between.
 */
enum { RELEASED_AT_ONCE = 256 };

/* Returns true if nothing of that is left. */
static bool process_release_some(struct process *process, unsigned budget) {
        return timers_release(process, &budget) && tasks_release(process, &budget) &&
               regions_release(&process->regions, &budget);
}

/* Its calls without the daemon count among those of ended processes from now on. */
static void release_counters(struct process *process) {
        process_add_local_totals(process, &process->table->ended);
        process->counters = counters_free(process->counters);
        process->reported = (struct local_totals){ 0 };
}

static void process_release(struct process *process) {
        process_release_some(process, UINT_MAX);
        shm_release_unattached(&process->regions);
        process_page_free(process);
        release_counters(process);
        fdtable_deinit(&process->fds);
        process->cwd = object_unref(process->cwd);
}

void process_discard(struct process *process) {
        process->status = (struct wait_status){ AX_EXITED, 0 };
        observer_notify(process->table->observer, process_ended, process);
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

/* Tells the parent of a zombie, and frees it if nobody will ask. */
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

static void process_finish_end(struct process *process) {
        const struct wait_status *status = &process->status;

        assert(process->state == PROCESS_ZOMBIE && process->ending && !process->listener); /* P2 */
        process->ending = false;
        process_release(process);
        hand_children_to_init(process);
        if (status->kind == AX_EXITED)
                trace_process(process, AX_TRACE_PROCESS, "exited", "code %d", status->code);
        else
                trace_process(process, AX_TRACE_PROCESS, "killed", "%s", signal_name(status->code));
        log_debug("process %d ended: %s %d", process->pid, status->kind == AX_EXITED ? "exit code" : "signal",
                  status->code);
        process->table->figures->processes_exited++;
        observer_notify(process->table->observer, process_ended, process);
        if (!process->awaits_host || process->parent->pid == PROCESS_INIT_PID)
                process_settle(process);
}

static void process_go_on_ending(struct process *process) {
        if (process_release_some(process, RELEASED_AT_ONCE))
                process_finish_end(process);
        else
                waiter_wake(&process->end_waiter);
}

static void process_on_turn(struct waiter *waiter) {
        process_go_on_ending(container_of(waiter, struct process, end_waiter));
}

static void process_end(struct process *process, struct wait_status status) {
        assert(process->pid != PROCESS_INIT_PID && process->parent); /* P3 */
        process_set_state(process, PROCESS_ZOMBIE);
        process->status = status;
        process->has_report = false;
        if (process->listener)
                process->listener->ops->ended(process->listener);
        process->listener = NULL;
        tracing_end(process); /* at once, however long the rest takes */
        process->ending = true;
        process->end_waiter.lane = &process->user->lane;
        process->end_waiter.run = process_on_turn;
        process_go_on_ending(process);
}

/* Returns true if there is a program that was signalled. */
static bool signal_host(const struct process *process, int signal) {
        return host_signal(&process->host, process->identity->uid, signal);
}

void process_exit(struct process *process, int exit_code) {
        process_end(process, (struct wait_status){ AX_EXITED, exit_code });
}

void process_exit_on_signal(struct process *process, int signal) {
        process->awaits_host = signal_host(process, SIGKILL);
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
                if (!process->ending)
                        process_settle(process);
        }
}

/* What the program has said before it ended counts: it may be its exit code. */
static void on_host_exit(struct host_process *host) {
        struct process *process = container_of(host, struct process, host);

        if (process->listener && process->listener->ops->has_input(process->listener))
                return; /* this comes again, after that */
        host_release(host);
        process_on_host_end(process);
}

int process_own_host(struct process *process, pid_t pid) {
        int r = host_own(&process->host, process->user, pid, on_host_exit);

        if (r < 0)
                return r;
        process->host_pid = pid;
        if (process->state == PROCESS_STOPPED)
                signal_host(process, SIGSTOP);
        return 0;
}

void process_stop(struct process *process) {
        if (process_is_stopped(process) || process->state == PROCESS_ZOMBIE)
                return;
        process_set_state(process, PROCESS_STOPPED);
        trace_process(process, AX_TRACE_PROCESS, "stopped", "%s", "");
        signal_host(process, SIGSTOP);
        if (process->listener)
                process->listener->ops->paused(process->listener);
        process->status = (struct wait_status){ AX_STOPPED, AX_SIGSTOP };
        tell_parent(process);
}

void process_continue(struct process *process) {
        if (!process_is_stopped(process))
                return;
        process_set_state(process, PROCESS_RUNNING);
        trace_process(process, AX_TRACE_PROCESS, "continued", "%s", "");
        if (process->parked > 0)
                process_set_state(process, PROCESS_SLEEPING);
        process_release_held(process);
        signal_host(process, SIGCONT);
        if (process->listener)
                process->listener->ops->paused(process->listener);
        process->status = (struct wait_status){ AX_CONTINUED, AX_SIGCONT };
        tell_parent(process);
}

void process_reported(struct process *child) {
        child->has_report = false;
        if (child->state == PROCESS_ZOMBIE)
                process_free(child);
}

/* Ends one process, or what is left of one. Returns false if there is none. */
static bool end_one(struct process_table *table) {
        struct process *process, *next;

        HASH_ITER (hh, table->processes, process, next) {
                if (process->pid == PROCESS_INIT_PID || (process->state == PROCESS_ZOMBIE && !process->ending))
                        continue;
                if (process->ending) {
                        wait_queue_remove(&process->end_waiter);
                        process_finish_end(process);
                } else {
                        process_exit_on_signal(process, AX_SIGTERM);
                }
                return true; /* others may have gone with it */
        }
        return false;
}

void process_table_end_all(struct process_table *table) {
        while (end_one(table))
                ;
}

void process_table_deinit(struct process_table *table) {
        struct process *init = process_init_process(table);

        if (!init)
                return;
        assert(!init->children);
        process_release(init);
        process_free(init);
        id_list_deinit(&table->pids);
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

void process_set_memory_limit(struct process *process, uint64_t limit) {
        process->regions.account.limit = limit;
        process_page_publish(process);
}
