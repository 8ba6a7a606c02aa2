/*
 * directories.c - store operations on open directories
 *
 * Entries are passed on with the host's own positions, so seeking and directories that change while they are read behave as on
 * the host. Attributes are not sent along (READDIRPLUS): the kernel may not keep them, so that would only be work.
 */
#include "open_file.h"
#include "store.h"
#include "store_ops.h"
#include "util.h"

#include <dirent.h>

#define BUFFER_SIZE 32768

static struct open_dir *dir_from_info(const struct fuse_file_info *fi) {
        return (struct open_dir *) (uintptr_t) fi->fh;
}

static void open_dir_end(struct axfs *fs, struct opened *opened) {
        struct open_dir *dir = (struct open_dir *) opened;

        (void) fs;
        close(dir->fd);
        node_unref(dir->node);
        pthread_mutex_destroy(&dir->lock);
        free(dir->buffer);
        free(dir);
}

static int open_dir_new(struct open_dir **ret, struct axfs *fs, struct node *node, int path_fd) {
        _cleanup_close_ int fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *buffer = NULL;
        struct open_dir *dir;

        if (fd < 0)
                return negative_errno();
        buffer = malloc(BUFFER_SIZE);
        dir = malloc(sizeof(*dir));
        if (!buffer || !dir) {
                free(dir);
                return -ENOMEM;
        }
        *dir = (struct open_dir){ .fd = take_fd(&fd), .node = node_ref(node), .buffer = buffer };
        buffer = NULL;
        pthread_mutex_init(&dir->lock, NULL);
        opened_add(fs, &dir->opened, open_dir_end);
        *ret = dir;
        return 0;
}

int store_opendir(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct open_dir *dir;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        r = open_dir_new(&dir, fs, node, pin.fd);
        if (r < 0)
                return r;
        fi->fh = (uintptr_t) dir;
        if (fuse_reply_open(req, fi) < 0)
                opened_close(fs, &dir->opened);
        return 0;
}

/* The next entry of the host, or NULL at the end; *error says whether that is one. */
static struct dirent64 *next_entry(struct open_dir *dir, int *error) {
        if (dir->start == dir->end) {
                ssize_t n = getdents64(dir->fd, dir->buffer, BUFFER_SIZE);

                *error = n < 0 ? negative_errno() : 0;
                if (n <= 0)
                        return NULL;
                dir->start = 0;
                dir->end = (size_t) n;
        }
        return (struct dirent64 *) (void *) (dir->buffer + dir->start);
}

static int seek_to(struct open_dir *dir, off_t offset) {
        if (offset == dir->position)
                return 0;
        if (lseek(dir->fd, offset, SEEK_SET) < 0)
                return negative_errno();
        dir->position = offset;
        dir->start = dir->end = 0;
        return 0;
}

static ssize_t fill(fuse_req_t req, struct open_dir *dir, char *out, size_t size) {
        size_t used = 0;
        int error = 0;

        for (;;) {
                struct dirent64 *entry = next_entry(dir, &error);
                struct stat st;
                size_t need;

                if (!entry)
                        break;
                st = (struct stat){ .st_ino = store_ino(dir->node->store, entry->d_ino),
                                    .st_mode = DTTOIF((mode_t) entry->d_type) };
                need = fuse_add_direntry(req, out + used, size - used, entry->d_name, &st, entry->d_off);
                if (need > size - used)
                        break;
                used += need;
                dir->start += entry->d_reclen;
                dir->position = entry->d_off;
        }
        return used > 0 || error == 0 ? (ssize_t) used : error;
}

int store_readdir(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
                  struct fuse_file_info *fi) {
        struct open_dir *dir = dir_from_info(fi);
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&dir->lock);
        _cleanup_free_ char *out = malloc(size);
        ssize_t used;
        int r;

        (void) fs;
        (void) node;
        if (!out)
                return -ENOMEM;
        r = seek_to(dir, offset);
        if (r < 0)
                return r;
        used = fill(req, dir, out, size);
        if (used < 0)
                return (int) used;
        fuse_reply_buf(req, out, (size_t) used);
        return 0;
}

int store_releasedir(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        (void) node;
        opened_close(fs, &dir_from_info(fi)->opened);
        fuse_reply_err(req, 0);
        return 0;
}

int store_fsyncdir(struct axfs *fs, fuse_req_t req, struct node *node, int datasync, struct fuse_file_info *fi) {
        int fd = dir_from_info(fi)->fd;

        (void) fs;
        (void) node;
        if ((datasync ? fdatasync(fd) : fsync(fd)) < 0)
                return negative_errno();
        fuse_reply_err(req, 0);
        return 0;
}
