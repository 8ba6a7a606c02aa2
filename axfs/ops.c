/*
 * ops.c - where libfuse's requests enter: find the node, call what its kind has for it, answer with its error
 */
#include "axfs.h"
#include "names.h"
#include "store.h"
#include "store_ops.h"
#include "util.h"

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

void reply_entry(struct axfs *fs, fuse_req_t req, struct node *node, const struct stat *st) {
        struct fuse_entry_param entry = { .ino = node->id, .generation = node->generation, .attr = *st };

        if (node->kind == NODE_STORE)
                entry.attr.st_ino = store_ino(node->store, st->st_ino);
        if (fuse_reply_entry(req, &entry) < 0)
                node_table_forget(&fs->nodes, node->id, 1);
}

static const struct node_operations *operations_of(const struct node *node) {
        return node->kind == NODE_STORE ? &store_operations : &synth_operations;
}

/* The request's node; where there is none the request has been answered. */
static struct node *begin(fuse_req_t req, fuse_ino_t ino) {
        struct node *node = node_from_id(&axfs_from_request(req)->nodes, ino);

        if (!node)
                fuse_reply_err(req, ESTALE);
        return node;
}

static void finish(fuse_req_t req, int r) {
        if (r < 0)
                fuse_reply_err(req, -r);
}

/* CALL() - let the node's kind handle the request, or answer with @error where it does not know such a thing. */
#define CALL(req, node, operation, error, ...)                                                                         \
        finish(req, operations_of(node)->operation                                                                     \
                            ? operations_of(node)->operation(axfs_from_request(req), req, __VA_ARGS__)                 \
                            : -(error))

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = begin(req, parent);

        if (node)
                CALL(req, node, lookup, ENOENT, node, name);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count) {
        node_table_forget(&axfs_from_request(req)->nodes, ino, count);
        fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets) {
        for (size_t i = 0; i < count; i++)
                node_table_forget(&axfs_from_request(req)->nodes, forgets[i].ino, forgets[i].nlookup);
        fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, getattr, EIO, node, fi);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, setattr, EPERM, node, attr, to_set, fi);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, readlink, EINVAL, node);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device) {
        _cleanup_(node_unrefp) struct node *node = begin(req, parent);

        if (node)
                CALL(req, node, mknod, EROFS, node, name, mode, device);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode) {
        _cleanup_(node_unrefp) struct node *node = begin(req, parent);

        if (node)
                CALL(req, node, mkdir, EROFS, node, name, mode);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = begin(req, parent);

        if (node)
                CALL(req, node, symlink, EROFS, target, node, name);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = begin(req, parent);

        if (node)
                CALL(req, node, unlink, EROFS, node, name);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = begin(req, parent);

        if (node)
                CALL(req, node, rmdir, EROFS, node, name);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
                      unsigned flags) {
        _cleanup_(node_unrefp) struct node *from = begin(req, parent), *to = NULL;

        if (!from)
                return;
        to = begin(req, new_parent);
        if (to)
                CALL(req, from, rename, from->kind == to->kind ? EROFS : EXDEV, from, name, to, new_name, flags);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino), *parent = NULL;

        if (!node)
                return;
        parent = begin(req, new_parent);
        if (parent)
                CALL(req, node, link, node->kind == parent->kind ? EROFS : EXDEV, node, parent, new_name);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, open, EIO, node, fi);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, parent);

        if (node)
                CALL(req, node, create, EROFS, node, name, mode, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, read, EIO, node, size, offset, fi);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, write, EIO, node, data, size, offset, fi);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, flush, 0, node, fi);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, release, EIO, node, fi);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, fsync, EINVAL, node, datasync, fi);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, opendir, EIO, node, fi);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, readdir, EIO, node, size, offset, fi);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, releasedir, EIO, node, fi);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, fsyncdir, EINVAL, node, datasync, fi);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, statfs, EIO, node);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, setxattr, EOPNOTSUPP, node, name, value, size, flags);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, getxattr, ENODATA, node, name, size); /* see store_getxattr() */
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, listxattr, EOPNOTSUPP, node, size);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, removexattr, EOPNOTSUPP, node, name);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                         struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, fallocate, EOPNOTSUPP, node, mode, offset, length, fi);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = begin(req, ino);

        if (node)
                CALL(req, node, lseek, EINVAL, node, offset, whence, fi);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t ino, off_t from_offset, struct fuse_file_info *from_fi,
                               fuse_ino_t to_ino, off_t to_offset, struct fuse_file_info *to_fi, size_t size,
                               int flags) {
        _cleanup_(node_unrefp) struct node *from = begin(req, ino), *to = NULL;

        if (!from)
                return;
        to = begin(req, to_ino);
        if (to)
                CALL(req, from, copy_file_range, EXDEV, from, from_offset, from_fi, to, to_offset, to_fi, size, flags);
}

/*
 * HANDLE_KILLPRIV would make libfuse promise what only its successor lets us keep (session.c negotiates that). ACLs need the
 * kernel to leave the umask to the host, which knows the directory's default ACL.
 */
static void op_init(void *userdata, struct fuse_conn_info *conn) {
        struct axfs *fs = userdata;

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
        .copy_file_range = op_copy_file_range,
};
