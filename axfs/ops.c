/* SPDX-License-Identifier: MIT */
/*
 * ops.c - where libfuse's requests enter: find the node, call what its kind has for it, have the
 * answer sent
 */
#include "axfs.h"
#include "identity.h"
#include "store_ops.h"
#include "util.h"

#include <poll.h>

const struct node_operations store_operations = {
        .lookup = store_lookup,
        .getattr = store_getattr,
        .setattr = store_setattr,
        .readlink = store_readlink,
        .mknod = store_mknod,
        .mkdir = store_mkdir,
        .symlink = store_symlink,
        .unlink = store_unlink,
        .rmdir = store_rmdir,
        .rename = store_rename,
        .link = store_link,
        .open = store_open,
        .create = store_create,
        .read = store_read,
        .write = store_write,
        .flush = store_flush,
        .release = store_release,
        .fsync = store_fsync,
        .opendir = store_opendir,
        .readdir = store_readdir,
        .releasedir = store_releasedir,
        .fsyncdir = store_fsyncdir,
        .statfs = store_statfs,
        .setxattr = store_setxattr,
        .getxattr = store_getxattr,
        .listxattr = store_listxattr,
        .removexattr = store_removexattr,
        .fallocate = store_fallocate,
        .lseek = store_lseek,
        .copy_file_range = store_copy_file_range,
};

static const struct node_operations *operations_of(const struct node *node) {
        return node->kind == NODE_STORE ? &store_operations : &synth_operations;
}

/*
 * OPERATION() - let the node's kind handle the request; @error is the answer if it does not know
 * such a thing.
 */
#define OPERATION(request, operation, error, ...)                                                                      \
        (operations_of((request)->node)->operation                                                                     \
                 ? operations_of((request)->node)->operation((request)->fs, request, __VA_ARGS__)                      \
                 : -(error))

/*
 * The host has refused what the kernel had allowed: its caller may be privileged without being
 * root.
 */
static bool may_try_again(const struct request *request, int r) {
        return r == -EPERM && request->node->kind == NODE_STORE &&
               identity_take_privileges(request->caller.pid, request->caller.uid, request->caller.gid);
}

/* OWNERS_OPERATION() - do the same if it matters who owns a file */
#define OWNERS_OPERATION(r, request, operation, error, ...)                                                            \
        do {                                                                                                           \
                (r) = OPERATION(request, operation, error, __VA_ARGS__);                                               \
                if (may_try_again(request, r))                                                                         \
                        (r) = OPERATION(request, operation, error, __VA_ARGS__);                                       \
        } while (0)

static bool other_kind(const struct request *request) {
        return request->node->kind != request->target->kind;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
        struct request request;

        if (request_begin(&request, req, parent))
                request_end(&request, OPERATION(&request, lookup, ENOENT, request.node, name));
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count) {
        node_table_forget(&axfs_from_request(req)->nodes, ino, count);
        request_end_silently(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets) {
        for (size_t i = 0; i < count; i++)
                node_table_forget(&axfs_from_request(req)->nodes, forgets[i].ino, forgets[i].nlookup);
        request_end_silently(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request, OPERATION(&request, getattr, EIO, request.node, fi));
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi) {
        struct request request;
        int r;

        if (!request_begin(&request, req, ino))
                return;
        OWNERS_OPERATION(r, &request, setattr, EPERM, request.node, attr, to_set, fi);
        request_end(&request, r);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request, OPERATION(&request, readlink, EINVAL, request.node));
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device) {
        struct request request;

        if (request_begin(&request, req, parent))
                request_end(&request, OPERATION(&request, mknod, EROFS, request.node, name, mode, device));
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode) {
        struct request request;

        if (request_begin(&request, req, parent))
                request_end(&request, OPERATION(&request, mkdir, EROFS, request.node, name, mode));
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name) {
        struct request request;

        if (request_begin(&request, req, parent))
                request_end(&request, OPERATION(&request, symlink, EROFS, target, request.node, name));
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name) {
        struct request request;
        int r;

        if (!request_begin(&request, req, parent))
                return;
        OWNERS_OPERATION(r, &request, unlink, EROFS, request.node, name);
        request_end(&request, r);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name) {
        struct request request;
        int r;

        if (!request_begin(&request, req, parent))
                return;
        OWNERS_OPERATION(r, &request, rmdir, EROFS, request.node, name);
        request_end(&request, r);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
                      unsigned flags) {
        struct request request;
        int r;

        if (!request_begin_two(&request, req, parent, new_parent))
                return;
        OWNERS_OPERATION(r, &request, rename, other_kind(&request) ? EXDEV : EROFS, request.node, name, request.target,
                         new_name, flags);
        request_end(&request, r);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name) {
        struct request request;
        int r;

        if (!request_begin_two(&request, req, ino, new_parent))
                return;
        OWNERS_OPERATION(r, &request, link, other_kind(&request) ? EXDEV : EROFS, request.node, request.target,
                         new_name);
        request_end(&request, r);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        struct request request;

        if (!request_begin(&request, req, ino))
                return;
        request.kernel_repeats = true;
        request_end(&request, OPERATION(&request, open, EIO, request.node, fi));
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi) {
        struct request request;

        if (!request_begin(&request, req, parent))
                return;
        request.kernel_repeats = true;
        request_end(&request, OPERATION(&request, create, EROFS, request.node, name, mode, fi));
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, read, EIO, request.node, size, offset, fi));
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *fi) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request, OPERATION(&request, write, EIO, request.node, data, size, offset, fi));
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, flush, 0, request.node, fi));
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, release, EIO, request.node, fi));
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, fsync, EINVAL, request.node, datasync, fi));
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request, OPERATION(&request, opendir, EIO, request.node, fi));
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, readdir, EIO, request.node, size, offset, fi));
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, releasedir, EIO, request.node, fi));
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, fsyncdir, EINVAL, request.node, datasync, fi));
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request, OPERATION(&request, statfs, EIO, request.node));
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags) {
        struct request request;
        int r;

        if (!request_begin(&request, req, ino))
                return;
        OWNERS_OPERATION(r, &request, setxattr, EOPNOTSUPP, request.node, name, value, size, flags);
        request_end(&request, r);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request, OPERATION(&request, getxattr, ENODATA, request.node, name,
                                                size)); /* see store_getxattr() */
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request, OPERATION(&request, listxattr, EOPNOTSUPP, request.node, size));
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name) {
        struct request request;
        int r;

        if (!request_begin(&request, req, ino))
                return;
        OWNERS_OPERATION(r, &request, removexattr, EOPNOTSUPP, request.node, name);
        request_end(&request, r);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                         struct fuse_file_info *fi) {
        struct request request;

        if (request_begin(&request, req, ino))
                request_end(&request,
                            OPERATION(&request, fallocate, EOPNOTSUPP, request.node, mode, offset, length, fi));
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi) {
        struct request request;

        if (request_begin_on_open(&request, req, ino))
                request_end(&request, OPERATION(&request, lseek, EINVAL, request.node, offset, whence, fi));
}

/* Nothing but the console makes anybody wait. The operation that keeps the handle takes it over. */
static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *handle) {
        struct request request;

        if (!request_begin_on_open(&request, req, ino)) {
                fuse_pollhandle_destroy(handle);
                return;
        }
        if (operations_of(request.node)->poll) {
                request_end(&request,
                            operations_of(request.node)->poll(request.fs, &request, request.node, fi, handle));
                return;
        }
        fuse_pollhandle_destroy(handle);
        request_end(&request, answer_events(&request, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM));
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t ino, off_t from_offset, struct fuse_file_info *from_fi,
                               fuse_ino_t to_ino, off_t to_offset, struct fuse_file_info *to_fi, size_t size,
                               int flags) {
        struct request request;

        if (request_begin_two(&request, req, ino, to_ino))
                request_end(&request, OPERATION(&request, copy_file_range, EXDEV, request.node, from_offset, from_fi,
                                                request.target, to_offset, to_fi, size, flags));
}

/*
 * HANDLE_KILLPRIV would make libfuse promise what only its successor lets us keep (session.c
 * negotiates that). ACLs need the kernel to leave the umask to the host, which knows the
 * directory's default ACL.
 */
static void op_init(void *userdata, struct fuse_conn_info *conn) {
        struct axfs *fs = ((struct requests *) userdata)->fs;

        conn->want &= ~(unsigned) (FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ |
                                   FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
        conn->want |= conn->capable &
                      (FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ATOMIC_O_TRUNC |
                       FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO);
        conn->max_background = 64;
        conn->congestion_threshold = 48;
        fs->on_ready(fs);
}

const struct fuse_lowlevel_ops axfs_operations = {
        .init = op_init,
        .lookup = op_lookup,
        .forget = op_forget,
        .forget_multi = op_forget_multi,
        .getattr = op_getattr,
        .setattr = op_setattr,
        .readlink = op_readlink,
        .mknod = op_mknod,
        .mkdir = op_mkdir,
        .symlink = op_symlink,
        .unlink = op_unlink,
        .rmdir = op_rmdir,
        .rename = op_rename,
        .link = op_link,
        .open = op_open,
        .create = op_create,
        .read = op_read,
        .write = op_write,
        .flush = op_flush,
        .release = op_release,
        .fsync = op_fsync,
        .opendir = op_opendir,
        .readdir = op_readdir,
        .releasedir = op_releasedir,
        .fsyncdir = op_fsyncdir,
        .statfs = op_statfs,
        .setxattr = op_setxattr,
        .getxattr = op_getxattr,
        .listxattr = op_listxattr,
        .removexattr = op_removexattr,
        .fallocate = op_fallocate,
        .lseek = op_lseek,
        .poll = op_poll,
        .copy_file_range = op_copy_file_range,
};
