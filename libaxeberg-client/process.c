/*
 * The caller's own process.
 */
#include "local.h"
#include "transport.h"

ax_pid ax_getpid(ax_client *ax) {
        int r = client_check(ax);
        struct local_call call;

        if (r < 0)
                return r;
        call = local_begin(ax, AX_LOCAL_GETPID);
        r = atomic_load_explicit(&ax->pid, memory_order_relaxed);
        local_end(ax, &call, 0, 0, 0, r);
        return r;
}

ax_pid ax_getppid(ax_client *ax) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        return r < 0 ? r : RPC(ax, get_parent, &request, rpc_ignore, &rpc);
}

int ax_exit(ax_client *ax, int code) {
        Axeberg__ExitRequest request = AXEBERG__EXIT_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.code = code & 0xFF;
        r = RPC(ax, exit, &request, rpc_ignore, &rpc);
        if (r == 0) {
                atomic_store(&ax->pid, -AX_ESRCH);
                direct_forget_all(ax);
        }
        return r;
}

int ax_umask(ax_client *ax, uint32_t mask) {
        Axeberg__UmaskRequest request = AXEBERG__UMASK_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.mask = mask;
        return RPC(ax, umask, &request, rpc_ignore, &rpc);
}
