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

struct taken {
        uint64_t lost, offset;
};

static void take_on_reply(const Axeberg__ConsoleTakeReply *reply, void *data) {
        *(struct taken *) ((struct rpc *) data)->context = (struct taken){ reply->lost, reply->offset };
}

static ssize_t take(ax_client *ax, void *buf, size_t size, Axeberg__ConsoleTakeRequest request, struct taken *ret) {
        struct rpc rpc = { .data = buf, .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!buf && size > 0)
                return -AX_EINVAL;
        rpc.data_size = size < AX_FRAME_MAX_DATA ? size : AX_FRAME_MAX_DATA;
        request.size = (uint32_t) rpc.data_size;
        r = RPC(ax, console_take_output, &request, take_on_reply, &rpc);
        return r > 0 && (size_t) r != rpc.data_received ? -AX_EPROTO : r;
}

ssize_t ax_console_take_output(ax_client *ax, void *buf, size_t size) {
        Axeberg__ConsoleTakeRequest request = AXEBERG__CONSOLE_TAKE_REQUEST__INIT;
        struct taken taken;

        return take(ax, buf, size, request, &taken);
}

ssize_t ax_console_wait_output(ax_client *ax, void *buf, size_t size, uint64_t *ret_lost) {
        Axeberg__ConsoleTakeRequest request = AXEBERG__CONSOLE_TAKE_REQUEST__INIT;
        struct taken taken = { 0 };
        ssize_t n;

        request.wait = true;
        n = take(ax, buf, size, request, &taken);
        if (n >= 0 && ret_lost)
                *ret_lost = taken.lost;
        return n;
}

ssize_t ax_console_follow(ax_client *ax, uint64_t *offset, void *buf, size_t size, uint64_t *ret_lost) {
        Axeberg__ConsoleTakeRequest request = AXEBERG__CONSOLE_TAKE_REQUEST__INIT;
        struct taken taken = { 0 };
        ssize_t n;

        if (!offset)
                return -AX_EINVAL;
        request.wait = request.follow = true;
        request.offset = *offset;
        n = take(ax, buf, size, request, &taken);
        if (n < 0)
                return n;
        *offset = taken.offset;
        if (ret_lost)
                *ret_lost = taken.lost;
        return n;
}

struct size {
        unsigned rows, columns;
};

static void size_on_reply(const Axeberg__ConsoleSizeReply *reply, void *data) {
        *(struct size *) ((struct rpc *) data)->context = (struct size){ reply->rows, reply->columns };
}

int ax_console_size(ax_client *ax, unsigned *ret_rows, unsigned *ret_columns) {
        Axeberg__ConsoleSizeRequest request = AXEBERG__CONSOLE_SIZE_REQUEST__INIT;
        struct size size = { 0 };
        struct rpc rpc = { .context = &size };
        int r = client_check(ax);

        if (r == 0)
                r = RPC(ax, console_size, &request, size_on_reply, &rpc);
        if (r == 0 && ret_rows)
                *ret_rows = size.rows;
        if (r == 0 && ret_columns)
                *ret_columns = size.columns;
        return r;
}

int ax_console_set_size(ax_client *ax, unsigned rows, unsigned columns) {
        Axeberg__ConsoleSizeRequest request = AXEBERG__CONSOLE_SIZE_REQUEST__INIT;
        struct size size;
        struct rpc rpc = { .context = &size };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.set = true;
        request.rows = rows;
        request.columns = columns;
        return RPC(ax, console_size, &request, size_on_reply, &rpc);
}
