/*
 * Calls on paths.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stat.h"
#include "transport.h"

/* What is wrong with a path before anybody looks at the files. The daemon checks again; this spares sending megabytes. */
static int path_check(ax_client *ax, const char *path) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!path)
                return -AX_EINVAL;
        if (!*path)
                return -AX_ENOENT;
        return strnlen(path, PATH_MAX) < PATH_MAX ? 0 : -AX_ENAMETOOLONG;
}

int ax_open(ax_client *ax, const char *path, unsigned flags) {
        Axeberg__OpenRequest request = AXEBERG__OPEN_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = path_check(ax, path);

        if (r < 0)
                return r;
        request.path = (char *) path;
        request.flags = flags;
        r = RPC(ax, open, &request, rpc_ignore, &rpc);
        if (r >= 0)
                direct_forget(ax, r);
        return r;
}

static int stat_path(ax_client *ax, const char *path, bool nofollow, struct ax_stat *ret) {
        Axeberg__StatRequest request = AXEBERG__STAT_REQUEST__INIT;
        struct rpc rpc = { .context = ret };
        int r = path_check(ax, path);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.path = (char *) path;
        request.nofollow = nofollow;
        return RPC(ax, stat, &request, stat_on_reply, &rpc);
}

int ax_stat(ax_client *ax, const char *path, struct ax_stat *ret) {
        return stat_path(ax, path, false, ret);
}

int ax_lstat(ax_client *ax, const char *path, struct ax_stat *ret) {
        return stat_path(ax, path, true, ret);
}

int ax_exists(ax_client *ax, const char *path) {
        struct ax_stat status;
        int r = ax_stat(ax, path, &status);

        if (r == 0)
                return 1;
        return r == -AX_ENOENT || r == -AX_ENOTDIR ? 0 : r;
}

/* The calls whose only argument is a path. */
typedef void (*path_stub)(ProtobufCService *, const Axeberg__PathRequest *, Axeberg__Empty_Closure, void *);

static int path_call(ax_client *ax, path_stub stub, const char *path, struct rpc *rpc) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;
        int r = path_check(ax, path);

        if (r < 0)
                return r;
        request.path = (char *) path;
        stub(&ax->service.base, &request, rpc_ignore, rpc);
        return rpc->status;
}

int ax_mkdir(ax_client *ax, const char *path) {
        return path_call(ax, axeberg__kernel__mkdir, path, &(struct rpc){ 0 });
}

int ax_chdir(ax_client *ax, const char *path) {
        return path_call(ax, axeberg__kernel__ch_dir, path, &(struct rpc){ 0 });
}

int ax_mkfifo(ax_client *ax, const char *path) {
        return path_call(ax, axeberg__kernel__mkfifo, path, &(struct rpc){ 0 });
}

int ax_unlink(ax_client *ax, const char *path) {
        return path_call(ax, axeberg__kernel__unlink, path, &(struct rpc){ 0 });
}

int ax_rmdir(ax_client *ax, const char *path) {
        return path_call(ax, axeberg__kernel__rmdir, path, &(struct rpc){ 0 });
}

int ax_readlink(ax_client *ax, const char *path, char *buf, size_t size) {
        char text[PATH_MAX];
        struct rpc rpc = { .data = text, .data_size = sizeof(text) };
        int r;

        if (!buf || size == 0)
                return -AX_EINVAL;
        r = path_call(ax, axeberg__kernel__read_link, path, &rpc);
        if (r < 0)
                return r;
        if (size > rpc.data_received)
                size = rpc.data_received;
        memcpy(buf, text, size);
        return (int) size;
}

int ax_getcwd(ax_client *ax, char *buf, size_t size) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        char text[PATH_MAX];
        struct rpc rpc = { .data = text, .data_size = sizeof(text) };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!buf || size == 0)
                return -AX_EINVAL;
        r = RPC(ax, get_cwd, &request, rpc_ignore, &rpc);
        if (r < 0)
                return r;
        if (rpc.data_received >= size)
                return -AX_ERANGE;
        memcpy(buf, text, rpc.data_received);
        buf[rpc.data_received] = '\0';
        return (int) rpc.data_received;
}

/* The calls whose arguments are two paths. */
typedef void (*two_path_stub)(ProtobufCService *, const Axeberg__TwoPathRequest *, Axeberg__Empty_Closure, void *);

static int two_path_call(ax_client *ax, two_path_stub stub, const char *from, const char *to) {
        Axeberg__TwoPathRequest request = AXEBERG__TWO_PATH_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = path_check(ax, from);

        if (r == 0)
                r = path_check(ax, to);
        if (r < 0)
                return r;
        request.from = (char *) from;
        request.to = (char *) to;
        stub(&ax->service.base, &request, rpc_ignore, &rpc);
        return rpc.status;
}

int ax_rename(ax_client *ax, const char *from, const char *to) {
        return two_path_call(ax, axeberg__kernel__rename, from, to);
}

int ax_link(ax_client *ax, const char *from, const char *to) {
        return two_path_call(ax, axeberg__kernel__link, from, to);
}

int ax_symlink(ax_client *ax, const char *target, const char *path) {
        return two_path_call(ax, axeberg__kernel__symlink, target, path);
}

int ax_chmod(ax_client *ax, const char *path, uint32_t mode) {
        Axeberg__ChmodRequest request = AXEBERG__CHMOD_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = path_check(ax, path);

        if (r < 0)
                return r;
        request.path = (char *) path;
        request.mode = mode;
        return RPC(ax, chmod, &request, rpc_ignore, &rpc);
}

static int chown_path(ax_client *ax, const char *path, uint32_t uid, uint32_t gid, bool nofollow) {
        Axeberg__ChownRequest request = AXEBERG__CHOWN_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = path_check(ax, path);

        if (r < 0)
                return r;
        request.path = (char *) path;
        request.uid = uid;
        request.gid = gid;
        request.nofollow = nofollow;
        return RPC(ax, chown, &request, rpc_ignore, &rpc);
}

int ax_chown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid) {
        return chown_path(ax, path, uid, gid, false);
}

int ax_lchown(ax_client *ax, const char *path, uint32_t uid, uint32_t gid) {
        return chown_path(ax, path, uid, gid, true);
}

int ax_utimens(ax_client *ax, const char *path, const struct timespec times[2]) {
        static const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
        Axeberg__UtimensRequest request = AXEBERG__UTIMENS_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = path_check(ax, path);

        if (r < 0)
                return r;
        if (!times)
                times = now;
        request.path = (char *) path;
        request.atime_sec = times[0].tv_sec;
        request.atime_nsec = times[0].tv_nsec;
        request.mtime_sec = times[1].tv_sec;
        request.mtime_nsec = times[1].tv_nsec;
        return RPC(ax, utimens, &request, rpc_ignore, &rpc);
}

struct names_reply {
        char frame[AX_FRAME_MAX_PAYLOAD];
        uint64_t size;
        int fd;
};

static void names_on_reply(const Axeberg__NamesReply *reply, void *data) {
        ((struct names_reply *) ((struct rpc *) data)->context)->size = reply->size;
}

/* Reads all of a memfd. Return: 0, -AX_EPROTO where it is shorter than said. */
static int read_memfd(int fd, char *text, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n = pread(fd, text + done, size - done, (off_t) done);

                if (n == 0 || (n < 0 && errno != EINTR))
                        return -AX_EPROTO;
                if (n > 0)
                        done += (size_t) n;
        }
        return 0;
}

/* One block: the pointers, then the text that they point into. */
static int names_build(const struct names_reply *reply, size_t count, char ***ret) {
        size_t index_size = (count + 1) * sizeof(char *);
        char **names = malloc(index_size + reply->size + 1), *at;
        char *text;
        int r = 0;

        if (!names)
                return -AX_ENOMEM;
        text = (char *) names + index_size;
        if (reply->fd >= 0)
                r = read_memfd(reply->fd, text, reply->size);
        else
                memcpy(text, reply->frame, reply->size);
        text[reply->size] = '\0';
        at = text;
        for (size_t i = 0; r == 0 && i < count; i++) {
                if (at >= text + reply->size)
                        r = -AX_EPROTO;
                names[i] = at;
                at += strlen(at) + 1;
        }
        if (r < 0) {
                free(names);
                return r;
        }
        names[count] = NULL;
        *ret = names;
        return (int) count;
}

/* What the reply says must be what came with it. */
static bool names_fit(const struct names_reply *reply, const struct rpc *rpc) {
        struct stat status;

        if (rpc->n_fds == 0)
                return reply->size == rpc->data_received;
        return fstat(reply->fd, &status) == 0 && (uint64_t) status.st_size == reply->size;
}

int ax_readdir(ax_client *ax, const char *path, char ***ret_names) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;
        struct names_reply *reply;
        struct rpc rpc = { .max_fds = 1 };
        int r = path_check(ax, path);

        if (r < 0)
                return r;
        if (!ret_names)
                return -AX_EINVAL;
        reply = malloc(sizeof(*reply));
        if (!reply)
                return -AX_ENOMEM;
        reply->fd = -1;
        reply->size = 0;
        rpc.context = reply;
        rpc.data = reply->frame;
        rpc.data_size = sizeof(reply->frame);
        rpc.fds = &reply->fd;
        request.path = (char *) path;
        r = RPC(ax, read_dir, &request, names_on_reply, &rpc);
        if (r >= 0)
                r = names_fit(reply, &rpc) ? names_build(reply, (size_t) r, ret_names) : -AX_EPROTO;
        if (reply->fd >= 0)
                close(reply->fd);
        free(reply);
        return r;
}

void ax_names_free(char **names) {
        free(names);
}
