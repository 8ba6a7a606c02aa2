/*
 * Pipes.
 */
#include "transport.h"

static void pipe_on_reply(const Axeberg__PipeReply *reply, void *data) {
        int *fds = ((struct rpc *) data)->context;

        fds[0] = reply->reader;
        fds[1] = reply->writer;
}

int ax_pipe(ax_client *ax, int fds[2]) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { .context = fds };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!fds)
                return -AX_EINVAL;
        r = RPC(ax, pipe, &request, pipe_on_reply, &rpc);
        for (int i = 0; r == 0 && i < 2; i++)
                direct_forget(ax, fds[i]);
        return r;
}
