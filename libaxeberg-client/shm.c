/* SPDX-License-Identifier: MIT */
/*
 * Shared segments: their attachments are regions.
 */
#include "call.h"
#include "list.h"
#include "regions.h"

int ax_shmget(ax_client *ax, size_t size, ax_shm_id *ret) {
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, shmget, REQUEST(ShmgetRequest, .size = size), rpc_take_id, &(struct rpc){ .context = ret });
}

int ax_shm_sync(ax_client *ax, ax_shm_id shm) {
        return CALL(ax, shm_sync, ShmRequest, .shm = shm);
}

int ax_shm_refresh(ax_client *ax, ax_shm_id shm) {
        return CALL(ax, shm_refresh, ShmRequest, .shm = shm);
}

struct attached {
        ax_region_id region;
        uint64_t size;
};

static void attach_on_reply(const Axeberg__ShmatReply *reply, void *data) {
        *(struct attached *) ((struct rpc *) data)->context = (struct attached){ reply->region, reply->size };
}

static int attach(ax_client *ax, ax_shm_id shm, unsigned protection, bool coherent, ax_region_id *ret) {
        struct attached attached = { 0 };
        int fd = -1, r;
        struct rpc rpc = { .context = &attached, .fds = &fd, .max_fds = 1 };

        if (!ret)
                return -AX_EINVAL;
        r = coherent ? RPC(ax, shmat_coherent, REQUEST(ShmRequest, .shm = shm), attach_on_reply, &rpc)
                     : RPC(ax, shmat, REQUEST(ShmatRequest, .shm = shm, .protection = protection), attach_on_reply,
                           &rpc);
        if (r < 0)
                return r;
        r = rpc.n_fds == 1 && attached.region != 0
                    ? region_add(&ax->regions, attached.region, attached.size, protection, !coherent, fd)
                    : -AX_EPROTO;
        if (r < 0 && r != -AX_EMEM_NOT_ATTACHED) /* that one has been detached already */
                ax_shmdt(ax, shm);
        if (r == 0)
                *ret = attached.region;
        return r;
}

int ax_shmat(ax_client *ax, ax_shm_id shm, unsigned protection, ax_region_id *ret) {
        return attach(ax, shm, protection, false, ret);
}

int ax_shmat_coherent(ax_client *ax, ax_shm_id shm, ax_region_id *ret) {
        return attach(ax, shm, AX_PROT_READ_WRITE, true, ret);
}

int ax_shmdt(ax_client *ax, ax_shm_id shm) {
        ax_region_id region = 0;
        int r = RPC(ax, shmdt, REQUEST(ShmRequest, .shm = shm), rpc_take_id, &(struct rpc){ .context = &region });

        if (r == 0)
                region_remove(&ax->regions, region);
        return r;
}

static void list_on_reply(const Axeberg__ShmListReply *reply, void *data) {
        struct list *list = ((struct rpc *) data)->context;

        for (size_t i = 0; i < reply->n_segments; i++) {
                const Axeberg__ShmInfo *info = reply->segments[i];
                struct ax_segment *segment = list_add(list, info->id);

                if (segment)
                        *segment = (struct ax_segment){ info->id, info->size, info->uid, info->attachments,
                                                        info->creator };
        }
        list->more = reply->more;
}

static int ask_segments(ax_client *ax, struct list *list, struct rpc *rpc) {
        return RPC(ax, shm_list, REQUEST(ShmListRequest, .after_id = list->last), list_on_reply, rpc);
}

int ax_shm_list(ax_client *ax, struct ax_segment **ret) {
        struct list list = { .item_size = sizeof(**ret) };
        int n = ret ? list_fetch(ax, &list, ask_segments) : -AX_EINVAL;

        if (n >= 0)
                *ret = list.items;
        return n;
}
