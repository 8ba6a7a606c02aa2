/* SPDX-License-Identifier: MIT */
/*
 * synth_files.c - operations of /dev and /proc on open files
 *
 * All files are opened in direct-I/O mode, as their sizes say nothing. An open file belongs to the
 * connection that it was opened on, and answers EIO when that is lost.
 */
#include "synth_ops.h"
#include "util.h"

#include <poll.h>
#include <string.h>

static const char console_path[] = "/dev/console"; /* the only file that makes its readers wait */

struct synth_file {
        struct opened opened;
        struct connection *connection;
        int fd;
        struct watched watched;
        atomic_bool stream; /* it has no offsets */
        atomic_bool nonblock;
};

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

/*
 * At the end of axfs the daemon closes what the connection has open, and nobody must wait for it.
 */
static void synth_file_end(struct axfs *fs, struct opened *opened) {
        struct synth_file *file = (struct synth_file *) opened;

        watch_remove(&fs->watch, &file->watched);
        if (file->fd >= 0 && !fs->opened.ending)
                (void) ax_close(file->connection->ax, file->fd);
        connection_unref(file->connection);
        free(file);
}

static int synth_file_new(struct synth_file **ret, const struct request *request) {
        struct synth_file *file = calloc(1, sizeof(*file));
        int r;

        if (!file)
                return -ENOMEM;
        file->fd = -1;
        r = opened_add(&request->fs->opened, &file->opened, OPENED_AT_DAEMON, request->caller.uid, synth_file_end);
        if (r < 0) {
                free(file);
                return r;
        }
        *ret = file;
        return 0;
}

/*
 * The kernel has checked the mode of the file that had the path then. A process's directory may
 * have become a different user's since, so the owner of the opened file is checked again. The
 * kernel judges the bits of groups.
 */
static int may_open(const struct request *request, const struct ax_stat *st, int flags) {
        unsigned wanted = ((flags & O_ACCMODE) != O_WRONLY ? 4 : 0) | ((flags & O_ACCMODE) != O_RDONLY ? 2 : 0);
        unsigned allowed = request->caller.uid == st->uid ? st->mode >> 6 : st->mode | st->mode >> 3;

        return request->caller.uid == 0 || (allowed & wanted) == wanted ? 0 : -EACCES;
}

static int open_at_daemon(struct job *job, struct synth_file *file) {
        struct connection *connection = file->connection;
        struct ax_stat st;
        int r;

        file->fd = ax_open(connection->ax, job->request.node->path, open_flags(job->fi.flags));
        if (file->fd < 0)
                return synth_error(job->request.fs, connection, file->fd);
        r = ax_fstat(connection->ax, file->fd, &st);
        return r < 0 ? synth_error(job->request.fs, connection, r) : may_open(&job->request, &st, job->fi.flags);
}

static int run_open(struct job *job) {
        struct synth_file *file;
        int r;

        r = synth_file_new(&file, &job->request);
        if (r < 0)
                return r;
        file->nonblock = job->fi.flags & O_NONBLOCK;
        file->connection = link_connection(&job->request.fs->link);
        r = file->connection ? open_at_daemon(job, file) : -EIO;
        file->watched = (struct watched){ .connection = file->connection, .fd = file->fd };
        if (r < 0) {
                opened_close(&file->opened);
                return r;
        }
        job->fi.direct_io = 1;
        job->fi.noflush = 1;
        return answer_opened(&job->request, &file->opened, &job->fi, 0);
}

int synth_open(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        struct job *job = job_new(request, run_open);

        (void) node;
        if (job)
                job->fi = *fi;
        return pool_submit(&fs->pool, job);
}

static struct synth_file *file_from_job(const struct job *job) {
        return (struct synth_file *) (uintptr_t) job->fi.fh;
}

/*
 * The kernel tells the file's current flags with every read and write, and fcntl(2) may have
 * changed them.
 */
static void follow_nonblock(struct synth_file *file, int flags) {
        bool wanted = flags & O_NONBLOCK;

        if (atomic_load(&file->nonblock) != wanted && ax_set_nonblock(file->connection->ax, file->fd, wanted) == 0)
                atomic_store(&file->nonblock, wanted);
}

/* Only a stream waits. A file with offsets has its text, or makes its bytes. */
static ssize_t read_at(struct job *job, struct synth_file *file, char *buffer) {
        ssize_t n;

        if (!atomic_load(&file->stream)) {
                n = ax_pread(file->connection->ax, file->fd, buffer, job->size, job->offset);
                if (n != -AX_ESPIPE)
                        return n;
                atomic_store(&file->stream, true);
        }
        n = atomic_load(&file->nonblock) ? 0 : job_waits(job);
        return n < 0 ? -AX_EAGAIN : ax_read(file->connection->ax, file->fd, buffer, job->size);
}

static int run_read(struct job *job) {
        struct synth_file *file = file_from_job(job);
        _cleanup_free_ char *buffer = malloc(job->size);
        ssize_t n;

        if (!buffer)
                return -ENOMEM;
        follow_nonblock(file, job->fi.flags);
        n = read_at(job, file, buffer);
        if (n < 0)
                return synth_error(job->request.fs, file->connection, n);
        counter_add(&job->request.fs->counters.bytes_read, (uint64_t) n);
        answer_data(&job->request, buffer, (size_t) n);
        buffer = NULL;
        return 0;
}

int synth_read(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
               struct fuse_file_info *fi) {
        (void) node;
        return pool_submit_read(&fs->pool, request, run_read, size, offset, fi);
}

/* First leave the handle, then look. Input that comes in between is told, at worst twice. */
static int run_poll(struct job *job) {
        struct synth_file *file = file_from_job(job);
        unsigned events = POLLOUT | POLLWRNORM;
        int r;

        if (job->handle)
                watch_add(&job->request.fs->watch, &file->watched, job->handle);
        job->handle = NULL;
        r = watch_has_input(file->connection, file->fd);
        if (r < 0)
                events |= POLLERR;
        if (r != 0)
                events |= POLLIN | POLLRDNORM;
        return answer_events(&job->request, events);
}

int synth_poll(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi,
               struct fuse_pollhandle *handle) {
        struct job *job = strcmp(node->path, console_path) == 0 ? job_new(request, run_poll) : NULL;

        if (!job) {
                if (handle)
                        fuse_pollhandle_destroy(handle);
                return answer_events(request, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
        }
        job->fi = *fi;
        job->handle = handle;
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
                return synth_error(job->request.fs, file->connection, n);
        counter_add(&job->request.fs->counters.bytes_written, (uint64_t) n);
        return answer_count(&job->request, (size_t) n);
}

int synth_write(struct axfs *fs, struct request *request, struct node *node, const char *data, size_t size,
                off_t offset, struct fuse_file_info *fi) {
        struct job *job = job_new(request, run_write);

        (void) node;
        if (!job)
                return -ENOMEM;
        job->fi = *fi;
        job->size = size;
        job->offset = offset;
        job->text = malloc(size);
        if (!job->text) {
                job_free(job);
                return -ENOMEM;
        }
        memcpy(job->text, data, size);
        return pool_submit(&fs->pool, job);
}

/*
 * The kernel does not wait for the answer to this, and tells no caller. It takes the turn of the
 * user who opened the file.
 */
static int run_release(struct job *job) {
        opened_close(&file_from_job(job)->opened);
        return 0;
}

int synth_release(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        struct job *job = job_new(request, run_release);

        (void) node;
        if (job) {
                job->fi = *fi;
                job->must = true;
                job->uid = opened_uid(&file_from_job(job)->opened);
        }
        return pool_submit(&fs->pool, job);
}

int synth_flush(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        (void) request;
        (void) fs;
        (void) node;
        (void) fi;
        return 0;
}
