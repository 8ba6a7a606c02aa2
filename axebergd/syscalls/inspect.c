/* SPDX-License-Identifier: MIT */
/*
 * Looking at the kernel: figures, processes, mounts; and what file servers report.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "axeberg.h"
#include "kernel.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/describe.h"
#include "syscalls/reply_list.h"
#include "syscalls/syscalls.h"
#include "util/clock.h"
#include "util/identity.h"
#include "vfs/store.h"
#include "vfs/vfs.h"

enum { PROCESSES_PER_REPLY = 128, USERS_PER_REPLY = 64 };

SYSCALL(status, Empty, StatusReply) {
        struct kernel *kernel = call->kernel;
        Axeberg__StatusReply reply = AXEBERG__STATUS_REPLY__INIT;
        struct local_totals local;

        (void) request;
        process_table_local_totals(&kernel->processes, &local);
        reply.version = (char *) AXEBERG_VERSION;
        reply.uptime_usec = clock_usec() - kernel->started_usec;
        reply.host_pid = (uint32_t) getpid();
        reply.processes = kernel->processes.count;
        reply.sessions = kernel->n_sessions;
        reply.open_files = process_table_count_open_files(&kernel->processes);
        reply.calls = kernel->counters.calls + local_totals_calls(&local);
        reply.local_calls = local_totals_calls(&local);
        reply.call_errors = kernel->counters.call_errors + local_totals_errors(&local);
        reply.store = kernel->vfs.mounts[0].store->source;
        reply.mount_requests = kernel->counters.mount_requests;
        reply.bytes_read = kernel->counters.bytes_read + local_totals_read(&local);
        reply.bytes_written = kernel->counters.bytes_written + local_totals_written(&local);
        call_reply_message(call, 0, &reply.base);
}

static void process_info_fill(Axeberg__ProcessInfo *info, const struct process *process) {
        const struct process_figures figures = process_figures(process);

        axeberg__process_info__init(info);
        info->pid = process->pid;
        info->ppid = process->parent ? process->parent->pid : 0;
        info->uid = process->identity->uid;
        info->gid = process->identity->gid;
        info->host_pid = process->host_pid;
        info->state = (char *) process_state_name(process->state);
        info->command = (char *) process_command(process);
        info->open_files = process->fds.n_open;
        info->age_usec = clock_usec() - process->started_usec;
        info->calls = figures.calls;
        info->group = process->group;
        info->memory = process->regions.account.used;
        info->memory_limit = process->regions.account.limit;
        info->bytes_read = figures.bytes_read;
        info->bytes_written = figures.bytes_written;
        info->parked = process->parked;
}

SYSCALL(process_list, ProcessListRequest, ProcessListReply) {
        Axeberg__ProcessListReply reply = AXEBERG__PROCESS_LIST_REPLY__INIT;
        Axeberg__ProcessInfo infos[PROCESSES_PER_REPLY], *pointers[PROCESSES_PER_REPLY];
        const struct process *list[PROCESSES_PER_REPLY];
        struct reply_list taken = { 0 };
        bool more;
        size_t count =
                process_table_list(&call->kernel->processes, request->after_pid, list, PROCESSES_PER_REPLY, &more);

        reply.processes = pointers;
        for (; reply.n_processes < count; reply.n_processes++) {
                process_info_fill(&infos[reply.n_processes], list[reply.n_processes]);
                if (!reply_list_takes(&taken, &infos[reply.n_processes].base))
                        break;
                pointers[reply.n_processes] = &infos[reply.n_processes];
        }
        reply.more = more || reply.n_processes < count;
        call_reply_message(call, (int) reply.n_processes, &reply.base);
}

_Static_assert((int) AX_RESOURCES == (int) USER_RESOURCES && (int) AX_RESOURCE_MEMORY == (int) USER_MEMORY &&
                       (int) AX_RESOURCE_MAPPINGS == (int) USER_MAPPINGS,
               "the wire's resources are the kernel's");

static void user_info_fill(Axeberg__UserInfo *info, const struct user *user) {
        axeberg__user_info__init(info);
        info->uid = user->uid;
        info->used = (uint64_t *) user->charged;
        info->refused = (uint64_t *) user->refused;
        info->n_used = info->n_refused = USER_RESOURCES;
}

SYSCALL(user_list, UserListRequest, UserListReply) {
        Axeberg__UserListReply reply = AXEBERG__USER_LIST_REPLY__INIT;
        Axeberg__UserInfo infos[USERS_PER_REPLY], *pointers[USERS_PER_REPLY];
        const struct user *list[USERS_PER_REPLY] = { call->process->user };
        struct user_table *table = &call->kernel->users;
        uid_t after = request->after_uid;
        struct reply_list taken = { 0 };
        bool more = false;
        size_t count = 1;

        if (process_is_administrator(call->process))
                count = user_table_list(table, request->after ? &after : NULL, list, USERS_PER_REPLY, &more);
        reply.users = pointers;
        for (; reply.n_users < count; reply.n_users++) {
                user_info_fill(&infos[reply.n_users], list[reply.n_users]);
                if (!reply_list_takes(&taken, &infos[reply.n_users].base))
                        break;
                pointers[reply.n_users] = &infos[reply.n_users];
        }
        reply.n_limits = USER_RESOURCES;
        reply.limits = table->limits;
        reply.more = more || reply.n_users < count;
        call_reply_message(call, (int) reply.n_users, &reply.base);
}

SYSCALL(mount_list, Empty, MountListReply) {
        Axeberg__MountListReply reply = AXEBERG__MOUNT_LIST_REPLY__INIT;
        Axeberg__MountInfo infos[VFS_MAX_MOUNTS], *pointers[VFS_MAX_MOUNTS];
        const struct vfs *vfs = &call->kernel->vfs;
        struct reply_list taken = { 0 };
        int fds[VFS_MAX_MOUNTS];
        size_t n_fds = 0;

        (void) request;
        if (!process_is_administrator(call->process)) {
                call_reply(call, -EPERM);
                return;
        }
        for (size_t i = 0; i < vfs->n_mounts; i++) {
                const struct mount *mount = &vfs->mounts[i];

                axeberg__mount_info__init(&infos[i]);
                infos[i].path = (char *) mount->path;
                infos[i].backend = (char *) mount->backend;
                infos[i].source = mount->store ? mount->store->source : (char *) mount->backend;
                infos[i].has_store = mount->store != NULL;
                infos[i].index = mount->store ? mount->store->index : 0;
                if (!reply_list_takes(&taken, &infos[i].base))
                        break; /* a few paths of the administrator's: all of them have room */
                if (mount->store)
                        fds[n_fds++] = mount->store->root_fd;
                pointers[reply.n_mounts++] = &infos[i];
        }
        reply.mounts = pointers;
        call->reply.fds = fds;
        call->reply.n_fds = n_fds;
        call_reply_message(call, (int) reply.n_mounts, &reply.base);
}

SYSCALL(mount_report, MountReportRequest, Empty) {
        struct figures *counters = &call->kernel->counters;

        if (!process_is_administrator(call->process)) {
                call_reply(call, -EPERM);
                return;
        }
        counters->mount_requests += request->requests;
        counters->mount_errors += request->errors;
        counters->bytes_read += request->bytes_read;
        counters->bytes_written += request->bytes_written;
        call_reply(call, 0);
}

/* The frame is the call that it tells of; it has been counted as a call. */
SYSCALL(local_call, LocalCallRequest, Empty) {
        call_continues(call);
        if (request->call >= AX_LOCAL_CALLS) {
                call_reply(call, -EINVAL);
                return;
        }
        describe_local_call(call, request);
        local_totals_count(&call->process->reported, request->call, request->result);
        call_reply(call, 0);
}
