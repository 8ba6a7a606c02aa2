/*
 * Looking at the kernel, and what file servers need of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "list.h"
#include "transport.h"

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
        snprintf(ret->version, sizeof(ret->version), "%s", reply->version);
        snprintf(ret->store, sizeof(ret->store), "%s", reply->store);
}

int ax_status(ax_client *ax, struct ax_status *ret) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, status, &request, status_on_reply, &rpc);
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
        snprintf(process->state, sizeof(process->state), "%s", info->state);
        snprintf(process->command, sizeof(process->command), "%s", info->command);
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
        Axeberg__ProcessListRequest request = AXEBERG__PROCESS_LIST_REQUEST__INIT;

        request.after_pid = (ax_pid) list->last;
        return RPC(ax, process_list, &request, process_list_on_reply, rpc);
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
        Axeberg__UserListRequest request = AXEBERG__USER_LIST_REQUEST__INIT;

        request.after = list->count > 0;
        request.after_uid = (uint32_t) list->last;
        return RPC(ax, user_list, &request, user_list_on_reply, rpc);
}

int ax_user_list(ax_client *ax, struct ax_user **ret) {
        struct list list = { .item_size = sizeof(**ret) };
        int n = ret ? list_fetch(ax, &list, ask_users) : -AX_EINVAL;

        if (n >= 0)
                *ret = list.items;
        return n;
}

const char *ax_resource_name(enum ax_resource resource) {
        static const char *const names[AX_RESOURCES] = {
                [AX_RESOURCE_CONNECTIONS] = "connections",
                [AX_RESOURCE_PROCESSES] = "processes",
                [AX_RESOURCE_DESCRIPTORS] = "descriptors",
                [AX_RESOURCE_PIPES] = "pipes",
                [AX_RESOURCE_TASKS] = "tasks",
                [AX_RESOURCE_TIMERS] = "timers",
                [AX_RESOURCE_REGIONS] = "regions",
                [AX_RESOURCE_WINDOWS] = "windows",
                [AX_RESOURCE_MEMORY] = "memory",
        };

        return (unsigned) resource < AX_RESOURCES ? names[resource] : NULL;
}

enum { MAX_MOUNTS = 64 };

struct mount_list {
        struct ax_mount *mounts;
        size_t count, n_stores;
};

static void mount_list_on_reply(const Axeberg__MountListReply *reply, void *data) {
        struct mount_list *list = ((struct rpc *) data)->context;

        for (size_t i = 0; i < reply->n_mounts && i < MAX_MOUNTS; i++) {
                const Axeberg__MountInfo *info = reply->mounts[i];
                struct ax_mount *mount = &list->mounts[list->count++];

                *mount = (struct ax_mount){ .fd = info->has_store ? 0 : -1, .index = info->index };
                list->n_stores += info->has_store ? 1 : 0;
                snprintf(mount->path, sizeof(mount->path), "%s", info->path);
                snprintf(mount->backend, sizeof(mount->backend), "%s", info->backend);
                snprintf(mount->source, sizeof(mount->source), "%s", info->source);
        }
}

int ax_mount_list(ax_client *ax, struct ax_mount **ret) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        int fds[AX_FRAME_MAX_FDS], r = client_check(ax);
        struct mount_list list = { 0 };
        struct rpc rpc = { .context = &list, .fds = fds, .max_fds = AX_FRAME_MAX_FDS };

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        list.mounts = calloc(MAX_MOUNTS, sizeof(*list.mounts));
        if (!list.mounts)
                return -AX_ENOMEM;
        r = RPC(ax, mount_list, &request, mount_list_on_reply, &rpc);
        if (r >= 0 && rpc.n_fds != list.n_stores)
                r = -AX_EPROTO;
        if (r < 0) {
                for (size_t i = 0; i < rpc.n_fds; i++)
                        close(fds[i]);
                free(list.mounts);
                return r;
        }
        for (size_t i = 0, store = 0; i < list.count; i++)
                if (list.mounts[i].fd == 0)
                        list.mounts[i].fd = fds[store++];
        *ret = list.mounts;
        return (int) list.count;
}

int ax_mount_report(ax_client *ax, const struct ax_mount_counters *counters) {
        Axeberg__MountReportRequest request = AXEBERG__MOUNT_REPORT_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!counters)
                return -AX_EINVAL;
        request.requests = counters->requests;
        request.errors = counters->errors;
        request.bytes_read = counters->bytes_read;
        request.bytes_written = counters->bytes_written;
        return RPC(ax, mount_report, &request, rpc_ignore, &rpc);
}

enum { EVENTS_PER_FRAME = 128 };

static int trace_chunk(ax_client *ax, const struct ax_mount_event *events, size_t count, uint64_t lost) {
        Axeberg__MountTraceRequest request = AXEBERG__MOUNT_TRACE_REQUEST__INIT;
        Axeberg__MountEvent messages[EVENTS_PER_FRAME], *pointers[EVENTS_PER_FRAME];
        struct rpc rpc = { 0 };

        for (size_t i = 0; i < count; i++) {
                axeberg__mount_event__init(&messages[i]);
                messages[i].name = (char *) events[i].name;
                messages[i].text = (char *) events[i].text;
                messages[i].host_pid = events[i].host_pid;
                messages[i].uid = events[i].uid;
                messages[i].duration_nsec = events[i].duration_nsec;
                messages[i].result = events[i].result;
                pointers[i] = &messages[i];
        }
        request.n_events = count;
        request.events = pointers;
        request.lost = lost;
        return RPC(ax, mount_trace, &request, rpc_ignore, &rpc);
}

int ax_mount_trace(ax_client *ax, const struct ax_mount_event *events, size_t count, uint64_t lost) {
        int r = client_check(ax);

        if (r == 0 && !events && count > 0)
                r = -AX_EINVAL;
        for (size_t done = 0, part; r == 0 && done < count; done += part, lost = 0) {
                part = count - done < EVENTS_PER_FRAME ? count - done : EVENTS_PER_FRAME;
                r = trace_chunk(ax, events + done, part, lost);
        }
        return r;
}
