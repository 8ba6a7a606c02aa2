/*
 * Shared segments: their attachments are regions.
 */
#include <stdlib.h>

#include "list.h"
#include "memory.h"
#include "transport.h"

int ax_shmget(ax_client *ax, size_t size, ax_shm_id *ret) {
        Axeberg__ShmGetRequest request = AXEBERG__SHM_GET_REQUEST__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.size = size;
        return RPC(ax, shm_get, &request, rpc_take_id, &rpc);
}

typedef void (*shm_stub)(ProtobufCService *, const Axeberg__ShmRequest *, Axeberg__Empty_Closure, void *);

static int shm_call(ax_client *ax, shm_stub stub, ax_shm_id shm) {
        Axeberg__ShmRequest request = AXEBERG__SHM_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.shm = shm;
        stub(&ax->service.base, &request, rpc_ignore, &rpc);
        return rpc.status;
}

int ax_shm_sync(ax_client *ax, ax_shm_id shm) {
        return shm_call(ax, axeberg__kernel__shm_sync, shm);
}

int ax_shm_refresh(ax_client *ax, ax_shm_id shm) {
        return shm_call(ax, axeberg__kernel__shm_refresh, shm);
}

struct attached {
        ax_region_id region;
        uint64_t size;
};

static void attach_on_reply(const Axeberg__ShmAttachReply *reply, void *data) {
        *(struct attached *) ((struct rpc *) data)->context = (struct attached){ reply->region, reply->size };
}

static int attach(ax_client *ax, ax_shm_id shm, unsigned protection, bool coherent, ax_region_id *ret) {
        Axeberg__ShmAttachRequest request = AXEBERG__SHM_ATTACH_REQUEST__INIT;
        struct attached attached = { 0 };
        int fd = -1, r = client_check(ax);
        struct rpc rpc = { .context = &attached, .fds = &fd, .max_fds = 1 };

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.shm = shm;
        request.protection = protection;
        request.coherent = coherent;
        r = RPC(ax, shm_attach, &request, attach_on_reply, &rpc);
        if (r < 0)
                return r;
        r = rpc.n_fds == 1 && attached.region != 0 ? region_add(ax, attached.region, attached.size, protection, fd)
                                                   : -AX_EPROTO;
        if (r < 0)
                ax_shmdt(ax, shm);
        else
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
        Axeberg__ShmRequest request = AXEBERG__SHM_REQUEST__INIT;
        ax_region_id region = 0;
        struct rpc rpc = { .context = &region };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.shm = shm;
        r = RPC(ax, shm_detach, &request, rpc_take_id, &rpc);
        if (r == 0)
                region_remove(ax, region);
        return r;
}

/* ---- all of them -------------------------------------------------------------------------------------------- */

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
        Axeberg__ShmListRequest request = AXEBERG__SHM_LIST_REQUEST__INIT;

        request.after_id = list->last;
        return RPC(ax, shm_list, &request, list_on_reply, rpc);
}

int ax_shm_list(ax_client *ax, struct ax_segment **ret) {
        struct list list = { .item_size = sizeof(**ret) };
        int n = ret ? list_fetch(ax, &list, ask_segments) : -AX_EINVAL;

        if (n >= 0)
                *ret = list.items;
        return n;
}
