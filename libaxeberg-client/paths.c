/* SPDX-License-Identifier: MIT */
/*
 * Calls on paths.
 */
#include "paths.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "call.h"

int path_check(const char *path) {
        if (!path)
                return -AX_EINVAL;
        if (!*path)
                return -AX_ENOENT;
        return strnlen(path, PATH_MAX) < PATH_MAX ? 0 : -AX_ENAMETOOLONG;
}

int ax_open(ax_client *ax, const char *path, unsigned flags) {
        int r = path_check(path);

        if (r == 0)
                r = CALL(ax, open, OpenRequest, .path = (char *) path, .flags = flags);
        if (r >= 0)
                direct_opened(&ax->direct, r);
        return r;
}

int ax_mkdir(ax_client *ax, const char *path) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, mkdir, PathRequest, .path = (char *) path);
}

int ax_chdir(ax_client *ax, const char *path) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, chdir, PathRequest, .path = (char *) path);
}

int ax_mkfifo(ax_client *ax, const char *path) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, mkfifo, PathRequest, .path = (char *) path);
}

int ax_unlink(ax_client *ax, const char *path) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, unlink, PathRequest, .path = (char *) path);
}

int ax_rmdir(ax_client *ax, const char *path) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, rmdir, PathRequest, .path = (char *) path);
}

static int check_two(const char *from, const char *to) {
        int r = path_check(from);

        return r < 0 ? r : path_check(to);
}

int ax_rename(ax_client *ax, const char *from, const char *to) {
        int r = check_two(from, to);

        return r < 0 ? r : CALL(ax, rename, TwoPathRequest, .from = (char *) from, .to = (char *) to);
}

int ax_link(ax_client *ax, const char *from, const char *to) {
        int r = check_two(from, to);

        return r < 0 ? r : CALL(ax, link, TwoPathRequest, .from = (char *) from, .to = (char *) to);
}

int ax_symlink(ax_client *ax, const char *target, const char *path) {
        int r = check_two(target, path);

        return r < 0 ? r : CALL(ax, symlink, TwoPathRequest, .from = (char *) target, .to = (char *) path);
}

int ax_readlink(ax_client *ax, const char *path, char *buf, size_t size) {
        char text[PATH_MAX];
        struct rpc rpc = { .data = text, .data_size = sizeof(text) };
        int r = buf && size > 0 ? path_check(path) : -AX_EINVAL;

        if (r == 0)
                r = RPC(ax, readlink, REQUEST(PathRequest, .path = (char *) path), rpc_ignore, &rpc);
        if (r < 0)
                return r;
        if (size > rpc.data_received)
                size = rpc.data_received;
        memcpy(buf, text, size);
        return (int) size;
}

int ax_getcwd(ax_client *ax, char *buf, size_t size) {
        char text[PATH_MAX];
        struct rpc rpc = { .data = text, .data_size = sizeof(text) };
        int r = buf && size > 0 ? RPC(ax, getcwd, REQUEST(Empty), rpc_ignore, &rpc) : -AX_EINVAL;

        if (r < 0)
                return r;
        if (rpc.data_received >= size)
                return -AX_ERANGE;
        memcpy(buf, text, rpc.data_received);
        buf[rpc.data_received] = '\0';
        return (int) rpc.data_received;
}

int ax_chmod(ax_client *ax, const char *path, uint32_t mode) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, chmod, ChmodRequest, .path = (char *) path, .mode = mode);
}

int ax_chown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, chown, ChownRequest, .path = (char *) path, .uid = uid, .gid = gid);
}

int ax_lchown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid) {
        int r = path_check(path);

        return r < 0 ? r : CALL(ax, lchown, ChownRequest, .path = (char *) path, .uid = uid, .gid = gid);
}

/* Makes a request; without times, both are now. */
static Axeberg__UtimensRequest times_request(const char *path, const struct timespec times[2]) {
        static const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };

        if (!times)
                times = now;
        return (Axeberg__UtimensRequest){
                .path = (char *) path,
                .atime_sec = times[0].tv_sec,
                .atime_nsec = times[0].tv_nsec,
                .mtime_sec = times[1].tv_sec,
                .mtime_nsec = times[1].tv_nsec,
        };
}

int ax_utimens(ax_client *ax, const char *path, const struct timespec times[2]) {
        Axeberg__UtimensRequest request = times_request(path, times);
        int r = path_check(path);

        return r < 0 ? r : RPC(ax, utimens, &request, rpc_ignore, &(struct rpc){ 0 });
}

int ax_lutimens(ax_client *ax, const char *path, const struct timespec times[2]) {
        Axeberg__UtimensRequest request = times_request(path, times);
        int r = path_check(path);

        return r < 0 ? r : RPC(ax, lutimens, &request, rpc_ignore, &(struct rpc){ 0 });
}

int ax_umask(ax_client *ax, uint32_t mask) {
        return CALL(ax, umask, UmaskRequest, .mask = mask);
}
