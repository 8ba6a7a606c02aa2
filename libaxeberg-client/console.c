/*
 * The operator's side of the console.
 */
#include "transport.h"

static int push_chunk(ax_client *ax, const char *data, size_t size) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { .trailer = data, .trailer_size = size < AX_FRAME_MAX_DATA ? size : AX_FRAME_MAX_DATA };
        int r = RPC(ax, console_push_input, &request, rpc_ignore, &rpc);

        return r > 0 && (size_t) r > rpc.trailer_size ? -AX_EPROTO : r;
}

int ax_console_push_input(ax_client *ax, const void *data, size_t size) {
        size_t done = 0;
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!data && size > 0)
                return -AX_EINVAL;
        if (size > INT32_MAX)
                size = INT32_MAX;
        do {
                r = push_chunk(ax, (const char *) data + done, size - done);
                if (r < 0)
                        return done > 0 ? (int) done : r;
                done += (size_t) r;
        } while (r > 0 && done < size);
        return (int) done;
}

static void take_on_reply(const Axeberg__ConsoleTakeReply *reply, void *data) {
        *(uint64_t *) ((struct rpc *) data)->context = reply->lost;
}

static ssize_t take(ax_client *ax, void *buf, size_t size, bool wait, uint64_t *ret_lost) {
        Axeberg__ConsoleTakeRequest request = AXEBERG__CONSOLE_TAKE_REQUEST__INIT;
        struct rpc rpc = { .data = buf, .context = ret_lost };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!buf && size > 0)
                return -AX_EINVAL;
        rpc.data_size = size < AX_FRAME_MAX_DATA ? size : AX_FRAME_MAX_DATA;
        request.size = (uint32_t) rpc.data_size;
        request.wait = wait;
        r = RPC(ax, console_take_output, &request, take_on_reply, &rpc);
        return r > 0 && (size_t) r != rpc.data_received ? -AX_EPROTO : r;
}

ssize_t ax_console_take_output(ax_client *ax, void *buf, size_t size) {
        uint64_t lost = 0;

        return take(ax, buf, size, false, &lost);
}

ssize_t ax_console_wait_output(ax_client *ax, void *buf, size_t size, uint64_t *ret_lost) {
        uint64_t lost = 0;
        ssize_t n = take(ax, buf, size, true, &lost);

        if (n >= 0 && ret_lost)
                *ret_lost = lost;
        return n;
}
