/* SPDX-License-Identifier: MIT */
/*
 * Making children, and waiting for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "process/lifecycle.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "util/identity.h"
#include "vfs/operations.h"
#include "vfs/request.h"
#include "vfs/vfs.h"

/* What is asked, while the working directory is being found. */
struct spawn {
        char command_line[COMMAND_LINE_MAX];
        size_t command_line_size;
        bool close_others, new_group, set_ids, hosted;
        uid_t uid;
        gid_t gid;
        size_t n_fds;
        struct {
                int child_fd, fd;
        } fds[];
};

static struct spawn *spawn_new(const Axeberg__SpawnRequest *request, bool hosted) {
        struct spawn *spawn = calloc(1, sizeof(*spawn) + request->n_fds * sizeof(spawn->fds[0]));

        if (!spawn)
                return NULL;
        spawn->command_line_size =
                join_arguments(request->argv, request->n_argv, spawn->command_line, sizeof(spawn->command_line));
        spawn->close_others = request->close_others;
        spawn->new_group = request->new_group;
        spawn->set_ids = request->set_ids;
        spawn->hosted = hosted;
        spawn->uid = request->uid;
        spawn->gid = request->gid;
        spawn->n_fds = request->n_fds;
        for (size_t i = 0; i < request->n_fds; i++) {
                spawn->fds[i].child_fd = request->child_fds[i];
                spawn->fds[i].fd = request->fds[i];
        }
        return spawn;
}

/* Who the child is. */
static int spawn_identify(const struct spawn *spawn, struct process *parent, struct user **ret_user,
                          struct identity **ret_identity) {
        int r;

        if (!spawn->set_ids) {
                *ret_user = user_ref(parent->user);
                *ret_identity = identity_ref(parent->identity);
                return 0;
        }
        if (!process_is_administrator(parent) || (!identity_is_privileged() && spawn->uid != geteuid()))
                return -EPERM;
        if (spawn->uid == (uid_t) -1 || spawn->gid == (gid_t) -1)
                return -EINVAL;
        r = identity_new(ret_identity, spawn->uid, spawn->gid, NULL, 0);
        return r < 0 ? r : user_from_uid(parent->user->table, spawn->uid, ret_user);
}

static int copy_all_fds(struct process *child, const struct process *parent) {
        int r = 0;

        for (unsigned fd = 0; r >= 0 && fd < parent->fds.size; fd++)
                if (parent->fds.entries[fd].object)
                        r = fdtable_set(&child->fds, (int) fd, parent->fds.entries[fd].object);
        return r;
}

static int spawn_make_fds(const struct spawn *spawn, struct process *child, const struct process *parent) {
        int r = spawn->close_others ? 0 : copy_all_fds(child, parent);

        for (size_t i = 0; r >= 0 && i < spawn->n_fds; i++) {
                int child_fd = spawn->fds[i].child_fd, fd = spawn->fds[i].fd;
                struct object *object = fdtable_get(&parent->fds, fd);

                if (object)
                        r = fdtable_set(&child->fds, child_fd, object);
                else if (fd != -1)
                        r = -EBADF;
                else
                        fdtable_remove(&child->fds, child_fd);
        }
        return r < 0 ? r : 0;
}

static int spawn_create(const struct spawn *spawn, struct process *parent, struct object *cwd, struct process **ret) {
        _cleanup_(user_cleanup) struct user *user = NULL;
        _cleanup_(identity_cleanup) struct identity *identity = NULL;
        int r = spawn_identify(spawn, parent, &user, &identity);

        if (r < 0)
                return r;
        r = process_new(ret, parent,
                        &(struct process_options){
                                .user = user,
                                .identity = identity,
                                .cwd = cwd,
                                .command_line = spawn->command_line,
                                .command_line_size = spawn->command_line_size,
                                .new_group = spawn->new_group,
                        });
        if (r < 0)
                return r;
        r = spawn_make_fds(spawn, *ret, parent);
        if (r < 0)
                process_discard(*ret);
        return r;
}

static void spawn_finish(struct call *call, const struct spawn *spawn, struct object *cwd) {
        struct connection *connection = call->connection;
        struct process *child;
        int fd, r = spawn_create(spawn, call->process, cwd, &child);

        if (r < 0) {
                call_reply(call, r);
                return;
        }
        r = connection->ops->connect(connection, child, spawn->hosted, &fd);
        if (r < 0) {
                process_discard(child);
                call_reply(call, r);
                return;
        }
        call->kernel->counters.processes_spawned++;
        call->reply.fds = &fd;
        call->reply.n_fds = 1;
        call_reply(call, child->pid);
        close(fd);
}

static void spawn_on_cwd(struct vfs_request *request) {
        struct call *call = request->userdata;
        struct spawn *spawn = call->data;
        struct object *cwd;
        int r = !call->process || !call->connection ? -ESRCH : request->result;

        if (r == 0)
                r = vfs_request_take_directory(request, &cwd);
        vfs_request_free(request);
        if (r < 0) {
                call_reply(call, r);
        } else {
                spawn_finish(call, spawn, cwd);
                object_unref(cwd);
        }
        free(spawn);
}

static void start_spawn(struct call *call, const Axeberg__SpawnRequest *request, bool hosted) {
        struct vfs_request *cwd = NULL;
        struct spawn *spawn;
        int r;

        if (request->n_fds != request->n_child_fds) {
                call_reply(call, -EINVAL);
                return;
        }
        spawn = spawn_new(request, hosted);
        if (!spawn) {
                call_reply(call, -ENOMEM);
                return;
        }
        if (!*request->cwd) {
                spawn_finish(call, spawn, call->process->cwd);
                free(spawn);
                return;
        }
        call->data = spawn;
        r = call_keep(call);
        if (r == 0)
                r = vfs_request_new(&cwd, &vfs_chdir, &call->process, request->cwd, NULL);
        if (r < 0) {
                free(spawn);
                call_reply(call, r);
                return;
        }
        cwd->userdata = call;
        cwd->done = spawn_on_cwd;
        vfs_request_submit(cwd);
}

SYSCALL(spawn, SpawnRequest, Empty) {
        start_spawn(call, request, true);
}

SYSCALL(spawn_client, SpawnRequest, Empty) {
        start_spawn(call, request, false);
}

SYSCALL(start, Empty, Empty) {
        pid_t sender = call->connection->sender;

        (void) request;
        if (!sender || call->process->host.alive)
                call_reply(call, -EPERM);
        else
                call_reply(call, process_own_host(call->process, sender));
}

struct wait {
        int32_t pid;
        unsigned flags;
};

/* Returns 1 if a child has something to report, 0 if one may later, -ECHILD if there is none. */
static int wait_find(struct process *parent, const struct wait *wait, struct process **ret) {
        struct process *child;
        int r = -ECHILD;

        DL_FOREACH (parent->children, child) {
                if (!process_matches(child, wait->pid, parent))
                        continue;
                r = 0;
                if (process_is_reportable(child, wait->flags & AX_WAIT_ENDED)) {
                        *ret = child;
                        return 1;
                }
        }
        return r;
}

static void wait_reply(struct call *call, struct process *child) {
        Axeberg__WaitReply reply = AXEBERG__WAIT_REPLY__INIT;
        int pid = child->pid;

        reply.kind = (uint32_t) child->status.kind;
        reply.code = child->status.code;
        reply.host_status = child->state == PROCESS_ZOMBIE && child->status_from_host;
        process_reported(child);
        call_reply_message(call, pid, &reply.base);
}

static void wait_fail(struct call *call, int status) {
        Axeberg__WaitReply reply = AXEBERG__WAIT_REPLY__INIT;

        call_reply_message(call, status, &reply.base);
}

static void wait_attempt(struct call *call) {
        struct wait *wait = call->data;
        struct process *child = NULL;
        int r = wait_find(call->process, wait, &child);

        if (r == 0 && !(wait->flags & AX_WAIT_NOHANG)) {
                r = call_park(call, &call->process->children_changed, wait_attempt, call_drop_data);
                if (r == 0)
                        return;
        }
        free(wait);
        if (r == 1)
                wait_reply(call, child);
        else
                wait_fail(call, r);
}

SYSCALL(wait, WaitRequest, WaitReply) {
        struct wait *wait;

        if (request->flags & ~(unsigned) (AX_WAIT_NOHANG | AX_WAIT_ENDED) || request->pid == INT32_MIN) {
                wait_fail(call, -EINVAL);
                return;
        }
        wait = malloc(sizeof(*wait));
        if (!wait) {
                wait_fail(call, -ENOMEM);
                return;
        }
        *wait = (struct wait){ .pid = request->pid, .flags = request->flags };
        call->data = wait;
        wait_attempt(call);
}
