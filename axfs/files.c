/* SPDX-License-Identifier: MIT */
/*
 * files.c - store operations on open files
 *
 * Every open file has its own descriptor of the host's file with the caller's flags, so O_APPEND
 * appends and O_SYNC syncs on the host. Reads and writes come here only if the kernel does not do
 * them by itself (passthrough.h).
 */
#include "open_file.h"

#include "identity.h"
#include "names.h"
#include "store.h"
#include "store_ops.h"
#include "util.h"

#include <string.h>
#include <utlist.h>

/* How often a name may appear and vanish again while a file of that name is created. */
enum { CREATE_TRIES = 64 };

static struct open_file *file_from_info(const struct fuse_file_info *fi) {
        return (struct open_file *) (uintptr_t) fi->fh;
}

/*
 * Leaves out flags that are the kernel's business, or were dealt with at creation. O_DIRECT: the
 * kernel does its part of it in any case, and libfuse's buffers are not aligned as the host needs
 * it.
 */
static int host_flags(int flags) {
        return (flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_NOFOLLOW | O_DIRECT)) | O_NONBLOCK | O_CLOEXEC;
}

/*
 * See to it that the node can be reopened once the file is closed. If the host gives no handle, the
 * cache keeps a descriptor.
 */
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

        if (node) {
                pthread_mutex_lock(&node->lock);
                if (file == node->opens && !file->next) {
                        keep_reachable(fs, node, file);
                        passthrough_close(&fs->passthrough, node);
                }
                DL_DELETE(node->opens, file);
                node->open_fd = node->opens ? node->opens->fd : -1;
                pthread_mutex_unlock(&node->lock);
                close(file->fd);
        }
        free(file);
        node_unref(node);
}

/* Charged to the caller; closed if the operation comes to nothing. */
static int open_file_new(struct open_file **ret, struct axfs *fs, const struct request *request) {
        struct open_file *file = calloc(1, sizeof(*file));
        int r;

        if (!file)
                return -ENOMEM;
        file->fd = -1;
        r = opened_add(&fs->opened, &file->opened, OPENED_HERE, request->caller.uid, open_file_end);
        if (r < 0) {
                free(file);
                return r;
        }
        *ret = file;
        return 0;
}

/* From here on the file is one of the node's. Returns its backing id, or 0 if it has none. */
static int32_t open_file_set(struct axfs *fs, struct open_file *file, struct node *node, int fd, int flags,
                             mode_t mode) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node->lock);

        file->fd = fd;
        file->node = node_ref(node);
        file->appends = flags & O_APPEND;
        file->flushes = (flags & O_ACCMODE) != O_RDONLY && !node->store->local;
        DL_APPEND(node->opens, file);
        node->open_fd = node->opens->fd;
        return passthrough_open(&fs->passthrough, node, fd, mode);
}

static int open_on_host(struct axfs *fs, const struct request *request, struct node *node, int flags,
                        struct stat *ret_st) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        _cleanup_close_ int fd = -1;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if (flags & O_TRUNC)
                identity_for_change(pin.fd, request->caller.pid, request->caller.uid, request->caller.gid);
        fd = descriptors_reopen(&fs->descriptors, pin.fd, host_flags(flags));
        if (fd < 0)
                return take_fd(&fd);
        return fstat(fd, ret_st) < 0 ? negative_errno() : take_fd(&fd);
}

/*
 * The kernel's cache splits what is written at page boundaries, and somebody else's record may come
 * between two parts. In direct-I/O mode a record comes in one piece (up to 1 MiB).
 */
static bool appends_whole(struct axfs *fs, int flags, int32_t backing_id) {
        return backing_id == 0 && (flags & O_APPEND) &&
               ((flags & O_ACCMODE) == O_WRONLY || ((flags & O_ACCMODE) == O_RDWR && atomic_load(&fs->maps_direct)));
}

int store_open(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        struct open_file *file;
        int32_t backing_id;
        struct stat st;
        int fd, r;

        r = open_file_new(&file, fs, request);
        if (r < 0)
                return r;
        fd = open_on_host(fs, request, node, fi->flags, &st);
        if (fd < 0) {
                opened_close(&file->opened);
                return fd;
        }
        backing_id = open_file_set(fs, file, node, fd, fi->flags, st.st_mode);
        fi->noflush = !file->flushes;
        fi->direct_io = appends_whole(fs, fi->flags, backing_id);
        return answer_opened(request, &file->opened, fi, backing_id);
}

/*
 * A file that the kernel did not see is there already, and nobody has checked whether the caller
 * may open it. So the host does, with no right that the caller lacks. Anything else (the file is a
 * symlink, say, or the caller privileged) is left to the kernel: ESTALE makes it look once more and
 * come back with OPEN. If it found nothing and then something again, it would pass ESTALE on to its
 * caller.
 */
static int open_created(const struct request *request, const struct pin *parent, const char *name, mode_t mode,
                        int flags) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return negative_errno() == -ENOENT ? -EAGAIN : -ESTALE;
        if (!S_ISREG(st.st_mode) ||
            identity_drop_rights(request->caller.pid, request->caller.uid, request->caller.gid) < 0)
                return -ESTALE;
        fd = openat(parent->fd, name, host_flags(flags) | O_CREAT | O_NOFOLLOW, mode);
        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? take_fd(&fd) : -ESTALE;
}

/* Creation is always exclusive first. */
static int create_on_host(const struct request *request, const struct pin *parent, const char *name, mode_t mode,
                          int flags) {
        int fd = -EAGAIN;

        if (strcmp(name, "/") == 0) {
                fd = openat(parent->fd, ".", (host_flags(flags) & ~O_TRUNC) | (flags & O_EXCL) | O_TMPFILE, mode);
                return fd < 0 ? negative_errno() : fd;
        }
        for (unsigned i = 0; i < CREATE_TRIES && fd == -EAGAIN; i++) {
                fd = openat(parent->fd, name, host_flags(flags) | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
                if (fd >= 0)
                        return fd;
                fd = negative_errno();
                if (fd == -EEXIST && !(flags & O_EXCL))
                        fd = open_created(request, parent, name, mode, flags);
        }
        return fd == -EAGAIN ? -ESTALE : fd;
}

static int create_and_adopt(struct axfs *fs, struct request *request, struct node *parent, const char *name,
                            mode_t mode, int flags, struct node **ret, struct stat *ret_st) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        _cleanup_close_ int fd = -1;
        int r;

        r = store_prepare_creation(fs, request, parent, name, mode, &pin);
        if (r < 0)
                return r;
        fd = create_on_host(request, &pin, name, mode, flags);
        if (fd < 0)
                return take_fd(&fd);
        r = store_adopt(fs, &pin, name, fd, ret, ret_st);
        return r < 0 ? r : take_fd(&fd);
}

/* The name "/" comes from session.c and stands for a file without a name (O_TMPFILE). */
int store_create(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                 struct fuse_file_info *fi) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct open_file *file;
        int32_t backing_id;
        struct stat st;
        int fd, r;

        r = open_file_new(&file, fs, request);
        if (r < 0)
                return r;
        fd = create_and_adopt(fs, request, parent, name, mode, fi->flags, &node, &st);
        if (fd < 0) {
                opened_close(&file->opened);
                return fd;
        }
        backing_id = open_file_set(fs, file, node, fd, fi->flags, st.st_mode);
        fi->noflush = !file->flushes;
        fi->direct_io = appends_whole(fs, fi->flags, backing_id);
        return answer_created(request, node, &st, &file->opened, fi, backing_id);
}

int store_read(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
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
        answer_data(request, buffer, (size_t) n);
        buffer = NULL;
        return 0;
}

/*
 * The kernel tells the file's current flags with every write, and fcntl(2) may have changed them.
 */
static int follow_append(struct open_file *file, int flags) {
        bool wanted = flags & O_APPEND;
        int r;

        if (atomic_load_explicit(&file->appends, memory_order_relaxed) == wanted)
                return 0;
        r = fcntl(file->fd, F_GETFL);
        if (r < 0 || fcntl(file->fd, F_SETFL, wanted ? r | O_APPEND : r & ~O_APPEND) < 0)
                return negative_errno();
        atomic_store(&file->appends, wanted);
        return 0;
}

int store_write(struct axfs *fs, struct request *request, struct node *node, const char *data, size_t size,
                off_t offset, struct fuse_file_info *fi) {
        int fd = file_from_info(fi)->fd, r = follow_append(file_from_info(fi), fi->flags);
        size_t written = 0;

        (void) node;
        if (r < 0)
                return r;
        identity_for_change(fd, request->caller.pid, request->caller.uid, request->caller.gid);
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
        return answer_count(request, written);
}

/* On network filesystems close() may tell an error that write() did not. */
int store_flush(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        struct open_file *file = file_from_info(fi);

        (void) request;
        (void) fs;
        (void) node;
        if (file->flushes) {
                int copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 3);

                if (copy < 0 || close(copy) < 0)
                        return negative_errno();
        }
        return 0;
}

int store_release(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        (void) fs;
        (void) request;
        (void) node;
        opened_close(&file_from_info(fi)->opened);
        return 0;
}

int store_fsync(struct axfs *fs, struct request *request, struct node *node, int datasync, struct fuse_file_info *fi) {
        int fd = file_from_info(fi)->fd;

        (void) request;
        (void) fs;
        (void) node;
        if ((datasync ? fdatasync(fd) : fsync(fd)) < 0)
                return negative_errno();
        return 0;
}

int store_fallocate(struct axfs *fs, struct request *request, struct node *node, int mode, off_t offset, off_t length,
                    struct fuse_file_info *fi) {
        (void) fs;
        (void) node;
        identity_for_change(file_from_info(fi)->fd, request->caller.pid, request->caller.uid, request->caller.gid);
        return fallocate(file_from_info(fi)->fd, mode, offset, length) < 0 ? negative_errno() : 0;
}

int store_lseek(struct axfs *fs, struct request *request, struct node *node, off_t offset, int whence,
                struct fuse_file_info *fi) {
        off_t position = lseek(file_from_info(fi)->fd, offset, whence);

        (void) fs;
        (void) node;
        if (position < 0)
                return negative_errno();
        return answer_position(request, position);
}

int store_copy_file_range(struct axfs *fs, struct request *request, struct node *from, off_t from_offset,
                          struct fuse_file_info *from_fi, struct node *to, off_t to_offset,
                          struct fuse_file_info *to_fi, size_t size, int flags) {
        ssize_t n;

        (void) fs;
        if (from->kind != to->kind)
                return -EXDEV;
        identity_for_change(file_from_info(to_fi)->fd, request->caller.pid, request->caller.uid, request->caller.gid);
        n = copy_file_range(file_from_info(from_fi)->fd, &from_offset, file_from_info(to_fi)->fd, &to_offset, size,
                            (unsigned) flags);
        return n < 0 ? negative_errno() : answer_count(request, (size_t) n);
}
