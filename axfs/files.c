/*
 * files.c - store operations on open files
 *
 * Every open file has its own descriptor of the host's file with the caller's flags, so O_APPEND appends and O_SYNC syncs where the
 * file is. Reads and writes come here only where the kernel does not do them by itself (passthrough.h).
 */
#include "open_file.h"

#include "identity.h"
#include "names.h"
#include "store.h"
#include "store_ops.h"
#include "util.h"
#include "wire.h"

#include <string.h>
#include <utlist.h>

static struct open_file *file_from_info(const struct fuse_file_info *fi) {
        return (struct open_file *) (uintptr_t) fi->fh;
}

/*
 * Flags that are the kernel's business, or were dealt with at creation. O_DIRECT: the kernel's side of it holds anyway, and libfuse's
 * buffers are not aligned as the host would want them.
 */
static int host_flags(int flags) {
        return (flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_NOFOLLOW | O_DIRECT)) | O_NONBLOCK | O_CLOEXEC;
}

static void open_file_end(struct axfs *fs, struct opened *opened);

static int open_file_new(struct open_file **ret, struct axfs *fs, struct node *node, int fd, int flags) {
        struct open_file *file = malloc(sizeof(*file));

        if (!file)
                return -ENOMEM;
        *file = (struct open_file){
                .fd = fd,
                .node = node_ref(node),
                .flushes = (flags & O_ACCMODE) != O_RDONLY && !node->store->local,
        };
        pthread_mutex_lock(&node->lock);
        DL_APPEND(node->opens, file);
        pthread_mutex_unlock(&node->lock);
        opened_add(fs, &file->opened, open_file_end);
        *ret = file;
        return 0;
}

/* What the node can be reopened by once the file is closed: should the host give no handle, the cache keeps a descriptor. */
static void keep_reachable(struct axfs *fs, struct node *node, const struct open_file *file) {
        int fd;

        if (node->fd >= 0 || node_learn_handle(node, file->fd) == 0)
                return;
        fd = descriptors_reopen(&fs->descriptors, file->fd, O_PATH);
        if (fd < 0)
                return;
        node->fd = fd;
        node->permanent = true;
}

static void open_file_end(struct axfs *fs, struct opened *opened) {
        struct open_file *file = (struct open_file *) opened;
        struct node *node = file->node;

        pthread_mutex_lock(&node->lock);
        if (file == node->opens && !file->next) {
                keep_reachable(fs, node, file);
                passthrough_close(&fs->passthrough, node);
        }
        DL_DELETE(node->opens, file);
        pthread_mutex_unlock(&node->lock);
        close(file->fd);
        free(file);
        node_unref(node);
}

/* How the file does its I/O. */
static int32_t open_file_backing(struct axfs *fs, struct open_file *file, mode_t mode) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&file->node->lock);

        return passthrough_open(&fs->passthrough, file->node, file->fd, mode);
}

static struct wire_open_out passthrough_answer(const struct open_file *file, int32_t backing_id) {
        return (struct wire_open_out){
                .fh = (uintptr_t) file,
                .open_flags = WIRE_FOPEN_PASSTHROUGH | (file->flushes ? 0 : WIRE_FOPEN_NOFLUSH),
                .backing_id = backing_id,
        };
}

static int reply_opened(fuse_req_t req, const struct open_file *file, int32_t backing_id, struct fuse_file_info *fi) {
        struct wire_open_out out = passthrough_answer(file, backing_id);

        if (backing_id > 0)
                return fuse_reply_buf(req, (const char *) &out, sizeof(out));
        fi->fh = (uintptr_t) file;
        fi->noflush = !file->flushes;
        return fuse_reply_open(req, fi);
}

int store_open(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        _cleanup_close_ int fd = -1;
        struct open_file *file;
        struct stat st;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if ((fi->flags & O_TRUNC) && request_kills_setid()) {
                r = clear_setid(fs, pin.fd);
                if (r < 0)
                        return r;
        }
        fd = descriptors_reopen(&fs->descriptors, pin.fd, host_flags(fi->flags));
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return negative_errno();
        r = open_file_new(&file, fs, node, fd, fi->flags);
        if (r < 0)
                return r;
        fd = -1;
        if (reply_opened(req, file, open_file_backing(fs, file, st.st_mode), fi) < 0)
                opened_close(fs, &file->opened);
        return 0;
}

static struct fuse_entry_out entry_out(const struct node *node, const struct stat *st) {
        return (struct fuse_entry_out) {
                .nodeid = node->id,
                .generation = node->generation,
                .attr = {
                        .ino = store_ino(node->store, st->st_ino),
                        .size = (uint64_t) st->st_size,
                        .blocks = (uint64_t) st->st_blocks,
                        .atime = (uint64_t) st->st_atim.tv_sec,
                        .mtime = (uint64_t) st->st_mtim.tv_sec,
                        .ctime = (uint64_t) st->st_ctim.tv_sec,
                        .atimensec = (uint32_t) st->st_atim.tv_nsec,
                        .mtimensec = (uint32_t) st->st_mtim.tv_nsec,
                        .ctimensec = (uint32_t) st->st_ctim.tv_nsec,
                        .mode = st->st_mode,
                        .nlink = (uint32_t) st->st_nlink,
                        .uid = st->st_uid,
                        .gid = st->st_gid,
                        .rdev = (uint32_t) st->st_rdev,
                        .blksize = (uint32_t) st->st_blksize,
                },
        };
}

static int reply_created(fuse_req_t req, const struct open_file *file, int32_t backing_id, const struct stat *st,
                         struct fuse_file_info *fi) {
        struct fuse_entry_param entry = { .ino = file->node->id, .generation = file->node->generation, .attr = *st };
        struct {
                struct fuse_entry_out entry;
                struct wire_open_out open;
        } out = { entry_out(file->node, st), passthrough_answer(file, backing_id) };

        if (backing_id > 0)
                return fuse_reply_buf(req, (const char *) &out, sizeof(out));
        entry.attr.st_ino = store_ino(file->node->store, st->st_ino);
        fi->fh = (uintptr_t) file;
        fi->noflush = !file->flushes;
        return fuse_reply_create(req, &entry, fi);
}

/*
 * A file that the kernel did not see may be there already, and whether the caller may open that was not checked. So creation is always exclusive; where the
 * caller did not ask for that, ESTALE makes the kernel look again and come back with OPEN.
 */
static int create_on_host(const struct pin *parent, const char *name, mode_t mode, int flags) {
        int fd, r;

        if (strcmp(name, "/") == 0)
                fd = openat(parent->fd, ".", (host_flags(flags) & ~O_TRUNC) | (flags & O_EXCL) | O_TMPFILE, mode);
        else
                fd = openat(parent->fd, name, host_flags(flags) | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        if (fd >= 0)
                return fd;
        r = negative_errno();
        return r == -EEXIST && !(flags & O_EXCL) ? -ESTALE : r;
}

/* The name "/" comes from session.c and stands for a file without a name (O_TMPFILE). */
int store_create(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode,
                 struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        _cleanup_close_ int fd = -1;
        struct open_file *file;
        struct stat st;
        int r;

        r = store_prepare_creation(fs, req, parent, name, &pin);
        if (r < 0)
                return r;
        fd = create_on_host(&pin, name, mode, fi->flags);
        if (fd < 0)
                return fd;
        r = store_adopt(fs, &pin, name, fd, &node, &st);
        if (r < 0)
                return r;
        r = open_file_new(&file, fs, node, fd, fi->flags);
        if (r < 0) {
                node_table_forget(&fs->nodes, node->id, 1);
                return r;
        }
        fd = -1;
        if (reply_created(req, file, open_file_backing(fs, file, st.st_mode), &st, fi) < 0) {
                opened_close(fs, &file->opened);
                node_table_forget(&fs->nodes, node->id, 1);
        }
        return 0;
}

int store_read(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
               struct fuse_file_info *fi) {
        _cleanup_free_ char *buffer = malloc(size);
        ssize_t n;

        (void) node;
        if (!buffer)
                return -ENOMEM;
        n = pread(file_from_info(fi)->fd, buffer, size, offset);
        if (n < 0)
                return negative_errno();
        counter_add(&fs->counters.bytes_read, (uint64_t) n);
        fuse_reply_buf(req, buffer, (size_t) n);
        return 0;
}

int store_write(struct axfs *fs, fuse_req_t req, struct node *node, const char *data, size_t size, off_t offset,
                struct fuse_file_info *fi) {
        int fd = file_from_info(fi)->fd, r;
        size_t written = 0;

        (void) node;
        if (request_kills_setid()) {
                r = clear_setid(fs, fd);
                if (r < 0)
                        return r;
        }
        while (written < size) {
                ssize_t n = pwrite(fd, data + written, size - written, offset + (off_t) written);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && written == 0)
                        return negative_errno();
                if (n <= 0)
                        break;
                written += (size_t) n;
        }
        counter_add(&fs->counters.bytes_written, written);
        fuse_reply_write(req, written);
        return 0;
}

/* Only where close() may tell something that write() did not: on network filesystems. */
int store_flush(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        struct open_file *file = file_from_info(fi);

        (void) fs;
        (void) node;
        if (file->flushes) {
                int copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 3);

                if (copy < 0 || close(copy) < 0)
                        return negative_errno();
        }
        fuse_reply_err(req, 0);
        return 0;
}

int store_release(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        (void) node;
        opened_close(fs, &file_from_info(fi)->opened);
        fuse_reply_err(req, 0);
        return 0;
}

int store_fsync(struct axfs *fs, fuse_req_t req, struct node *node, int datasync, struct fuse_file_info *fi) {
        int fd = file_from_info(fi)->fd;

        (void) fs;
        (void) node;
        if ((datasync ? fdatasync(fd) : fsync(fd)) < 0)
                return negative_errno();
        fuse_reply_err(req, 0);
        return 0;
}

/* These requests carry no word about set-id bits; an ordinary user's change takes them away, as on the host. */
static int changed_by_caller(struct axfs *fs, fuse_req_t req, int fd) {
        return fuse_req_ctx(req)->uid == 0 ? 0 : clear_setid(fs, fd);
}

int store_fallocate(struct axfs *fs, fuse_req_t req, struct node *node, int mode, off_t offset, off_t length,
                    struct fuse_file_info *fi) {
        int fd = file_from_info(fi)->fd, r;

        (void) node;
        r = changed_by_caller(fs, req, fd);
        if (r < 0)
                return r;
        if (fallocate(fd, mode, offset, length) < 0)
                return negative_errno();
        fuse_reply_err(req, 0);
        return 0;
}

int store_lseek(struct axfs *fs, fuse_req_t req, struct node *node, off_t offset, int whence,
                struct fuse_file_info *fi) {
        off_t position = lseek(file_from_info(fi)->fd, offset, whence);

        (void) fs;
        (void) node;
        if (position < 0)
                return negative_errno();
        fuse_reply_lseek(req, position);
        return 0;
}

int store_copy_file_range(struct axfs *fs, fuse_req_t req, struct node *from, off_t from_offset,
                          struct fuse_file_info *from_fi, struct node *to, off_t to_offset,
                          struct fuse_file_info *to_fi, size_t size, int flags) {
        int fd = file_from_info(to_fi)->fd, r;
        ssize_t n;

        if (from->kind != to->kind)
                return -EXDEV;
        r = changed_by_caller(fs, req, fd);
        if (r < 0)
                return r;
        n = copy_file_range(file_from_info(from_fi)->fd, &from_offset, fd, &to_offset, size, (unsigned) flags);
        if (n < 0)
                return negative_errno();
        fuse_reply_write(req, (size_t) n);
        return 0;
}
