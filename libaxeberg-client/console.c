/* SPDX-License-Identifier: MIT */
/*
 * The operator's side of the console.
 */
#include "call.h"

static size_t chunk_size(size_t size) {
        return size < AX_FRAME_MAX_DATA ? size : AX_FRAME_MAX_DATA;
}

static int push_chunk(ax_client *ax, const char *data, size_t size) {
        struct rpc rpc = { .trailer = data, .trailer_size = chunk_size(size) };
        int r = RPC(ax, console_push_input, REQUEST(Empty), rpc_ignore, &rpc);

        return r > 0 && (size_t) r > rpc.trailer_size ? -AX_EPROTO : r;
}

int ax_console_push_input(ax_client *ax, const void *data, size_t size) {
        size_t done = 0;
        int r;

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

/* A reply whose count is not that of the data that came is wrong. */
static ssize_t taken(const struct rpc *rpc) {
        return rpc->status > 0 && (size_t) rpc->status != rpc->data_received ? -AX_EPROTO : rpc->status;
}

static void take_on_reply(const Axeberg__ConsoleTakeReply *reply, void *data) {
        *(uint64_t *) ((struct rpc *) data)->context = reply->lost;
}

ssize_t ax_console_take_output(ax_client *ax, void *buf, size_t size) {
        uint64_t lost;
        struct rpc rpc = { .data = buf, .data_size = chunk_size(size), .context = &lost };

        if (!buf && size > 0)
                return -AX_EINVAL;
        RPC(ax, console_take_output, REQUEST(ConsoleTakeRequest, .size = (uint32_t) rpc.data_size), take_on_reply,
            &rpc);
        return taken(&rpc);
}

ssize_t ax_console_wait_output(ax_client *ax, void *buf, size_t size, uint64_t *ret_lost) {
        uint64_t lost = 0;
        struct rpc rpc = { .data = buf, .data_size = chunk_size(size), .context = &lost };

        if (!buf && size > 0)
                return -AX_EINVAL;
        if (RPC(ax, console_wait_output, REQUEST(ConsoleTakeRequest, .size = (uint32_t) rpc.data_size), take_on_reply,
                &rpc) >= 0 &&
            ret_lost)
                *ret_lost = lost;
        return taken(&rpc);
}

struct followed {
        uint64_t lost, offset;
};

static void follow_on_reply(const Axeberg__ConsoleFollowReply *reply, void *data) {
        *(struct followed *) ((struct rpc *) data)->context = (struct followed){ reply->lost, reply->offset };
}

ssize_t ax_console_follow(ax_client *ax, uint64_t *offset, void *buf, size_t size, uint64_t *ret_lost) {
        struct followed followed = { 0 };
        struct rpc rpc = { .data = buf, .data_size = chunk_size(size), .context = &followed };
        ssize_t n;

        if (!offset || (!buf && size > 0))
                return -AX_EINVAL;
        RPC(ax, console_follow, REQUEST(ConsoleFollowRequest, .offset = *offset, .size = (uint32_t) rpc.data_size),
            follow_on_reply, &rpc);
        n = taken(&rpc);
        if (n < 0)
                return n;
        *offset = followed.offset;
        if (ret_lost)
                *ret_lost = followed.lost;
        return n;
}

struct size {
        unsigned rows, columns;
};

static void size_on_reply(const Axeberg__ConsoleSizeReply *reply, void *data) {
        *(struct size *) ((struct rpc *) data)->context = (struct size){ reply->rows, reply->columns };
}

int ax_console_size(ax_client *ax, unsigned *ret_rows, unsigned *ret_columns) {
        struct size size = { 0 };
        int r = RPC(ax, console_size, REQUEST(Empty), size_on_reply, &(struct rpc){ .context = &size });

        if (r == 0 && ret_rows)
                *ret_rows = size.rows;
        if (r == 0 && ret_columns)
                *ret_columns = size.columns;
        return r;
}

int ax_console_set_size(ax_client *ax, unsigned rows, unsigned columns) {
        return CALL(ax, console_set_size, ConsoleSetSizeRequest, .rows = rows, .columns = columns);
}
