/* SPDX-License-Identifier: MIT */
/*
 * What file servers need of the kernel: the mounts, and how to report what they did.
 */
#include <stdlib.h>
#include <unistd.h>

#include "call.h"
#include "printable.h"

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
                utf8_copy(mount->path, sizeof(mount->path), info->path);
                utf8_copy(mount->backend, sizeof(mount->backend), info->backend);
                utf8_copy(mount->source, sizeof(mount->source), info->source);
        }
}

/* Gives each store its descriptor. */
static void take_stores(struct mount_list *list, const int *fds) {
        size_t store = 0;

        for (size_t i = 0; i < list->count; i++)
                if (list->mounts[i].fd == 0)
                        list->mounts[i].fd = fds[store++];
}

int ax_mount_list(ax_client *ax, struct ax_mount **ret) {
        struct mount_list list = { 0 };
        int fds[AX_FRAME_MAX_FDS], r;
        struct rpc rpc = { .context = &list, .fds = fds, .max_fds = AX_FRAME_MAX_FDS };

        if (!ret)
                return -AX_EINVAL;
        list.mounts = calloc(MAX_MOUNTS, sizeof(*list.mounts));
        if (!list.mounts)
                return -AX_ENOMEM;
        r = RPC(ax, mount_list, REQUEST(Empty), mount_list_on_reply, &rpc);
        if (r >= 0 && rpc.n_fds != list.n_stores)
                r = -AX_EPROTO;
        if (r < 0) {
                for (size_t i = 0; i < rpc.n_fds; i++)
                        close(fds[i]);
                free(list.mounts);
                return r;
        }
        take_stores(&list, fds);
        *ret = list.mounts;
        return (int) list.count;
}

int ax_mount_report(ax_client *ax, const struct ax_mount_counters *counters) {
        if (!counters)
                return -AX_EINVAL;
        return CALL(ax, mount_report, MountReportRequest, .requests = counters->requests, .errors = counters->errors,
                    .bytes_read = counters->bytes_read, .bytes_written = counters->bytes_written);
}

enum { EVENTS_PER_FRAME = 128 };

static int trace_chunk(ax_client *ax, const struct ax_mount_event *events, size_t count, uint64_t lost) {
        Axeberg__MountEvent messages[EVENTS_PER_FRAME], *pointers[EVENTS_PER_FRAME];

        for (size_t i = 0; i < count; i++) {
                axeberg__mount_event__init(&messages[i]);
                messages[i].name = (char *) events[i].name;
                messages[i].text = (char *) events[i].text;
                messages[i].command = (char *) events[i].command;
                messages[i].host_pid = events[i].host_pid;
                messages[i].uid = events[i].uid;
                messages[i].duration_nsec = events[i].duration_nsec;
                messages[i].result = events[i].result;
                pointers[i] = &messages[i];
        }
        return CALL(ax, mount_trace, MountTraceRequest, .n_events = count, .events = pointers, .lost = lost);
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
