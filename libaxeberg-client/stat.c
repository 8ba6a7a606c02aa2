/* SPDX-License-Identifier: MIT */
/*
 * Asking what files and file systems are.
 */
#include "call.h"
#include "local.h"
#include "paths.h"

static void stat_on_reply(const Axeberg__StatReply *reply, void *data) {
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

int ax_stat(ax_client *ax, const char *path, struct ax_stat *ret) {
        int r = ret ? path_check(path) : -AX_EINVAL;

        if (r < 0)
                return r;
        return RPC(ax, stat, REQUEST(PathRequest, .path = (char *) path), stat_on_reply,
                   &(struct rpc){ .context = ret });
}

int ax_lstat(ax_client *ax, const char *path, struct ax_stat *ret) {
        int r = ret ? path_check(path) : -AX_EINVAL;

        if (r < 0)
                return r;
        return RPC(ax, lstat, REQUEST(PathRequest, .path = (char *) path), stat_on_reply,
                   &(struct rpc){ .context = ret });
}

static bool stat_directly(ax_client *ax, int fd, struct ax_stat *ret_status, int *ret) {
        struct local_call call;

        if (!local_may_go_direct(ax))
                return false;
        call = local_begin(ax, AX_LOCAL_FSTAT);
        if (!direct_stat(&ax->direct, fd, ret_status, ret))
                return false;
        local_end(ax, &call, fd, 0, 0, *ret);
        return true;
}

int ax_fstat(ax_client *ax, int fd, struct ax_stat *ret) {
        int r = client_check(ax);

        if (r == 0 && !ret)
                return -AX_EINVAL;
        if (r < 0 || stat_directly(ax, fd, ret, &r))
                return r;
        r = RPC(ax, fstat, REQUEST(FdRequest, .fd = fd), stat_on_reply, &(struct rpc){ .context = ret });
        if (r == 0)
                direct_learn(&ax->direct, fd, ret);
        return r;
}

int ax_exists(ax_client *ax, const char *path) {
        struct ax_stat status;
        int r = ax_stat(ax, path, &status);

        if (r == 0)
                return 1;
        return r == -AX_ENOENT || r == -AX_ENOTDIR ? 0 : r;
}

static void statvfs_on_reply(const Axeberg__StatvfsReply *reply, void *data) {
        struct ax_statvfs *ret = ((struct rpc *) data)->context;

        *ret = (struct ax_statvfs){
                .block_size = reply->block_size,
                .blocks = reply->blocks,
                .blocks_free = reply->blocks_free,
                .blocks_available = reply->blocks_available,
                .files = reply->files,
                .files_free = reply->files_free,
                .name_max = reply->name_max,
                .flags = reply->mount_flags,
        };
}

int ax_statvfs(ax_client *ax, const char *path, struct ax_statvfs *ret) {
        int r = ret ? path_check(path) : -AX_EINVAL;

        if (r < 0)
                return r;
        return RPC(ax, statvfs, REQUEST(PathRequest, .path = (char *) path), statvfs_on_reply,
                   &(struct rpc){ .context = ret });
}
