/* SPDX-License-Identifier: MIT */
/*
 * Making child processes, and waiting for them.
 *
 * The daemon makes the child and a connection for it, which becomes a host program's (launch.h)
 * or a handle of this one.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "connection.h"
#include "debug.h"
#include "launch.h"

enum { SHOWN_SIZE = 2048 }; /* what the daemon keeps of a command line */

static const struct ax_spawn_options inherit_all;

/*
 * The part of a command line that lists show: the daemon keeps no more, and a frame has no room
 * for all that execve(2) takes.
 */
struct shown_arguments {
        char *argv[SHOWN_SIZE];
        size_t n_argv;
        char text[SHOWN_SIZE];
};

static void shown_arguments_init(struct shown_arguments *shown, const char *const argv[]) {
        size_t used = 0, n = 0, length;

        for (; argv && argv[n] && used < sizeof(shown->text); n++) {
                length = strnlen(argv[n], sizeof(shown->text) - used - 1);
                shown->argv[n] = memcpy(shown->text + used, argv[n], length);
                shown->text[used + length] = '\0';
                used += length + 1;
        }
        shown->n_argv = n;
}

/* Makes the child, for a host program or for this one. Returns its pid, or a negative error. */
static ax_pid make_child(ax_client *ax, const char *const argv[], const struct ax_spawn_options *options, bool hosted,
                         int *ret_fd) {
        size_t n_fds = options->n_fds;
        int32_t *fds = calloc(n_fds * 2 + 1, sizeof(*fds));
        struct shown_arguments *shown = malloc(sizeof(*shown));
        struct rpc rpc = { .fds = ret_fd, .max_fds = 1 };
        Axeberg__SpawnRequest *request;
        int r = -AX_ENOMEM;

        if (fds && shown) {
                for (size_t i = 0; i < n_fds; i++) {
                        fds[i] = options->fds[i].child_fd;
                        fds[n_fds + i] = options->fds[i].fd;
                }
                shown_arguments_init(shown, argv);
                request = REQUEST(SpawnRequest, .argv = shown->argv, .n_argv = shown->n_argv,
                                  .cwd = (char *) options->cwd, .child_fds = fds, .n_child_fds = n_fds,
                                  .fds = fds + n_fds, .n_fds = n_fds, .close_others = options->close_others,
                                  .new_group = options->new_group, .set_ids = options->set_ids, .uid = options->uid,
                                  .gid = options->gid);
                r = hosted ? RPC(ax, spawn, request, rpc_ignore, &rpc)
                           : RPC(ax, spawn_client, request, rpc_ignore, &rpc);
        }
        free(fds);
        free(shown);
        return r > 0 && rpc.n_fds != 1 ? -AX_EPROTO : r;
}

static int check_options(ax_client *ax, const struct ax_spawn_options *options) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (options->n_fds > 0 && !options->fds)
                return -AX_EINVAL;
        if (options->n_fds > AX_FRAME_MAX_DATA / 16)
                return -AX_E2BIG;
        if (options->cwd && strlen(options->cwd) >= PATH_MAX)
                return -AX_ENAMETOOLONG;
        return options->cwd && !*options->cwd ? -AX_ENOENT : 0;
}

/* Waits for a child that no program was started for; it is gone, or about to go. */
static void forget_child(ax_client *ax, ax_pid pid) {
        while (ax_wait(ax, pid, NULL, AX_WAIT_ENDED) == -AX_EINTR)
                ;
}

/*
 * Starts the program of a child that the daemon has made, over its connection, which this closes.
 */
static ax_pid start_program(ax_client *ax, struct launch *launch, ax_pid pid, int fd) {
        struct host_child *child = children_add(&ax->children, pid);
        pid_t host_pid = child ? launch_start(launch, fd) : -AX_ENOMEM;

        close(fd);
        if (host_pid > 0) {
                debug_say(ax->debug, "process %d: host process %d runs %s", pid, (int) host_pid, launch->path);
                children_set_started(&ax->children, child, host_pid, launch->pidfd);
                launch->pidfd = -1;
                return pid;
        }
        if (child)
                children_set_failed(&ax->children, child);
        forget_child(ax, pid);
        return host_pid;
}

ax_pid ax_spawn(ax_client *ax, const char *const argv[], const struct ax_spawn_options *options) {
        struct launch launch = LAUNCH_NONE;
        ax_pid pid;
        int fd;

        if (!options)
                options = &inherit_all;
        pid = check_options(ax, options);
        if (pid == 0 && (!argv || !argv[0]))
                pid = -AX_EINVAL;
        if (pid == 0)
                pid = launch_init(&launch, ax->socket_path, argv, options);
        if (pid == 0)
                pid = make_child(ax, argv, options, true, &fd);
        if (pid > 0)
                pid = start_program(ax, &launch, pid, fd);
        if (pid < 0 && client_check(ax) == 0)
                debug_say(ax->debug, "not started: %s: %s (%s)", argv && argv[0] ? argv[0] : "nothing",
                          ax_strerror(pid), ax_error_name(pid));
        launch_deinit(&launch);
        return pid;
}

ax_pid ax_spawn_client(ax_client *ax, const struct ax_spawn_options *options, ax_client **ret) {
        ax_pid pid;
        int fd, r;

        if (!options)
                options = &inherit_all;
        pid = check_options(ax, options);
        if (pid == 0 && !ret)
                pid = -AX_EINVAL;
        if (pid == 0)
                pid = make_child(ax, NULL, options, false, &fd);
        if (pid < 0)
                return pid;
        r = connection_new(ret, fd);
        if (r == 0)
                return pid;
        forget_child(ax, pid);
        return r;
}

struct wait_result {
        struct ax_wait_status status;
        bool host_status;
};

static void wait_on_reply(const Axeberg__WaitReply *reply, void *data) {
        struct wait_result *result = ((struct rpc *) data)->context;

        result->status.kind = (enum ax_wait_kind) reply->kind;
        result->status.code = reply->code;
        result->host_status = reply->host_status;
}

ax_pid ax_wait(ax_client *ax, ax_pid pid, struct ax_wait_status *ret, unsigned flags) {
        struct wait_result result = { 0 };
        int r = RPC(ax, wait, REQUEST(WaitRequest, .pid = pid, .flags = flags), wait_on_reply,
                    &(struct rpc){ .context = &result });

        if (r <= 0)
                return r;
        if (result.status.kind == AX_EXITED || result.status.kind == AX_SIGNALED)
                children_end(&ax->children, r, result.host_status, &result.status);
        if (ret)
                *ret = result.status;
        return r;
}
