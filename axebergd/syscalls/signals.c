/* SPDX-License-Identifier: MIT */
/*
 * Signals: sending them, and what a process does with its own.
 */
#include <errno.h>

#include "axeberg.h"
#include "kernel.h"
#include "process/lifecycle.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/signal_state.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"

/* The sender is not told apart by pointer: it may end while the others are signalled. */
static bool is_in_group(const struct process *process, int32_t target, int32_t sender_pid, int32_t sender_group) {
        if (process->pid == PROCESS_INIT_PID || process->state == PROCESS_ZOMBIE)
                return false;
        if (target == -1)
                return process->pid != sender_pid;
        return process->group == (target == 0 ? sender_group : -target);
}

static int *list_group(const struct process *sender, int32_t target, size_t *ret_count, int *ret_error) {
        const struct process_table *table = sender->table;
        int *pids = calloc(table->count, sizeof(*pids));
        struct process *process, *next;

        *ret_count = 0;
        *ret_error = pids ? -ESRCH : -ENOMEM;
        if (!pids)
                return NULL;
        HASH_ITER (hh, table->processes, process, next) {
                if (!is_in_group(process, target, sender->pid, sender->group))
                        continue;
                if (signal_is_permitted(sender, process))
                        pids[(*ret_count)++] = process->pid;
                else
                        *ret_error = -EPERM;
        }
        if (*ret_count > 0)
                *ret_error = 0;
        return pids;
}

/* By pid, and the sender last: each that is signalled can take others with it. */
static int kill_group(const struct process *sender, int32_t target, int signal) {
        const struct process_table *table = sender->table;
        int sender_pid = sender->pid, r;
        struct process *process;
        bool sender_too = false;
        size_t count;
        int *pids = list_group(sender, target, &count, &r);

        for (size_t i = 0; signal > 0 && i < count; i++) {
                process = process_from_pid(table, pids[i]);
                if (pids[i] == sender_pid)
                        sender_too = true;
                else if (process)
                        signal_send(process, signal);
        }
        free(pids);
        process = sender_too ? process_from_pid(table, sender_pid) : NULL;
        if (process)
                signal_send(process, signal);
        return r;
}

static int kill_one(const struct process *sender, int32_t pid, int signal) {
        struct process *target = process_from_pid(sender->table, pid);

        if (!target)
                return -ESRCH;
        if (!signal_is_permitted(sender, target))
                return -EPERM;
        if (signal > 0)
                signal_send(target, signal);
        return 0;
}

SYSCALL(kill, KillRequest, Empty) {
        int signal = request->signal;
        int r;

        if (signal != 0 && signal_is_valid(signal))
                trace_process(call->process, AX_TRACE_SIGNAL, "sends", "%s to %d", signal_name(signal), request->pid);
        if (signal != 0 && !signal_is_valid(signal))
                r = -AX_ESIG_INVALID;
        else if (request->pid > 0)
                r = kill_one(call->process, request->pid, signal);
        else if (request->pid == INT32_MIN)
                r = -ESRCH;
        else
                r = kill_group(call->process, request->pid, signal);
        call_reply(call, r);
}

SYSCALL(signal, SignalRequest, Empty) {
        int r;

        if (!signal_is_valid(request->signal))
                r = -AX_ESIG_INVALID;
        else if (request->action > AX_SIGNAL_HANDLE)
                r = -EINVAL;
        else
                r = signal_set_action(call->process, request->signal, request->action);
        call_reply(call, r);
}

SYSCALL(sigblock, SigblockRequest, Empty) {
        bool valid = signal_is_valid(request->signal);

        call_reply(call, valid ? signal_block(call->process, request->signal) : -AX_ESIG_INVALID);
}

SYSCALL(sigunblock, SigblockRequest, Empty) {
        bool valid = signal_is_valid(request->signal);

        call_reply(call, valid ? signal_unblock(call->process, request->signal) : -AX_ESIG_INVALID);
}

SYSCALL(sigpending, Empty, Empty) {
        (void) request;
        call_reply(call, call->process->signals.n_pending > 0);
}

SYSCALL(signal_take, SignalTakeRequest, Empty) {
        struct process_table *table = &call->kernel->processes;
        int pid = call->process->pid;
        struct process *process;

        if (request->done != 0 && !signal_is_valid(request->done)) {
                call_reply(call, -AX_ESIG_INVALID);
                return;
        }
        if (request->done != 0)
                signal_done(call->process, request->done);
        if (call->serial == 0) { /* nobody would take the next one */
                call_reply(call, 0);
                return;
        }
        /* the signal may be pending again, with another action, which has ended the process */
        process = process_from_pid(table, pid);
        call_reply(call, process && process->state != PROCESS_ZOMBIE ? signal_take(process) : -ESRCH);
}
