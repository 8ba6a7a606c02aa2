/* SPDX-License-Identifier: MIT */
/*
 * Looking at the kernel: its figures, processes and users.
 */
#include <time.h>

#include "call.h"
#include "list.h"
#include "local.h"
#include "names.h"
#include "printable.h"

static void status_on_reply(const Axeberg__StatusReply *reply, void *data) {
        struct ax_status *ret = ((struct rpc *) data)->context;

        *ret = (struct ax_status){
                .uptime_usec = reply->uptime_usec,
                .host_pid = reply->host_pid,
                .processes = reply->processes,
                .sessions = reply->sessions,
                .open_files = reply->open_files,
                .calls = reply->calls,
                .local_calls = reply->local_calls,
                .call_errors = reply->call_errors,
                .mount_requests = reply->mount_requests,
                .bytes_read = reply->bytes_read,
                .bytes_written = reply->bytes_written,
        };
        utf8_copy(ret->version, sizeof(ret->version), reply->version);
        utf8_copy(ret->store, sizeof(ret->store), reply->store);
}

int ax_status(ax_client *ax, struct ax_status *ret) {
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, status, REQUEST(Empty), status_on_reply, &(struct rpc){ .context = ret });
}

double ax_uptime_ms(ax_client *ax) {
        int r = client_check(ax);
        struct local_call call;
        struct timespec now;

        if (r < 0 || !ax->published.system)
                return r < 0 ? r : -AX_ENOSYS;
        call = local_begin(ax, AX_LOCAL_UPTIME);
        clock_gettime(CLOCK_MONOTONIC, &now);
        local_end(ax, &call, 0, 0, 0, 0);
        return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6 -
               (double) ax->published.system->started_usec / 1e3;
}

static void process_fill(struct ax_process *process, const Axeberg__ProcessInfo *info) {
        *process = (struct ax_process){
                .pid = info->pid,
                .ppid = info->ppid,
                .group = info->group,
                .uid = info->uid,
                .gid = info->gid,
                .host_pid = info->host_pid,
                .open_files = info->open_files,
                .age_usec = info->age_usec,
                .calls = info->calls,
                .memory = info->memory,
                .memory_limit = info->memory_limit,
                .bytes_read = info->bytes_read,
                .bytes_written = info->bytes_written,
                .parked = info->parked,
        };
        utf8_copy(process->state, sizeof(process->state), info->state);
        utf8_copy(process->command, sizeof(process->command), info->command);
}

static void process_list_on_reply(const Axeberg__ProcessListReply *reply, void *data) {
        struct list *list = ((struct rpc *) data)->context;

        for (size_t i = 0; i < reply->n_processes; i++) {
                struct ax_process *process = list_add(list, (uint64_t) reply->processes[i]->pid);

                if (process)
                        process_fill(process, reply->processes[i]);
        }
        list->more = reply->more;
}

static int ask_processes(ax_client *ax, struct list *list, struct rpc *rpc) {
        return RPC(ax, process_list, REQUEST(ProcessListRequest, .after_pid = (ax_pid) list->last),
                   process_list_on_reply, rpc);
}

int ax_process_list(ax_client *ax, struct ax_process **ret) {
        struct list list = { .item_size = sizeof(**ret) };
        int n = ret ? list_fetch(ax, &list, ask_processes) : -AX_EINVAL;

        if (n >= 0)
                *ret = list.items;
        return n;
}

static uint64_t value_at(const uint64_t *values, size_t n, unsigned i) {
        return i < n ? values[i] : 0;
}

static void user_list_on_reply(const Axeberg__UserListReply *reply, void *data) {
        struct list *list = ((struct rpc *) data)->context;

        for (size_t i = 0; i < reply->n_users; i++) {
                const Axeberg__UserInfo *info = reply->users[i];
                struct ax_user *user = list_add(list, info->uid);

                if (!user)
                        return;
                user->uid = info->uid;
                for (unsigned resource = 0; resource < AX_RESOURCES; resource++) {
                        user->resources[resource].used = value_at(info->used, info->n_used, resource);
                        user->resources[resource].refused = value_at(info->refused, info->n_refused, resource);
                        user->resources[resource].limit = value_at(reply->limits, reply->n_limits, resource);
                }
        }
        list->more = reply->more;
}

static int ask_users(ax_client *ax, struct list *list, struct rpc *rpc) {
        return RPC(ax, user_list,
                   REQUEST(UserListRequest, .after = list->count > 0, .after_uid = (uint32_t) list->last),
                   user_list_on_reply, rpc);
}

int ax_user_list(ax_client *ax, struct ax_user **ret) {
        struct list list = { .item_size = sizeof(**ret) };
        int n = ret ? list_fetch(ax, &list, ask_users) : -AX_EINVAL;

        if (n >= 0)
                *ret = list.items;
        return n;
}

const char *ax_resource_name(enum ax_resource resource) {
        return resource_name(resource);
}
