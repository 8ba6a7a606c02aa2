/*
 * Calls on descriptors.
 */
#include <stdio.h>
#include <string.h>

#include "stat.h"
#include "transport.h"

/* As Linux: no transfer is larger (read(2), NOTES). */
enum { MAX_TRANSFER = 0x7ffff000 };

static size_t chunk_size(size_t left) {
        return left < AX_FRAME_MAX_DATA ? left : AX_FRAME_MAX_DATA;
}

struct transfer {
        int fd;
        size_t size;
        int64_t offset;
        bool positioned;
};

/* Whether there is another chunk, at an offset that exists. */
static bool transfer_goes_on(const struct transfer *transfer, size_t done) {
        return done < transfer->size && (!transfer->positioned || (int64_t) done <= INT64_MAX - transfer->offset);
}

/* Clamps and checks what is the same for all four. */
static int transfer_check(ax_client *ax, struct transfer *transfer, const void *buf) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!buf && transfer->size > 0)
                return -AX_EINVAL;
        if (transfer->positioned && transfer->offset < 0)
                return -AX_EINVAL;
        if (transfer->size > MAX_TRANSFER)
                transfer->size = MAX_TRANSFER;
        return 0;
}

/* Whether the daemon is asked for the host's descriptor along with this transfer. */
static bool want_direct(ax_client *ax, const struct transfer *transfer, struct rpc *rpc, uint32_t *ret_ticket,
                        int *ret_host_fd) {
        if (!direct_wants(ax, transfer->fd, ret_ticket))
                return false;
        rpc->fds = ret_host_fd;
        rpc->max_fds = 1;
        rpc->fds_optional = true;
        return true;
}

static struct direct_transfer as_direct(const struct transfer *transfer, const void *buffer, bool writing) {
        return (struct direct_transfer){
                .fd = transfer->fd,
                .buffer = (void *) buffer,
                .size = transfer->size,
                .offset = transfer->offset,
                .positioned = transfer->positioned,
                .writing = writing,
        };
}

static int read_chunk(ax_client *ax, const struct transfer *transfer, size_t done, char *buf) {
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        struct rpc rpc = { .data = buf + done, .data_size = chunk_size(transfer->size - done) };
        uint32_t ticket;
        int r, host_fd = -1;

        request.want_direct = want_direct(ax, transfer, &rpc, &ticket, &host_fd);
        request.fd = transfer->fd;
        request.size = (uint32_t) rpc.data_size;
        request.positioned = transfer->positioned;
        request.offset = transfer->positioned ? transfer->offset + (int64_t) done : 0;
        request.continued = done > 0;
        r = RPC(ax, read, &request, rpc_ignore, &rpc);
        if (request.want_direct && r >= 0)
                direct_offer(ax, transfer->fd, ticket, host_fd);
        return r > 0 && (size_t) r != rpc.data_received ? -AX_EPROTO : r;
}

/* A short chunk ends the transfer, and so does one that would have to be waited for. */
static ssize_t read_all(ax_client *ax, struct transfer transfer, char *buf) {
        struct direct_transfer direct = as_direct(&transfer, buf, false);
        size_t done = 0, wanted;
        int r = transfer_check(ax, &transfer, buf);
        bool is_pipe;
        ssize_t n;

        if (r < 0)
                return r;
        direct.size = transfer.size;
        if (direct_transfer(ax, &direct, &n, &is_pipe))
                return n;
        do {
                wanted = chunk_size(transfer.size - done);
                r = read_chunk(ax, &transfer, done, buf);
                if (r < 0)
                        return done > 0 ? (ssize_t) done : r;
                done += (size_t) r;
        } while ((size_t) r == wanted && transfer_goes_on(&transfer, done));
        return (ssize_t) done;
}

static int write_chunk(ax_client *ax, const struct transfer *transfer, size_t done, const char *buf) {
        Axeberg__WriteRequest request = AXEBERG__WRITE_REQUEST__INIT;
        struct rpc rpc = { .trailer = buf + done, .trailer_size = chunk_size(transfer->size - done) };
        uint32_t ticket;
        int r, host_fd = -1;

        request.want_direct = want_direct(ax, transfer, &rpc, &ticket, &host_fd);
        request.continued = done > 0;
        request.fd = transfer->fd;
        request.positioned = transfer->positioned;
        request.offset = transfer->positioned ? transfer->offset + (int64_t) done : 0;
        r = RPC(ax, write, &request, rpc_ignore, &rpc);
        if (request.want_direct && r >= 0)
                direct_offer(ax, transfer->fd, ticket, host_fd);
        return r > 0 && (size_t) r > rpc.trailer_size ? -AX_EPROTO : r;
}

/* A short chunk ends the transfer: a disk is full, or a signal has come. */
static ssize_t write_all(ax_client *ax, struct transfer transfer, const char *buf) {
        struct direct_transfer direct = as_direct(&transfer, buf, true);
        size_t done = 0, wanted;
        int r = transfer_check(ax, &transfer, buf);
        bool is_pipe;
        ssize_t n;

        if (r < 0)
                return r;
        direct.size = transfer.size;
        if (direct_transfer(ax, &direct, &n, &is_pipe)) {
                if (n < 0 || (size_t) n == transfer.size || !is_pipe)
                        return n;
                done = (size_t) n; /* there was no more room: the daemon waits for it */
        }
        do {
                wanted = chunk_size(transfer.size - done);
                r = write_chunk(ax, &transfer, done, buf);
                if (r < 0)
                        return done > 0 ? (ssize_t) done : r;
                done += (size_t) r;
        } while ((size_t) r == wanted && transfer_goes_on(&transfer, done));
        return (ssize_t) done;
}

ssize_t ax_read(ax_client *ax, int fd, void *buf, size_t size) {
        return read_all(ax, (struct transfer){ .fd = fd, .size = size }, buf);
}

ssize_t ax_write(ax_client *ax, int fd, const void *buf, size_t size) {
        return write_all(ax, (struct transfer){ .fd = fd, .size = size }, buf);
}

ssize_t ax_pread(ax_client *ax, int fd, void *buf, size_t size, int64_t offset) {
        return read_all(ax, (struct transfer){ .fd = fd, .size = size, .offset = offset, .positioned = true }, buf);
}

ssize_t ax_pwrite(ax_client *ax, int fd, const void *buf, size_t size, int64_t offset) {
        return write_all(ax, (struct transfer){ .fd = fd, .size = size, .offset = offset, .positioned = true }, buf);
}

static void seek_on_reply(const Axeberg__OffsetReply *reply, void *data) {
        *(int64_t *) ((struct rpc *) data)->context = reply->offset;
}

int64_t ax_seek(ax_client *ax, int fd, int64_t offset, int whence) {
        Axeberg__SeekRequest request = AXEBERG__SEEK_REQUEST__INIT;
        int64_t result = 0;
        struct rpc rpc = { .context = &result };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.fd = fd;
        request.offset = offset;
        request.whence = (uint32_t) whence;
        r = RPC(ax, seek, &request, seek_on_reply, &rpc);
        return r < 0 ? r : result;
}

/* The calls whose only argument is a descriptor. */
typedef void (*fd_stub)(ProtobufCService *, const Axeberg__FdRequest *, Axeberg__Empty_Closure, void *);

static int fd_call(ax_client *ax, fd_stub stub, int fd) {
        Axeberg__FdRequest request = AXEBERG__FD_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.fd = fd;
        stub(&ax->service.base, &request, rpc_ignore, &rpc);
        return rpc.status;
}

int ax_close(ax_client *ax, int fd) {
        int r = fd_call(ax, axeberg__kernel__close, fd);

        if (r == 0)
                direct_forget(ax, fd);
        return r;
}

int ax_dup(ax_client *ax, int fd) {
        int r = fd_call(ax, axeberg__kernel__dup, fd);

        if (r >= 0)
                direct_forget(ax, r);
        return r;
}

int ax_fsync(ax_client *ax, int fd) {
        return fd_call(ax, axeberg__kernel__fsync, fd);
}

int ax_dup2(ax_client *ax, int fd, int newfd) {
        Axeberg__Dup2Request request = AXEBERG__DUP2_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.fd = fd;
        request.newfd = newfd;
        r = RPC(ax, dup2, &request, rpc_ignore, &rpc);
        if (r >= 0 && fd != newfd)
                direct_forget(ax, newfd);
        return r;
}

int ax_set_nonblock(ax_client *ax, int fd, bool on) {
        Axeberg__NonblockRequest request = AXEBERG__NONBLOCK_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.fd = fd;
        request.on = on;
        return RPC(ax, set_nonblock, &request, rpc_ignore, &rpc);
}

int ax_ftruncate(ax_client *ax, int fd, int64_t size) {
        Axeberg__TruncateRequest request = AXEBERG__TRUNCATE_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.fd = fd;
        request.size = size;
        return RPC(ax, ftruncate, &request, rpc_ignore, &rpc);
}

void stat_on_reply(const Axeberg__StatReply *reply, void *data) {
        struct ax_stat *ret = ((struct rpc *) data)->context;

        *ret = (struct ax_stat){
                .ino = reply->ino,
                .size = reply->size,
                .blocks = reply->blocks,
                .mode = reply->mode,
                .nlink = reply->nlink,
                .uid = reply->uid,
                .gid = reply->gid,
                .atime = { .tv_sec = reply->atime_sec, .tv_nsec = reply->atime_nsec },
                .mtime = { .tv_sec = reply->mtime_sec, .tv_nsec = reply->mtime_nsec },
                .ctime = { .tv_sec = reply->ctime_sec, .tv_nsec = reply->ctime_nsec },
                .btime = { .tv_sec = reply->btime_sec, .tv_nsec = reply->btime_nsec },
        };
}

int ax_fstat(ax_client *ax, int fd, struct ax_stat *ret) {
        Axeberg__FdRequest request = AXEBERG__FD_REQUEST__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.fd = fd;
        return RPC(ax, fstat, &request, stat_on_reply, &rpc);
}
