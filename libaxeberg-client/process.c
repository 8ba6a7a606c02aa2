/* SPDX-License-Identifier: MIT */
/*
 * The caller's own process.
 */
#include "call.h"
#include "local.h"

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
        return CALL(ax, getppid, Empty);
}

int ax_exit(ax_client *ax, int code) {
        int r = CALL(ax, exit, ExitRequest, .code = code & 0xFF);

        if (r == 0) {
                atomic_store(&ax->pid, -AX_ESRCH);
                direct_forget_all(&ax->direct);
        }
        return r;
}
