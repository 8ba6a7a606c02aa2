/* SPDX-License-Identifier: MIT */
/*
 * synth.c - operations of /dev and /proc on names and attributes
 *
 * Devices are shown as regular files, because the mount is nodev.
 */
#include "synth_nodes.h"
#include "synth_ops.h"
#include "util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

int synth_error(struct axfs *fs, struct connection *connection, ssize_t error) {
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

        r = synth_stat(job->request.fs, job->text, &st);
        if (r < 0)
                return r;
        r = synth_find(&job->request.fs->nodes, job->text, st.st_mode, &node);
        if (r < 0)
                return r;
        return answer_entry(&job->request, node, &st);
}

static int synth_lookup(struct axfs *fs, struct request *request, struct node *parent, const char *name) {
        struct job *job;

        if (strlen(parent->path) + strlen(name) + 1 >= PATH_MAX)
                return -ENAMETOOLONG;
        job = job_new(request, run_lookup);
        if (job && asprintf(&job->text, "%s/%s", parent->path, name) < 0) {
                job->text = NULL;
                job_free(job);
                return -ENOMEM;
        }
        return pool_submit(&fs->pool, job);
}

static int run_getattr(struct job *job) {
        struct stat st;
        int r = synth_stat(job->request.fs, job->request.node->path, &st);

        return r < 0 ? r : answer_attributes(&job->request, &st);
}

/*
 * The directories on which the daemon is mounted are known without it, so listing the root needs no
 * daemon.
 */
static int synth_getattr(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        struct store *store = NULL;
        struct stat st;

        (void) fi;
        if (strchr(node->path + 1, '/') || !namespace_find(&fs->namespace, node->path + 1, &store, &st))
                return pool_submit(&fs->pool, job_new(request, run_getattr));
        if (store) {
                store_unref(store);
                return -ESTALE;
        }
        st.st_ino = synth_ino(node->path);
        return answer_attributes(request, &st);
}

/*
 * As on any Unix, a shell's ">" and touch(1) do not change a device. Modes and owners are the
 * daemon's.
 */
static int synth_setattr(struct axfs *fs, struct request *request, struct node *node, struct stat *attr, int to_set,
                         struct fuse_file_info *fi) {
        (void) attr;
        if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
                return -EPERM;
        return synth_getattr(fs, request, node, fi);
}

/*
 * The kernel lets everybody read a link, whatever its mode. The daemon sees an administrator, so it
 * cannot refuse either. So links that others may not read (a process's cwd and descriptors) are
 * refused here.
 */
static int may_readlink(const struct request *request, const struct stat *st) {
        return (st->st_mode & S_IROTH) || request->caller.uid == 0 || request->caller.uid == st->st_uid ? 0 : -EACCES;
}

static int run_readlink(struct job *job) {
        _cleanup_(connection_unrefp) struct connection *connection = link_connection(&job->request.fs->link);
        char target[PATH_MAX], *copy;
        struct stat st = { .st_mode = 0 };
        int length, r;

        if (!connection)
                return -EIO;
        r = synth_stat(job->request.fs, job->request.node->path, &st);
        if (r == 0)
                r = may_readlink(&job->request, &st);
        if (r < 0)
                return r;
        length = ax_readlink(connection->ax, job->request.node->path, target, sizeof(target) - 1);
        if (length < 0)
                return synth_error(job->request.fs, connection, length);
        copy = strndup(target, (size_t) length);
        return copy ? answer_link(&job->request, copy) : -ENOMEM;
}

static int synth_readlink(struct axfs *fs, struct request *request, struct node *node) {
        (void) node;
        return pool_submit(&fs->pool, job_new(request, run_readlink));
}

static int synth_statfs(struct axfs *fs, struct request *request, struct node *node) {
        struct statvfs statistics = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX };

        (void) fs;
        (void) node;
        return answer_filesystem(request, &statistics);
}

const struct node_operations synth_operations = {
        .lookup = synth_lookup,
        .getattr = synth_getattr,
        .setattr = synth_setattr,
        .readlink = synth_readlink,
        .open = synth_open,
        .read = synth_read,
        .write = synth_write,
        .poll = synth_poll,
        .flush = synth_flush,
        .release = synth_release,
        .opendir = synth_opendir,
        .readdir = synth_readdir,
        .releasedir = synth_releasedir,
        .statfs = synth_statfs,
};
