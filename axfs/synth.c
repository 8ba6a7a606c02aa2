/*
 * synth.c - /dev and /proc: files that only the daemon can answer for
 *
 * A node is a path in the daemon's namespace, and each operation a call of the library, done by the pool. Devices are
 * shown as regular files, because the mount is nodev; all are opened in direct-I/O mode, as their sizes say nothing. An open
 * file belongs to the connection that it was opened on and answers EIO when that is lost.
 *
 * The daemon sees axfs, an administrator; who may do what is checked by the kernel from the modes and owners that the daemon tells.
 */
#include "axfs.h"
#include "names.h"
#include "util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define LOOKUP_TRIES 16

struct synth_file {
        struct opened opened;
        struct connection *connection;
        int fd;
        atomic_bool stream; /* it has no offsets */
        atomic_bool nonblock;
};

struct synth_dir {
        struct opened opened;
        pthread_mutex_t lock;
        char **names;
        int count;
};

uint64_t synth_ino(const char *path) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *path; path++)
                hash = (hash ^ (unsigned char) *path) * UINT64_C(0x100000001b3);
        return hash | UINT64_C(0xff) << 56;
}

int synth_find(struct axfs *fs, const char *path, mode_t type, struct node **ret) {
        for (unsigned i = 0; i < LOOKUP_TRIES; i++) {
                _cleanup_(node_unrefp) struct node *node = node_from_path(&fs->nodes, path);
                int r;

                if (node && node->type == (type & S_IFMT) && node_table_count(&fs->nodes, node)) {
                        *ret = node_ref(node);
                        return 0;
                }
                if (node) {
                        node_table_detach(&fs->nodes, node);
                        continue;
                }
                r = node_new_synth(&node, path, type);
                if (r < 0)
                        return r;
                r = node_table_add(&fs->nodes, node);
                if (r == 0)
                        *ret = node_ref(node);
                if (r != -EEXIST)
                        return r;
        }
        return -ESTALE;
}

/* Whether the daemon has gone; what else a call may have meant by ESRCH is for its user. */
static int synth_error(struct axfs *fs, struct connection *connection, ssize_t error) {
        if (error == -AX_ESRCH && link_connection_is_lost(&fs->link, connection))
                return -EIO;
        return -ax_errno((int) error);
}

static void stat_from_daemon(const struct ax_stat *from, const char *path, struct stat *ret) {
        mode_t type = from->mode & S_IFMT;

        if (type != S_IFDIR && type != S_IFLNK)
                type = S_IFREG;
        *ret = (struct stat){
                .st_ino = synth_ino(path),
                .st_mode = type | (from->mode & 07777),
                .st_nlink = from->nlink ? from->nlink : 1,
                .st_uid = from->uid,
                .st_gid = from->gid,
                .st_size = (off_t) from->size,
                .st_blocks = (blkcnt_t) from->blocks,
                .st_blksize = 4096,
                .st_atim = from->atime,
                .st_mtim = from->mtime,
                .st_ctim = from->ctime,
        };
}

static int synth_stat(struct axfs *fs, const char *path, struct stat *ret) {
        _cleanup_(connection_unrefp) struct connection *connection = link_connection(&fs->link);
        struct ax_stat st;
        int r;

        if (!connection)
                return -EIO;
        r = ax_lstat(connection->ax, path, &st);
        if (r < 0)
                return synth_error(fs, connection, r);
        stat_from_daemon(&st, path, ret);
        return 0;
}

static int run_lookup(struct job *job) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct stat st;
        int r;

        r = synth_stat(job->fs, job->text, &st);
        if (r < 0)
                return r;
        r = synth_find(job->fs, job->text, st.st_mode, &node);
        if (r < 0)
                return r;
        job_detach(job);
        reply_entry(job->fs, job->req, node, &st);
        return 0;
}

static int synth_lookup(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name) {
        struct job *job;

        if (strlen(parent->path) + strlen(name) + 1 >= PATH_MAX)
                return -ENAMETOOLONG;
        job = job_new(fs, req, parent, run_lookup);
        if (job && asprintf(&job->text, "%s/%s", parent->path, name) < 0) {
                job->text = NULL;
                job_free(job);
                return -ENOMEM;
        }
        return pool_submit(&fs->pool, job);
}

static int run_getattr(struct job *job) {
        struct stat st;
        int r = synth_stat(job->fs, job->node->path, &st);

        if (r < 0)
                return r;
        job_detach(job);
        fuse_reply_attr(job->req, &st, 0);
        return 0;
}

/* The directories on which the daemon is mounted are known without it, so listing the root needs no daemon. */
static int synth_getattr(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        struct store *store = NULL;
        struct stat st;

        (void) fi;
        if (strchr(node->path + 1, '/') || !namespace_find(&fs->namespace, node->path + 1, &store, &st))
                return pool_submit(&fs->pool, job_new(fs, req, node, run_getattr));
        if (store) {
                store_unref(store);
                return -ESTALE;
        }
        st.st_ino = synth_ino(node->path);
        fuse_reply_attr(req, &st, 0);
        return 0;
}

/* What a shell's ">" and touch(1) do to a device has no effect, as on any Unix; modes and owners are the daemon's. */
static int synth_setattr(struct axfs *fs, fuse_req_t req, struct node *node, struct stat *attr, int to_set,
                         struct fuse_file_info *fi) {
        (void) attr;
        if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
                return -EPERM;
        return synth_getattr(fs, req, node, fi);
}

static int run_readlink(struct job *job) {
        _cleanup_(connection_unrefp) struct connection *connection = link_connection(&job->fs->link);
        char target[PATH_MAX];
        int length;

        if (!connection)
                return -EIO;
        length = ax_readlink(connection->ax, job->node->path, target, sizeof(target) - 1);
        if (length < 0)
                return synth_error(job->fs, connection, length);
        target[length] = '\0';
        job_detach(job);
        fuse_reply_readlink(job->req, target);
        return 0;
}

static int synth_readlink(struct axfs *fs, fuse_req_t req, struct node *node) {
        return pool_submit(&fs->pool, job_new(fs, req, node, run_readlink));
}

static unsigned open_flags(int flags) {
        unsigned wanted = 0;

        if ((flags & O_ACCMODE) != O_WRONLY)
                wanted |= AX_O_READ;
        if ((flags & O_ACCMODE) != O_RDONLY)
                wanted |= AX_O_WRITE;
        if (flags & O_APPEND)
                wanted |= AX_O_APPEND;
        if (flags & O_NONBLOCK)
                wanted |= AX_O_NONBLOCK;
        return wanted;
}

/* At axfs' end the daemon closes what its connection has open; else somebody has closed the file here. */
static void synth_file_end(struct axfs *fs, struct opened *opened) {
        struct synth_file *file = (struct synth_file *) opened;

        (void) fs;
        connection_unref(file->connection);
        free(file);
}

static void synth_file_close(struct axfs *fs, struct synth_file *file) {
        (void) ax_close(file->connection->ax, file->fd);
        opened_close(fs, &file->opened);
}

static int run_open(struct job *job) {
        _cleanup_(connection_unrefp) struct connection *connection = link_connection(&job->fs->link);
        struct synth_file *file;
        int fd;

        if (!connection)
                return -EIO;
        file = malloc(sizeof(*file));
        if (!file)
                return -ENOMEM;
        fd = ax_open(connection->ax, job->node->path, open_flags(job->fi.flags));
        if (fd < 0) {
                free(file);
                return synth_error(job->fs, connection, fd);
        }
        *file = (struct synth_file){ .connection = connection, .fd = fd, .nonblock = job->fi.flags & O_NONBLOCK };
        connection = NULL;
        opened_add(job->fs, &file->opened, synth_file_end);
        job->fi.fh = (uintptr_t) file;
        job->fi.direct_io = 1;
        job->fi.noflush = 1;
        job_detach(job);
        if (fuse_reply_open(job->req, &job->fi) < 0)
                synth_file_close(job->fs, file);
        return 0;
}

static int synth_open(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        struct job *job = job_new(fs, req, node, run_open);

        if (job)
                job->fi = *fi;
        return pool_submit(&fs->pool, job);
}

static struct synth_file *file_from_job(const struct job *job) {
        return (struct synth_file *) (uintptr_t) job->fi.fh;
}

/* The kernel tells the file's current flags with every read and write, and fcntl(2) may have changed them. */
static void follow_nonblock(struct synth_file *file, int flags) {
        bool wanted = flags & O_NONBLOCK;

        if (atomic_load(&file->nonblock) != wanted && ax_set_nonblock(file->connection->ax, file->fd, wanted) == 0)
                atomic_store(&file->nonblock, wanted);
}

static ssize_t read_at(struct synth_file *file, char *buffer, size_t size, off_t offset) {
        if (!atomic_load(&file->stream)) {
                ssize_t n = ax_pread(file->connection->ax, file->fd, buffer, size, offset);

                if (n != -AX_ESPIPE)
                        return n;
                atomic_store(&file->stream, true);
        }
        return ax_read(file->connection->ax, file->fd, buffer, size);
}

static int run_read(struct job *job) {
        struct synth_file *file = file_from_job(job);
        _cleanup_free_ char *buffer = malloc(job->size);
        ssize_t n;

        if (!buffer)
                return -ENOMEM;
        follow_nonblock(file, job->fi.flags);
        n = read_at(file, buffer, job->size, job->offset);
        if (n < 0)
                return synth_error(job->fs, file->connection, n);
        counter_add(&job->fs->counters.bytes_read, (uint64_t) n);
        job_detach(job);
        fuse_reply_buf(job->req, buffer, (size_t) n);
        return 0;
}

static int synth_read(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
                      struct fuse_file_info *fi) {
        struct job *job = job_new(fs, req, node, run_read);

        if (job) {
                job->fi = *fi;
                job->size = size;
                job->offset = offset;
                job->may_wait = true;
        }
        return pool_submit(&fs->pool, job);
}

static ssize_t write_at(struct synth_file *file, const char *data, size_t size, off_t offset) {
        if (!atomic_load(&file->stream)) {
                ssize_t n = ax_pwrite(file->connection->ax, file->fd, data, size, offset);

                if (n != -AX_ESPIPE)
                        return n;
                atomic_store(&file->stream, true);
        }
        return ax_write(file->connection->ax, file->fd, data, size);
}

static int run_write(struct job *job) {
        struct synth_file *file = file_from_job(job);
        ssize_t n;

        follow_nonblock(file, job->fi.flags);
        n = write_at(file, job->text, job->size, job->offset);
        if (n < 0)
                return synth_error(job->fs, file->connection, n);
        counter_add(&job->fs->counters.bytes_written, (uint64_t) n);
        job_detach(job);
        fuse_reply_write(job->req, (size_t) n);
        return 0;
}

static int synth_write(struct axfs *fs, fuse_req_t req, struct node *node, const char *data, size_t size, off_t offset,
                       struct fuse_file_info *fi) {
        struct job *job = job_new(fs, req, node, run_write);

        if (!job)
                return -ENOMEM;
        job->fi = *fi;
        job->size = size;
        job->offset = offset;
        job->may_wait = true;
        job->text = malloc(size);
        if (!job->text) {
                job_free(job);
                return -ENOMEM;
        }
        memcpy(job->text, data, size);
        return pool_submit(&fs->pool, job);
}

/* The kernel does not wait for the answer to this. */
static int run_release(struct job *job) {
        synth_file_close(job->fs, file_from_job(job));
        job_answer_error(job, 0);
        return 0;
}

static int synth_release(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        struct job *job = job_new(fs, req, node, run_release);

        if (job) {
                job->fi = *fi;
                job->must = true;
        }
        return pool_submit(&fs->pool, job);
}

static int synth_flush(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        (void) fs;
        (void) node;
        (void) fi;
        fuse_reply_err(req, 0);
        return 0;
}

static void synth_dir_end(struct axfs *fs, struct opened *opened) {
        struct synth_dir *dir = (struct synth_dir *) opened;

        (void) fs;
        ax_names_free(dir->names);
        pthread_mutex_destroy(&dir->lock);
        free(dir);
}

static int synth_opendir(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        struct synth_dir *dir = calloc(1, sizeof(*dir));

        (void) node;
        if (!dir)
                return -ENOMEM;
        pthread_mutex_init(&dir->lock, NULL);
        opened_add(fs, &dir->opened, synth_dir_end);
        fi->fh = (uintptr_t) dir;
        if (fuse_reply_open(req, fi) < 0)
                opened_close(fs, &dir->opened);
        return 0;
}

/* A directory is read when it is read from its start, and told from that copy. */
static int read_names(struct axfs *fs, const struct node *node, struct synth_dir *dir) {
        _cleanup_(connection_unrefp) struct connection *connection = link_connection(&fs->link);
        char **names;
        int count;

        if (!connection)
                return -EIO;
        count = ax_readdir(connection->ax, node->path, &names);
        if (count < 0)
                return synth_error(fs, connection, count);
        ax_names_free(dir->names);
        dir->names = names;
        dir->count = count;
        return 0;
}

/* Positions: 1 after ".", 2 after "..", then one for each name. */
static size_t add_entry(struct job *job, const struct synth_dir *dir, off_t position, char *out, size_t size) {
        const char *name = position == 0 ? "." : position == 1 ? ".." : dir->names[position - 2];
        _cleanup_free_ char *path = NULL;
        struct stat st = { .st_mode = position < 2 ? S_IFDIR : 0 };

        if (position < 2)
                st.st_ino = synth_ino(job->node->path);
        else if (asprintf(&path, "%s/%s", job->node->path, name) >= 0)
                st.st_ino = synth_ino(path);
        return fuse_add_direntry(job->req, out, size, name, &st, position + 1);
}

static int run_readdir(struct job *job) {
        struct synth_dir *dir = (struct synth_dir *) (uintptr_t) job->fi.fh;
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&dir->lock);
        _cleanup_free_ char *out = malloc(job->size);
        size_t used = 0;
        int r;

        if (!out)
                return -ENOMEM;
        if (job->offset == 0) {
                r = read_names(job->fs, job->node, dir);
                if (r < 0)
                        return r;
        }
        for (off_t position = job->offset; position >= 0 && position < dir->count + 2; position++) {
                size_t need = add_entry(job, dir, position, out + used, job->size - used);

                if (need > job->size - used)
                        break;
                used += need;
        }
        job_detach(job);
        fuse_reply_buf(job->req, out, used);
        return 0;
}

static int synth_readdir(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
                         struct fuse_file_info *fi) {
        struct job *job = job_new(fs, req, node, run_readdir);

        if (job) {
                job->fi = *fi;
                job->size = size;
                job->offset = offset;
        }
        return pool_submit(&fs->pool, job);
}

static int synth_releasedir(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
        (void) node;
        opened_close(fs, &((struct synth_dir *) (uintptr_t) fi->fh)->opened);
        fuse_reply_err(req, 0);
        return 0;
}

static int synth_statfs(struct axfs *fs, fuse_req_t req, struct node *node) {
        struct statvfs statistics = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX };

        (void) fs;
        (void) node;
        fuse_reply_statfs(req, &statistics);
        return 0;
}

const struct node_operations synth_operations = {
        .lookup = synth_lookup,
        .getattr = synth_getattr,
        .setattr = synth_setattr,
        .readlink = synth_readlink,
        .open = synth_open,
        .read = synth_read,
        .write = synth_write,
        .flush = synth_flush,
        .release = synth_release,
        .opendir = synth_opendir,
        .readdir = synth_readdir,
        .releasedir = synth_releasedir,
        .statfs = synth_statfs,
};
