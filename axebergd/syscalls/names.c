/* SPDX-License-Identifier: MIT */
/*
 * Calls on paths: each makes a request to the VFS, and answers with what came of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
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
#include "vfs/directory.h"
#include "vfs/operations.h"

typedef void (*answer_function)(struct call *call, struct vfs_request *request);

/* How each finished request is answered; kept beside the call while it is in flight. */
struct path_call {
        struct vfs_request *request;
        answer_function answer;
        struct fd_reservation reservation; /* of open */
};

static void path_call_free(struct call *call) {
        struct path_call *path_call = call->data;

        call->abandon = NULL;
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

static void path_call_abandon(struct call *call) {
        vfs_request_abandon(((struct path_call *) call->data)->request);
}

static void path_call_start(struct call *call, struct vfs_request *request) {
        int r = call_keep(call);

        if (r == 0) {
                call->abandon = path_call_abandon;
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

SYSCALL(open, OpenRequest, Empty) {
        struct vfs_request *open;
        int r = check_open_flags(request->flags);

        if (r < 0) {
                call_reply(call, r);
                return;
        }
        open = path_call_new(call, request->flags & AX_O_CREATE ? &vfs_create : &vfs_open, request->path, NULL,
                             answer_open);
        if (!open)
                return;
        open->flags = request->flags;
        open->mode = process_masked_mode(call->process, 0666);
        r = fdtable_reserve(&call->process->fds, &((struct path_call *) call->data)->reservation);
        if (r == 0) {
                path_call_start(call, open);
                return;
        }
        open->result = r;
        path_call_on_done(open);
}

void stat_reply_fill(Axeberg__StatReply *reply, const struct statx *status) {
        reply->ino = status->stx_ino;
        reply->size = status->stx_size;
        reply->blocks = status->stx_blocks;
        reply->mode = status->stx_mode;
        reply->nlink = status->stx_nlink;
        reply->uid = status->stx_uid;
        reply->gid = status->stx_gid;
        reply->atime_sec = status->stx_atime.tv_sec;
        reply->atime_nsec = status->stx_atime.tv_nsec;
        reply->mtime_sec = status->stx_mtime.tv_sec;
        reply->mtime_nsec = status->stx_mtime.tv_nsec;
        reply->ctime_sec = status->stx_ctime.tv_sec;
        reply->ctime_nsec = status->stx_ctime.tv_nsec;
        reply->btime_sec = status->stx_btime.tv_sec;
        reply->btime_nsec = status->stx_btime.tv_nsec;
}

static void answer_stat(struct call *call, struct vfs_request *request) {
        Axeberg__StatReply reply = AXEBERG__STAT_REPLY__INIT;

        if (request->result == 0)
                stat_reply_fill(&reply, &request->status);
        call_reply_message(call, request->result, &reply.base);
}

static void start_stat(struct call *call, const struct vfs_operation *operation, const char *path) {
        struct vfs_request *stat = path_call_new(call, operation, path, NULL, answer_stat);

        if (stat)
                path_call_start(call, stat);
}

SYSCALL(stat, PathRequest, StatReply) {
        start_stat(call, &vfs_stat, request->path);
}

SYSCALL(lstat, PathRequest, StatReply) {
        start_stat(call, &vfs_lstat, request->path);
}

static void start_plain(struct call *call, const struct vfs_operation *operation, const char *path,
                        const char *second) {
        struct vfs_request *request = path_call_new(call, operation, path, second, answer_plain);

        if (!request)
                return;
        request->mode = process_masked_mode(call->process, 0777);
        path_call_start(call, request);
}

SYSCALL(mkdir, PathRequest, Empty) {
        start_plain(call, &vfs_mkdir, request->path, NULL);
}

SYSCALL(mkfifo, PathRequest, Empty) {
        struct vfs_request *mkfifo = path_call_new(call, &vfs_mkfifo, request->path, NULL, answer_plain);

        if (!mkfifo)
                return;
        mkfifo->mode = process_masked_mode(call->process, 0666);
        path_call_start(call, mkfifo);
}

SYSCALL(unlink, PathRequest, Empty) {
        start_plain(call, &vfs_unlink, request->path, NULL);
}

SYSCALL(rmdir, PathRequest, Empty) {
        start_plain(call, &vfs_rmdir, request->path, NULL);
}

SYSCALL(rename, TwoPathRequest, Empty) {
        start_plain(call, &vfs_rename, request->from, request->to);
}

SYSCALL(link, TwoPathRequest, Empty) {
        start_plain(call, &vfs_link, request->from, request->to);
}

static void answer_names(struct call *call, struct vfs_request *request) {
        Axeberg__NamesReply reply = AXEBERG__NAMES_REPLY__INIT;

        if (request->result >= 0 && request->list_fd >= 0) {
                reply.size = request->list_size;
                call->reply.fds = &request->list_fd;
                call->reply.n_fds = 1;
        } else if (request->result >= 0) {
                reply.size = request->names.size;
                call->reply.trailer = request->names.data;
                call->reply.trailer_size = request->names.size;
        }
        call_reply_message(call, request->result, &reply.base);
}

SYSCALL(readdir, PathRequest, NamesReply) {
        struct vfs_request *list = path_call_new(call, &vfs_readdir, request->path, NULL, answer_names);

        if (list)
                path_call_start(call, list);
}

SYSCALL(getcwd, Empty, Empty) {
        struct object *cwd = call->process->cwd;
        struct vfs_request *getcwd;
        char path[PATH_MAX];
        int n;

        (void) request;
        if (vfs_directory_is_in_store(cwd)) {
                getcwd = path_call_new(call, &vfs_getcwd, ".", NULL, answer_text);
                if (getcwd)
                        path_call_start(call, getcwd);
                return;
        }
        n = object_describe(cwd, path, sizeof(path));
        call_reply_trailer(call, n, path, n > 0 ? (size_t) n : 0);
}

static void answer_chdir(struct call *call, struct vfs_request *request) {
        struct object *directory;
        int r = request->result;

        if (r == 0)
                r = vfs_request_take_directory(request, &directory);
        if (r == 0) {
                object_unref(call->process->cwd);
                call->process->cwd = directory;
        }
        call_reply(call, r);
}

SYSCALL(chdir, PathRequest, Empty) {
        struct vfs_request *chdir = path_call_new(call, &vfs_chdir, request->path, NULL, answer_chdir);

        if (chdir)
                path_call_start(call, chdir);
}

SYSCALL(symlink, TwoPathRequest, Empty) {
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

SYSCALL(readlink, PathRequest, Empty) {
        struct vfs_request *readlink = path_call_new(call, &vfs_readlink, request->path, NULL, answer_text);

        if (readlink)
                path_call_start(call, readlink);
}

SYSCALL(chmod, ChmodRequest, Empty) {
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

static void start_chown(struct call *call, const struct vfs_operation *operation,
                        const Axeberg__ChownRequest *request) {
        struct vfs_request *chown = path_call_new(call, operation, request->path, NULL, answer_plain);

        if (!chown)
                return;
        chown->uid = request->uid;
        chown->gid = request->gid;
        path_call_start(call, chown);
}

SYSCALL(chown, ChownRequest, Empty) {
        start_chown(call, &vfs_chown, request);
}

SYSCALL(lchown, ChownRequest, Empty) {
        start_chown(call, &vfs_lchown, request);
}

static void start_utimens(struct call *call, const struct vfs_operation *operation,
                          const Axeberg__UtimensRequest *request) {
        struct vfs_request *utimens = path_call_new(call, operation, request->path, NULL, answer_plain);

        if (!utimens)
                return;
        utimens->times[0] = (struct timespec){ .tv_sec = request->atime_sec, .tv_nsec = request->atime_nsec };
        utimens->times[1] = (struct timespec){ .tv_sec = request->mtime_sec, .tv_nsec = request->mtime_nsec };
        path_call_start(call, utimens);
}

SYSCALL(utimens, UtimensRequest, Empty) {
        start_utimens(call, &vfs_utimens, request);
}

SYSCALL(lutimens, UtimensRequest, Empty) {
        start_utimens(call, &vfs_lutimens, request);
}

static void answer_attributes(struct call *call, struct vfs_request *request) {
        size_t size = request->result > 0 ? (size_t) request->result : 0;

        call_reply_trailer(call, request->result, (uint8_t *) request->attributes, size);
}

/* Begins a call on an extended attribute; answers it if it cannot be. */
static struct vfs_request *xattr_new(struct call *call, const struct vfs_operation *operation, const char *path,
                                     const char *name, answer_function answer) {
        size_t length = strlen(name);
        struct vfs_request *xattr;

        if (length == 0 || length > XATTR_NAME_MAX) {
                call_reply(call, -ERANGE);
                return NULL;
        }
        xattr = path_call_new(call, operation, path, NULL, answer);
        if (!xattr)
                return NULL;
        xattr->target = strdup(name);
        xattr->result = xattr->target ? 0 : -ENOMEM;
        if (xattr->result == 0 && answer == answer_attributes)
                xattr->result = vfs_request_take_attributes(xattr);
        if (xattr->result == 0)
                return xattr;
        path_call_on_done(xattr);
        return NULL;
}

static void start_getxattr(struct call *call, const struct vfs_operation *operation,
                           const Axeberg__XattrRequest *request) {
        struct vfs_request *get = xattr_new(call, operation, request->path, request->name, answer_attributes);

        if (get)
                path_call_start(call, get);
}

SYSCALL(getxattr, XattrRequest, Empty) {
        start_getxattr(call, &vfs_getxattr, request);
}

SYSCALL(lgetxattr, XattrRequest, Empty) {
        start_getxattr(call, &vfs_lgetxattr, request);
}

static void start_setxattr(struct call *call, const struct vfs_operation *operation,
                           const Axeberg__SetxattrRequest *request) {
        struct vfs_request *set = xattr_new(call, operation, request->path, request->name, answer_plain);

        if (!set)
                return;
        set->flags = request->flags;
        set->result = call_keep(call); /* the value is the call's, and moves when that is kept */
        if (set->result < 0) {
                path_call_on_done(set);
                return;
        }
        set->value = call->trailer;
        set->value_size = call->trailer_size;
        path_call_start(call, set);
}

SYSCALL(setxattr, SetxattrRequest, Empty) {
        start_setxattr(call, &vfs_setxattr, request);
}

SYSCALL(lsetxattr, SetxattrRequest, Empty) {
        start_setxattr(call, &vfs_lsetxattr, request);
}

static void start_removexattr(struct call *call, const struct vfs_operation *operation,
                              const Axeberg__XattrRequest *request) {
        struct vfs_request *remove = xattr_new(call, operation, request->path, request->name, answer_plain);

        if (remove)
                path_call_start(call, remove);
}

SYSCALL(removexattr, XattrRequest, Empty) {
        start_removexattr(call, &vfs_removexattr, request);
}

SYSCALL(lremovexattr, XattrRequest, Empty) {
        start_removexattr(call, &vfs_lremovexattr, request);
}

static void start_listxattr(struct call *call, const struct vfs_operation *operation, const char *path) {
        struct vfs_request *list = path_call_new(call, operation, path, NULL, answer_attributes);

        if (!list)
                return;
        list->result = vfs_request_take_attributes(list);
        if (list->result == 0)
                path_call_start(call, list);
        else
                path_call_on_done(list);
}

SYSCALL(listxattr, PathRequest, Empty) {
        start_listxattr(call, &vfs_listxattr, request->path);
}

SYSCALL(llistxattr, PathRequest, Empty) {
        start_listxattr(call, &vfs_llistxattr, request->path);
}

static void answer_statvfs(struct call *call, struct vfs_request *request) {
        const struct statvfs *filesystem = &request->filesystem;
        Axeberg__StatvfsReply reply = AXEBERG__STATVFS_REPLY__INIT;

        if (request->result == 0) {
                reply.block_size = filesystem->f_frsize;
                reply.blocks = filesystem->f_blocks;
                reply.blocks_free = filesystem->f_bfree;
                reply.blocks_available = filesystem->f_bavail;
                reply.files = filesystem->f_files;
                reply.files_free = filesystem->f_ffree;
                reply.name_max = filesystem->f_namemax;
                reply.mount_flags = filesystem->f_flag;
        }
        call_reply_message(call, request->result, &reply.base);
}

SYSCALL(statvfs, PathRequest, StatvfsReply) {
        struct vfs_request *statvfs = path_call_new(call, &vfs_statvfs, request->path, NULL, answer_statvfs);

        if (statvfs)
                path_call_start(call, statvfs);
}
