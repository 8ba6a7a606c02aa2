/* SPDX-License-Identifier: MIT */
/*
 * The life of a process: hello, exit, parent, umask; and cancelling calls.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "axeberg.h"
#include "kernel.h"
#include "object/console.h"
#include "object/object.h"
#include "process/lifecycle.h"
#include "process/page.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "vfs/operations.h"
#include "vfs/request.h"
#include "vfs/vfs.h"

enum { N_STANDARD_FDS = 3 };

size_t join_arguments(char *const *arguments, size_t count, char *buffer, size_t size) {
        size_t used = 0;

        for (size_t i = 0; i < count && used < size; i++) {
                size_t length = strlen(arguments[i]) + 1;

                if (length > size - used)
                        length = size - used;
                memcpy(buffer + used, arguments[i], length);
                used += length;
                buffer[used - 1] = '\0';
        }
        return used;
}

static int open_standard_fds(struct kernel *kernel, struct process *process) {
        _cleanup_(object_cleanup) struct object *console = NULL;
        int r = console_open(kernel->console, AX_O_READ | AX_O_WRITE, process_is_administrator(process), &console);

        for (int i = 0; r >= 0 && i < N_STANDARD_FDS; i++)
                r = fdtable_add(&process->fds, console);
        return r;
}

/* Says which version would do, to the client and in the log. */
static void refuse_version(struct call *call, uint32_t version) {
        const struct peer *peer = &call->connection->peer;
        Axeberg__HelloReply reply = AXEBERG__HELLO_REPLY__INIT;

        log_client(LOG_WARNING, 0, peer->host_pid, peer->user->uid,
                   "client %d speaks version %u of the protocol, this daemon version %d; refused", (int) peer->host_pid,
                   version, AX_PROTOCOL_VERSION);
        reply.version = AX_PROTOCOL_VERSION;
        call_reply_message(call, -EPROTO, &reply.base);
}

static void hello_reply(struct call *call) {
        Axeberg__HelloReply reply = AXEBERG__HELLO_REPLY__INIT;
        int fds[3] = { call->kernel->processes.page.fd, -1, -1 };
        const int *counters_fd;

        /* without them the library asks */
        if (process_page_new(call->process, &fds[1]) == 0 &&
            counters_new(&call->process->counters, call->process->user, &counters_fd) == 0) {
                fds[2] = *counters_fd;
                call->reply.fds = fds;
                call->reply.n_fds = 3;
        }
        reply.version = AX_PROTOCOL_VERSION;
        reply.pid = call->process->pid;
        call_reply_message(call, 0, &reply.base);
        cleanup_close(&fds[1]);
}

/* Enters the home directory where the process may; else it stays in "/". */
static void hello_on_home(struct vfs_request *request) {
        struct call *call = request->userdata;
        struct object *home;

        if (!call->process) {
                vfs_request_free(request);
                call_reply(call, -ESRCH);
                return;
        }
        if (request->result == 0 && vfs_request_take_directory(request, &home) == 0) {
                object_unref(call->process->cwd);
                call->process->cwd = home;
        }
        vfs_request_free(request);
        hello_reply(call);
}

static int hello_create(struct call *call, const Axeberg__HelloRequest *request) {
        struct process *init = process_init_process(&call->kernel->processes), *process;
        char command_line[COMMAND_LINE_MAX];
        struct process_options options = {
                .user = call->connection->peer.user,
                .identity = call->connection->peer.identity,
                .host_pid = call->connection->peer.host_pid,
                .cwd = init->cwd,
                .command_line = command_line,
                .command_line_size = join_arguments(request->argv, request->n_argv, command_line, sizeof(command_line)),
        };
        int r = process_new(&process, init, &options);

        if (r < 0)
                return r;
        r = open_standard_fds(call->kernel, process);
        if (r < 0) {
                process_discard(process);
                return r == -ENFILE ? -EDQUOT : r;
        }
        call->connection->process = call->process = process;
        process->listener = &call->connection->listener;
        call->kernel->counters.processes_spawned++;
        return 0;
}

/* The program of a spawned process knows best what it was started as. */
static void hello_from_spawned(struct call *call, const Axeberg__HelloRequest *request) {
        char command_line[COMMAND_LINE_MAX];
        size_t size = join_arguments(request->argv, request->n_argv, command_line, sizeof(command_line));

        call->connection->spawned = false;
        if (size > 0 && process_set_command_line(call->process, command_line, size) < 0) {
                call_reply(call, -ENOMEM);
                return;
        }
        hello_reply(call);
}

SYSCALL(hello, HelloRequest, HelloReply) {
        struct vfs_request *home;
        int r;

        if (request->version != AX_PROTOCOL_VERSION) {
                refuse_version(call, request->version);
                return;
        }
        if (call->connection->spawned) {
                hello_from_spawned(call, request);
                return;
        }
        if (call->process) {
                call_reply(call, -EPROTO);
                return;
        }
        r = hello_create(call, request);
        if (r == 0)
                r = call_keep(call);
        if (r == 0)
                r = vfs_request_new(&home, &vfs_chdir, &call->process, "/home/user", NULL);
        if (r < 0) {
                call_reply(call, r);
                return;
        }
        home->userdata = call;
        home->done = hello_on_home;
        call->data = home;
        vfs_request_submit(home);
}

SYSCALL(cancel, CancelRequest, Empty) {
        call->connection->ops->cancel(call->connection, request->serial);
        call_reply(call, 0);
}

SYSCALL(exit, ExitRequest, Empty) {
        process_exit(call->process, request->code & 0xFF);
        call_reply(call, 0);
}

SYSCALL(getppid, Empty, Empty) {
        (void) request;
        call_reply(call, call->process->parent->pid);
}

SYSCALL(umask, UmaskRequest, Empty) {
        mode_t old = call->process->umask;

        if (request->mask > 0777) {
                call_reply(call, -EINVAL);
                return;
        }
        call->process->umask = request->mask;
        call_reply(call, (int) old);
}
