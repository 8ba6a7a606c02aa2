/* SPDX-License-Identifier: MIT */
/*
 * Figures of memory, and its limits.
 */
#include "call.h"
#include "local.h"

static void process_on_reply(const Axeberg__MemstatsReply *reply, void *data) {
        *(struct ax_memory_stats *) ((struct rpc *) data)->context = (struct ax_memory_stats){
                .allocated = reply->allocated,
                .limit = reply->limit,
                .peak = reply->peak,
                .region_count = reply->regions,
                .shm_count = reply->attachments,
        };
}

int ax_memstats_of(ax_client *ax, ax_pid pid, struct ax_memory_stats *ret) {
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, memstats_of, REQUEST(MemstatsOfRequest, .pid = pid), process_on_reply,
                   &(struct rpc){ .context = ret });
}

int ax_memstats(ax_client *ax, struct ax_memory_stats *ret) {
        struct ax_process_page page;
        struct local_call call;
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        call = local_begin(ax, AX_LOCAL_MEMSTATS);
        r = published_read(&ax->published, &page);
        if (r > 0)
                return RPC(ax, memstats, REQUEST(Empty), process_on_reply, &(struct rpc){ .context = ret });
        local_end(ax, &call, 0, 0, 0, r);
        if (r == 0)
                *ret = (struct ax_memory_stats){
                        .allocated = page.allocated,
                        .limit = page.limit,
                        .peak = page.peak,
                        .region_count = page.regions,
                        .shm_count = page.attachments,
                };
        return r;
}

int ax_set_memlimit(ax_client *ax, size_t limit) {
        return CALL(ax, set_memlimit, SetMemlimitRequest, .limit = limit);
}

int ax_set_memlimit_of(ax_client *ax, ax_pid pid, uint64_t limit) {
        return CALL(ax, set_memlimit_of, SetMemlimitOfRequest, .pid = pid, .limit = limit);
}

static void system_on_reply(const Axeberg__SystemMemstatsReply *reply, void *data) {
        *(struct ax_system_memory_stats *) ((struct rpc *) data)->context = (struct ax_system_memory_stats){
                .total_allocated = reply->allocated,
                .system_limit = reply->limit,
                .shm_count = reply->segments,
                .shm_total_size = reply->segment_bytes,
        };
}

int ax_system_memstats(ax_client *ax, struct ax_system_memory_stats *ret) {
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, system_memstats, REQUEST(Empty), system_on_reply, &(struct rpc){ .context = ret });
}
