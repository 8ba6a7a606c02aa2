/*
 * Calls on paths: each makes a request to the VFS, and answers with what came of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "axeberg.h"
#include "kernel.h"
#include "object/object.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "util/text.h"
#include "vfs/vfs.h"

typedef void (*answer_function)(struct call *call, struct vfs_request *request);

/* How each finished request is answered; kept beside the call while it is in flight. */
struct path_call {
        struct vfs_request *request;
        answer_function answer;
        struct fd_reservation reservation; /* of open */
};

static void path_call_free(struct call *call) {
        struct path_call *path_call = call->data;

        fdtable_unreserve(call->process ? &call->process->fds : NULL, &path_call->reservation);
        free(path_call);
}

static void path_call_on_done(struct vfs_request *request) {
        struct call *call = request->userdata;
        answer_function answer = ((struct path_call *) call->data)->answer;

        path_call_free(call);
        if (call->process)
                answer(call, request);
        else
                call_reply(call, -ESRCH);
        vfs_request_free(request);
}

/* Prepares a request; answers the call where that fails. */
static struct vfs_request *path_call_new(struct call *call, const struct vfs_operation *operation, const char *path,
                                         const char *second, answer_function answer) {
        _cleanup_free_ struct path_call *path_call = malloc(sizeof(*path_call));
        struct vfs_request *request;
        int r = path_call ? vfs_request_new(&request, operation, &call->process, path, second) : -ENOMEM;

        if (r < 0) {
                call_reply(call, r);
                return NULL;
        }
        request->userdata = call;
        request->done = path_call_on_done;
        *path_call = (struct path_call){ .request = request, .answer = answer };
        call->data = steal_pointer(&path_call);
        return request;
}

static void path_call_start(struct call *call, struct vfs_request *request) {
        int r = call_keep(call);

        if (r == 0) {
                vfs_request_submit(request);
                return;
        }
        path_call_free(call);
        vfs_request_free(request);
        call_reply(call, r);
}

static void answer_plain(struct call *call, struct vfs_request *request) {
        call_reply(call, request->result);
}

static void answer_text(struct call *call, struct vfs_request *request) {
        call_reply_trailer(call, request->result, request->text, request->result > 0 ? (size_t) request->result : 0);
}

static void answer_open(struct call *call, struct vfs_request *request) {
        struct object *object;
        int r = request->result;

        if (r == 0 && request->is_fifo) {
                fifo_open(call, request);
                return;
        }
        if (r == 0)
                r = vfs_request_take_object(request, &object);
        if (r == 0) {
                r = fdtable_add(&call->process->fds, object);
                object_unref(object);
        }
        call_reply(call, r);
}

static int check_open_flags(unsigned flags) {
        const unsigned known =
                AX_O_READ | AX_O_WRITE | AX_O_CREATE | AX_O_TRUNCATE | AX_O_APPEND | AX_O_EXCLUSIVE | AX_O_NONBLOCK;

        if (flags & ~known || !(flags & (AX_O_READ | AX_O_WRITE)))
                return -EINVAL;
        if (flags & AX_O_TRUNCATE && !(flags & AX_O_WRITE))
                return -EINVAL;
        return 0;
}

SYSCALL(sys_open, OpenRequest, Empty) {
        struct vfs_request *open;
        int r = check_open_flags(request->flags);

        if (r < 0) {
                call_reply(call, r);
                return;
        }
        open = path_call_new(call, &vfs_open, request->path, NULL, answer_open);
        if (!open)
                return;
        open->flags = request->flags;
        open->mode = 0666 & ~call->process->umask;
        open->walks[0].keeps_last =
                request->flags & AX_O_CREATE; /* "x/" can only be a directory: never opened for creating */
        r = fdtable_reserve(&call->process->fds, &((struct path_call *) call->data)->reservation);
        if (r == 0) {
                path_call_start(call, open);
                return;
        }
        open->result = r;
        path_call_on_done(open);
}

static int64_t seconds(const struct statx_timestamp *time) {
        return time->tv_sec;
}

void stat_reply_fill(Axeberg__StatReply *reply, const struct statx *status) {
        reply->ino = status->stx_ino;
        reply->size = status->stx_size;
        reply->blocks = status->stx_blocks;
        reply->mode = status->stx_mode;
        reply->nlink = status->stx_nlink;
        reply->uid = status->stx_uid;
        reply->gid = status->stx_gid;
        reply->atime_sec = seconds(&status->stx_atime);
        reply->atime_nsec = status->stx_atime.tv_nsec;
        reply->mtime_sec = seconds(&status->stx_mtime);
        reply->mtime_nsec = status->stx_mtime.tv_nsec;
        reply->ctime_sec = seconds(&status->stx_ctime);
        reply->ctime_nsec = status->stx_ctime.tv_nsec;
        reply->btime_sec = seconds(&status->stx_btime);
        reply->btime_nsec = status->stx_btime.tv_nsec;
        reply->rdev_major = status->stx_rdev_major;
        reply->rdev_minor = status->stx_rdev_minor;
}

static void answer_stat(struct call *call, struct vfs_request *request) {
        Axeberg__StatReply reply = AXEBERG__STAT_REPLY__INIT;

        if (request->result == 0)
                stat_reply_fill(&reply, &request->status);
        call_reply_message(call, request->result, &reply.base);
}

SYSCALL(sys_stat, StatRequest, StatReply) {
        struct vfs_request *stat =
                path_call_new(call, request->nofollow ? &vfs_lstat : &vfs_stat, request->path, NULL, answer_stat);

        if (stat)
                path_call_start(call, stat);
}

static void start_plain(struct call *call, const struct vfs_operation *operation, const char *path,
                        const char *second) {
        struct vfs_request *request = path_call_new(call, operation, path, second, answer_plain);

        if (!request)
                return;
        request->mode = 0777 & ~call->process->umask;
        path_call_start(call, request);
}

SYSCALL(sys_mkdir, PathRequest, Empty) {
        start_plain(call, &vfs_mkdir, request->path, NULL);
}

SYSCALL(sys_mkfifo, PathRequest, Empty) {
        struct vfs_request *mkfifo = path_call_new(call, &vfs_mkfifo, request->path, NULL, answer_plain);

        if (!mkfifo)
                return;
        mkfifo->mode = 0666 & ~call->process->umask;
        path_call_start(call, mkfifo);
}

SYSCALL(sys_unlink, PathRequest, Empty) {
        start_plain(call, &vfs_unlink, request->path, NULL);
}

SYSCALL(sys_rmdir, PathRequest, Empty) {
        start_plain(call, &vfs_rmdir, request->path, NULL);
}

SYSCALL(sys_rename, TwoPathRequest, Empty) {
        start_plain(call, &vfs_rename, request->from, request->to);
}

SYSCALL(sys_link, TwoPathRequest, Empty) {
        start_plain(call, &vfs_link, request->from, request->to);
}

/* A list too long for a frame travels in a sealed memfd. Return: descriptor, negative errno. */
static int names_memfd(const struct names *names) {
        _cleanup_close_ int fd = memfd_create("names", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        size_t written = 0;

        if (fd < 0)
                return -errno;
        while (written < names->size) {
                ssize_t n = write(fd, names->data + written, names->size - written);

                if (n < 0)
                        return -errno;
                written += (size_t) n;
        }
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -errno;
        return steal_fd(&fd);
}

static void answer_names(struct call *call, struct vfs_request *request) {
        Axeberg__NamesReply reply = AXEBERG__NAMES_REPLY__INIT;
        const struct names *names = &request->names;
        _cleanup_close_ int fd = -1;

        if (request->result < 0) {
                call_reply_message(call, request->result, &reply.base);
                return;
        }
        reply.size = names->size;
        if (names->size <= AX_FRAME_MAX_DATA) {
                call->reply.trailer = names->data;
                call->reply.trailer_size = names->size;
        } else {
                fd = names_memfd(names);
                if (fd < 0) {
                        call_reply_message(call, fd, &reply.base);
                        return;
                }
                call->reply.fds = &fd;
                call->reply.n_fds = 1;
        }
        call_reply_message(call, (int) names->count, &reply.base);
}

SYSCALL(sys_read_dir, PathRequest, NamesReply) {
        struct vfs_request *list = path_call_new(call, &vfs_readdir, request->path, NULL, answer_names);

        if (list)
                path_call_start(call, list);
}

SYSCALL(sys_get_cwd, Empty, Empty) {
        char path[PATH_MAX];
        int n = vfs_directory_path(call->process->cwd, path, sizeof(path));

        (void) request;
        call_reply_trailer(call, n, path, n > 0 ? (size_t) n : 0);
}

static void answer_chdir(struct call *call, struct vfs_request *request) {
        struct vfs_directory *directory;
        int r = request->result;

        if (r == 0)
                r = vfs_request_take_directory(request, &directory);
        if (r == 0) {
                vfs_directory_unref(call->process->cwd);
                call->process->cwd = directory;
        }
        call_reply(call, r);
}

SYSCALL(sys_ch_dir, PathRequest, Empty) {
        struct vfs_request *chdir = path_call_new(call, &vfs_chdir, request->path, NULL, answer_chdir);

        if (chdir)
                path_call_start(call, chdir);
}

SYSCALL(sys_symlink, TwoPathRequest, Empty) {
        struct vfs_request *symlink;
        size_t length = strlen(request->from);

        if (length == 0 || length >= PATH_MAX) {
                call_reply(call, length == 0 ? -ENOENT : -ENAMETOOLONG);
                return;
        }
        if (!text_is_utf8(request->from, length)) {
                call_reply(call, -EINVAL);
                return;
        }
        symlink = path_call_new(call, &vfs_symlink, request->to, NULL, answer_plain);
        if (!symlink)
                return;
        symlink->target = strdup(request->from);
        if (!symlink->target) {
                symlink->result = -ENOMEM;
                path_call_on_done(symlink);
                return;
        }
        path_call_start(call, symlink);
}

SYSCALL(sys_read_link, PathRequest, Empty) {
        struct vfs_request *readlink = path_call_new(call, &vfs_readlink, request->path, NULL, answer_text);

        if (readlink)
                path_call_start(call, readlink);
}

SYSCALL(sys_chmod, ChmodRequest, Empty) {
        struct vfs_request *chmod;

        if (request->mode > 07777) {
                call_reply(call, -EINVAL);
                return;
        }
        chmod = path_call_new(call, &vfs_chmod, request->path, NULL, answer_plain);
        if (!chmod)
                return;
        chmod->mode = request->mode;
        path_call_start(call, chmod);
}

SYSCALL(sys_chown, ChownRequest, Empty) {
        struct vfs_request *chown =
                path_call_new(call, request->nofollow ? &vfs_lchown : &vfs_chown, request->path, NULL, answer_plain);

        if (!chown)
                return;
        chown->uid = request->uid;
        chown->gid = request->gid;
        path_call_start(call, chown);
}

SYSCALL(sys_utimens, UtimensRequest, Empty) {
        struct vfs_request *utimens = path_call_new(call, &vfs_utimens, request->path, NULL, answer_plain);

        if (!utimens)
                return;
        utimens->times[0] = (struct timespec){ .tv_sec = request->atime_sec, .tv_nsec = request->atime_nsec };
        utimens->times[1] = (struct timespec){ .tv_sec = request->mtime_sec, .tv_nsec = request->mtime_nsec };
        path_call_start(call, utimens);
}

void syscalls_add_names(Axeberg__Kernel_Service *service) {
        service->open = sys_open;
        service->stat = sys_stat;
        service->mkdir = sys_mkdir;
        service->mkfifo = sys_mkfifo;
        service->read_dir = sys_read_dir;
        service->get_cwd = sys_get_cwd;
        service->ch_dir = sys_ch_dir;
        service->unlink = sys_unlink;
        service->rmdir = sys_rmdir;
        service->rename = sys_rename;
        service->link = sys_link;
        service->symlink = sys_symlink;
        service->read_link = sys_read_link;
        service->chmod = sys_chmod;
        service->chown = sys_chown;
        service->utimens = sys_utimens;
}
