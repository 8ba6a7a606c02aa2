/* SPDX-License-Identifier: MIT */
/*
 * Calls on descriptors.
 */
#include "call.h"
#include "local.h"

/* As on Linux, no transfer is larger (read(2), NOTES). */
enum { MAX_TRANSFER = 0x7ffff000 };

static size_t chunk_size(size_t left) {
        return left < AX_FRAME_MAX_DATA ? left : AX_FRAME_MAX_DATA;
}

/* Returns true if there is one more chunk, at an offset that exists. */
static bool transfer_goes_on(const struct direct_transfer *transfer, size_t done) {
        return done < transfer->size && (!transfer->positioned || (int64_t) done <= INT64_MAX - transfer->offset);
}

/* Clamps and checks what is the same for all four. */
static int transfer_check(ax_client *ax, struct direct_transfer *transfer) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!transfer->buffer && transfer->size > 0)
                return -AX_EINVAL;
        if (transfer->positioned && transfer->offset < 0)
                return -AX_EINVAL;
        if (transfer->size > MAX_TRANSFER)
                transfer->size = MAX_TRANSFER;
        return 0;
}

static enum ax_local_call transfer_name(const struct direct_transfer *transfer) {
        if (transfer->positioned)
                return transfer->writing ? AX_LOCAL_PWRITE : AX_LOCAL_PREAD;
        return transfer->writing ? AX_LOCAL_WRITE : AX_LOCAL_READ;
}

/* Transfers without the daemon what it can; see direct_transfer(). */
static bool transfer_directly(ax_client *ax, const struct direct_transfer *transfer, ssize_t *ret, bool *ret_is_pipe) {
        struct local_call call;

        if (!local_may_go_direct(ax))
                return false;
        call = local_begin(ax, transfer_name(transfer));
        if (!direct_transfer(&ax->direct, transfer, ret, ret_is_pipe))
                return false;
        local_end(ax, &call, transfer->fd, (uint64_t) transfer->offset, transfer->size, *ret);
        return true;
}

static int read_chunk(ax_client *ax, const struct direct_transfer *transfer, size_t done, struct rpc *rpc, bool want) {
        rpc->data = (char *) transfer->buffer + done;
        rpc->data_size = chunk_size(transfer->size - done);
        if (transfer->positioned)
                return RPC(ax, pread,
                           REQUEST(PreadRequest, .fd = transfer->fd, .size = (uint32_t) rpc->data_size,
                                   .offset = transfer->offset + (int64_t) done, .continued = done > 0,
                                   .want_direct = want),
                           rpc_ignore, rpc);
        return RPC(ax, read,
                   REQUEST(ReadRequest, .fd = transfer->fd, .size = (uint32_t) rpc->data_size, .continued = done > 0,
                           .want_direct = want),
                   rpc_ignore, rpc);
}

static int write_chunk(ax_client *ax, const struct direct_transfer *transfer, size_t done, struct rpc *rpc, bool want) {
        rpc->trailer = (const char *) transfer->buffer + done;
        rpc->trailer_size = chunk_size(transfer->size - done);
        if (transfer->positioned)
                return RPC(ax, pwrite,
                           REQUEST(PwriteRequest, .fd = transfer->fd, .offset = transfer->offset + (int64_t) done,
                                   .continued = done > 0, .want_direct = want),
                           rpc_ignore, rpc);
        return RPC(ax, write, REQUEST(WriteRequest, .fd = transfer->fd, .continued = done > 0, .want_direct = want),
                   rpc_ignore, rpc);
}

/* Transfers a chunk, and asks for the host's descriptor along with it if that is of use. */
static int transfer_chunk(ax_client *ax, const struct direct_transfer *transfer, size_t done) {
        struct rpc rpc = { 0 };
        int host_fd = -1, r;
        uint32_t ticket;
        bool want = local_may_go_direct(ax) && direct_wants(&ax->direct, transfer->fd, &ticket);

        if (want) {
                rpc.fds = &host_fd;
                rpc.max_fds = 1;
                rpc.fds_optional = true;
        }
        r = transfer->writing ? write_chunk(ax, transfer, done, &rpc, want)
                              : read_chunk(ax, transfer, done, &rpc, want);
        if (want && r >= 0)
                direct_offer(&ax->direct, transfer->fd, ticket, host_fd);
        if (r > 0 && (transfer->writing ? (size_t) r > rpc.trailer_size : (size_t) r != rpc.data_received))
                return -AX_EPROTO;
        return r;
}

/* A short chunk ends the transfer: the end of a file, a full disk, a signal, or having to wait. */
static ssize_t transfer(ax_client *ax, struct direct_transfer transfer) {
        int r = transfer_check(ax, &transfer);
        size_t done = 0, wanted;
        bool is_pipe;
        ssize_t n;

        if (r < 0)
                return r;
        if (transfer_directly(ax, &transfer, &n, &is_pipe)) {
                if (n < 0 || (size_t) n == transfer.size || !is_pipe || !transfer.writing)
                        return n;
                done = (size_t) n; /* there was no more room: the daemon waits for it */
        }
        do {
                wanted = chunk_size(transfer.size - done);
                r = transfer_chunk(ax, &transfer, done);
                if (r < 0)
                        return done > 0 ? (ssize_t) done : r;
                done += (size_t) r;
        } while ((size_t) r == wanted && transfer_goes_on(&transfer, done));
        return (ssize_t) done;
}

ssize_t ax_read(ax_client *ax, int fd, void *buf, size_t size) {
        return transfer(ax, (struct direct_transfer){ .fd = fd, .buffer = buf, .size = size });
}

ssize_t ax_write(ax_client *ax, int fd, const void *buf, size_t size) {
        return transfer(ax,
                        (struct direct_transfer){ .fd = fd, .buffer = (void *) buf, .size = size, .writing = true });
}

ssize_t ax_pread(ax_client *ax, int fd, void *buf, size_t size, int64_t offset) {
        return transfer(ax, (struct direct_transfer){
                                    .fd = fd, .buffer = buf, .size = size, .offset = offset, .positioned = true });
}

ssize_t ax_pwrite(ax_client *ax, int fd, const void *buf, size_t size, int64_t offset) {
        return transfer(ax, (struct direct_transfer){ .fd = fd,
                                                      .buffer = (void *) buf,
                                                      .size = size,
                                                      .offset = offset,
                                                      .positioned = true,
                                                      .writing = true });
}

static void seek_on_reply(const Axeberg__OffsetReply *reply, void *data) {
        *(int64_t *) ((struct rpc *) data)->context = reply->offset;
}

static bool seek_directly(ax_client *ax, int fd, int64_t offset, int whence, int64_t *ret) {
        struct local_call call;

        if (!local_may_go_direct(ax))
                return false;
        call = local_begin(ax, AX_LOCAL_SEEK);
        if (!direct_seek(&ax->direct, fd, offset, whence, ret))
                return false;
        local_end(ax, &call, fd, (uint64_t) offset, (uint64_t) whence, *ret);
        return true;
}

int64_t ax_seek(ax_client *ax, int fd, int64_t offset, int whence) {
        int64_t result = 0;
        int r = client_check(ax);

        if (r < 0 || seek_directly(ax, fd, offset, whence, &result))
                return r < 0 ? r : result;
        r = RPC(ax, seek, REQUEST(SeekRequest, .fd = fd, .offset = offset, .whence = (uint32_t) whence), seek_on_reply,
                &(struct rpc){ .context = &result });

        return r < 0 ? r : result;
}

/* Closing what is open cannot fail; while somebody watches, the call has its place and its time. */
static bool close_without_waiting(ax_client *ax, int fd) {
        return local_may_go_direct(ax) && !client_is_watched(ax) && direct_closing(&ax->direct, fd) &&
               call_notify(ax, AX_METHOD(close), &REQUEST(FdRequest, .fd = fd)->base) == 0;
}

int ax_close(ax_client *ax, int fd) {
        int r = client_check(ax);

        if (r == 0 && close_without_waiting(ax, fd))
                return 0;
        r = CALL(ax, close, FdRequest, .fd = fd);
        if (r == 0)
                direct_closing(&ax->direct, fd);
        return r;
}

int ax_dup(ax_client *ax, int fd) {
        int r = CALL(ax, dup, FdRequest, .fd = fd);

        if (r >= 0)
                direct_opened(&ax->direct, r);
        return r;
}

int ax_dup2(ax_client *ax, int fd, int newfd) {
        int r = CALL(ax, dup2, Dup2Request, .fd = fd, .newfd = newfd);

        if (r >= 0 && fd != newfd)
                direct_opened(&ax->direct, newfd);
        return r;
}

int ax_set_nonblock(ax_client *ax, int fd, bool on) {
        return CALL(ax, set_nonblock, SetNonblockRequest, .fd = fd, .on = on);
}

static bool sync_directly(ax_client *ax, int fd, int *ret) {
        struct local_call call;

        if (!local_may_go_direct(ax))
                return false;
        call = local_begin(ax, AX_LOCAL_FSYNC);
        if (!direct_sync(&ax->direct, fd, ret))
                return false;
        local_end(ax, &call, fd, 0, 0, *ret);
        return true;
}

int ax_fsync(ax_client *ax, int fd) {
        int r = client_check(ax);

        if (r < 0 || sync_directly(ax, fd, &r))
                return r;
        return CALL(ax, fsync, FdRequest, .fd = fd);
}

static bool truncate_directly(ax_client *ax, int fd, int64_t size, int *ret) {
        struct local_call call;

        if (!local_may_go_direct(ax))
                return false;
        call = local_begin(ax, AX_LOCAL_FTRUNCATE);
        if (!direct_truncate(&ax->direct, fd, size, ret))
                return false;
        local_end(ax, &call, fd, 0, (uint64_t) size, *ret);
        return true;
}

int ax_ftruncate(ax_client *ax, int fd, int64_t size) {
        int r = client_check(ax);

        if (r < 0 || truncate_directly(ax, fd, size, &r))
                return r;
        return CALL(ax, ftruncate, FtruncateRequest, .fd = fd, .size = size);
}

static void pipe_on_reply(const Axeberg__PipeReply *reply, void *data) {
        int *fds = ((struct rpc *) data)->context;

        fds[0] = reply->reader;
        fds[1] = reply->writer;
}

int ax_pipe(ax_client *ax, int fds[2]) {
        int r = fds ? RPC(ax, pipe, REQUEST(Empty), pipe_on_reply, &(struct rpc){ .context = fds }) : -AX_EINVAL;

        for (int i = 0; r == 0 && i < 2; i++)
                direct_opened(&ax->direct, fds[i]);
        return r;
}
