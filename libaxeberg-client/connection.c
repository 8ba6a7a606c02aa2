/* SPDX-License-Identifier: MIT */
/*
 * Connecting and disconnecting.
 */
#include "connection.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "call.h"
#include "debug.h"
#include "host_fd.h"
#include "host_signals.h"
#include "runtime.h"

enum { MAX_ARGUMENTS = 16, MAX_COMMAND_LINE = 2048 };

/* Stands for a uid that our user namespace does not have. */
#define UNMAPPED_UID ((uid_t) 65534)

/*
 * Reads what this program was started as. Returns the number of arguments, which point into
 * `text`.
 */
static size_t read_arguments(char text[static MAX_COMMAND_LINE], char *arguments[static MAX_ARGUMENTS]) {
        int fd = above_standard(open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
        ssize_t size = fd < 0 ? 0 : read(fd, text, MAX_COMMAND_LINE - 1);
        size_t count = 0;

        close_fd(&fd);
        if (size < 0)
                size = 0;
        text[size] = '\0';
        for (char *at = text; at < text + size && count < MAX_ARGUMENTS; at += strlen(at) + 1)
                arguments[count++] = at;
        return count;
}

static void hello_on_reply(const Axeberg__HelloReply *reply, void *data) {
        ax_client *ax = ((struct rpc *) data)->context;

        if (reply->version == AX_PROTOCOL_VERSION)
                atomic_store(&ax->pid, reply->pid);
}

/*
 * A daemon that speaks a different version refuses ours with -AX_EPROTO; so do we if it does not.
 */
static int hello(ax_client *ax) {
        char text[MAX_COMMAND_LINE], *arguments[MAX_ARGUMENTS];
        size_t count = read_arguments(text, arguments);
        int fds[3], r;
        struct rpc rpc = { .context = ax, .fds = fds, .max_fds = 3 };

        r = RPC(ax, hello, REQUEST(HelloRequest, .version = AX_PROTOCOL_VERSION, .n_argv = count, .argv = arguments),
                hello_on_reply, &rpc);
        if (rpc.n_fds == 3)
                published_map(&ax->published, fds);
        else
                for (size_t i = 0; i < rpc.n_fds; i++)
                        close(fds[i]);
        return r >= 0 && atomic_load(&ax->pid) <= 0 ? -AX_EPROTO : r;
}

/* Returns true if only the owner of the socket's directory can have made the socket. */
static bool is_vouched_for(const char *path) {
        char copy[sizeof(((struct sockaddr_un *) NULL)->sun_path)];
        struct stat status;

        snprintf(copy, sizeof(copy), "%s", path);
        return stat(dirname(copy), &status) == 0 && !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/*
 * A kernel sees all that its programs do, and serves either everybody, as root, or its own user. So
 * a daemon of anybody else, in a name that was free in /tmp for example, is not ours. In a user
 * namespace root may have no uid; then the directory must vouch for the daemon.
 */
static int check_daemon(int fd, const char *path) {
        struct ucred daemon;
        socklen_t size = sizeof(daemon);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &daemon, &size) < 0)
                return -errno;
        if (daemon.uid == 0 || daemon.uid == geteuid() || (daemon.uid == UNMAPPED_UID && is_vouched_for(path)))
                return 0;
        debug_say(debug_level(), "the daemon at %s belongs to uid %u: neither to root nor to this program's user", path,
                  (unsigned) daemon.uid);
        return -AX_EACCES;
}

static int connect_socket(int fd, const struct sockaddr_un *address) {
        int r;

        do
                r = connect(fd, (const struct sockaddr *) address, sizeof(*address));
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return errno == EPROTOTYPE ? -AX_ECONNREFUSED : -errno; /* a socket of a different kind */
        return check_daemon(fd, address->sun_path);
}

static int connect_path(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd, r;

        debug_say(debug_level(), "connecting to %s", path);
        if (!*path)
                return -AX_ENOENT; /* not the nameless abstract socket */
        if (strlen(path) >= sizeof(address.sun_path))
                return -AX_ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        fd = above_standard(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        if (fd < 0)
                return fd;
        r = connect_socket(fd, &address);
        if (r < 0) {
                close(fd);
                return r;
        }
        return fd;
}

/*
 * Finds the socket of the user's own daemon. Returns the length of its path, or 0 if there is none
 * that can be trusted.
 */
static int own_socket(char path[static PATH_MAX]) {
        char directory[PATH_MAX - sizeof(AX_SOCKET_NAME) - 1];
        const char *problem;

        if (geteuid() == 0 || ax_runtime_directory(directory, sizeof(directory)) < 0)
                return 0;
        if (ax_runtime_check(directory, &problem) < 0) {
                debug_say(debug_level(), "no daemon of the user's own: %s %s", directory, problem);
                return 0;
        }
        snprintf(path, PATH_MAX, "%s/%s", directory, AX_SOCKET_NAME);
        return access(path, F_OK) == 0 ? (int) strlen(path) : 0;
}

int ax_socket_path(char *buf, size_t size) {
        const char *environment = getenv("AXEBERG_SOCKET");
        char own[PATH_MAX];
        int n;

        if (!buf)
                return -AX_EINVAL;
        if (environment && *environment)
                n = snprintf(buf, size, "%s", environment);
        else
                n = snprintf(buf, size, "%s", own_socket(own) > 0 ? own : AX_SYSTEM_SOCKET);
        return (size_t) n < size ? n : -AX_ERANGE;
}

/* Returns true for a connected socket of the kind that the daemon has. */
static bool is_connection(int fd) {
        socklen_t size = sizeof(int), peer_size = sizeof(struct sockaddr_un);
        struct sockaddr_un peer;
        int type, domain;

        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
               getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && type == SOCK_SEQPACKET &&
               domain == AF_UNIX && getpeername(fd, (struct sockaddr *) &peer, &peer_size) == 0;
}

/*
 * Takes the connection that ax_spawn() left for us, once. Returns its descriptor, -AX_ENOENT if
 * there is none, or -AX_EINVAL if it is not one.
 */
static int connect_inherited(void) {
        const char *text = getenv("AXEBERG_FD"), *owner = getenv("AXEBERG_PID");
        char *end;
        long fd;

        if (!text || !*text)
                return -AX_ENOENT;
        if (owner && strtol(owner, NULL, 10) != getpid())
                return -AX_ENOENT; /* our parent's, which did not take it out of the environment */
        fd = strtol(text, &end, 10);
        debug_say(debug_level(), "taking the connection of AXEBERG_FD=%s", text);
        unsetenv("AXEBERG_FD");
        unsetenv("AXEBERG_PID");
        if (*end || fd < 0 || fd > INT32_MAX || !is_connection((int) fd))
                return -AX_EINVAL;
        fcntl((int) fd, F_SETFD, FD_CLOEXEC);
        return above_standard((int) fd);
}

static int open_connection(const char *socket_path) {
        char path[sizeof(((struct sockaddr_un *) NULL)->sun_path)];

        if (socket_path)
                return connect_path(socket_path);
        return ax_socket_path(path, sizeof(path)) < 0 ? -AX_ENAMETOOLONG : connect_path(path);
}

int connection_new(ax_client **ret, int fd) {
        static const uint32_t always = 1;
        ax_client *ax;
        int r = client_new(&ax, fd);

        if (r < 0) {
                close(fd);
                return r;
        }
        call_init(ax);
        ax->debug = debug_level();
        r = hello(ax);
        if (r < 0) {
                client_free(ax);
                return r;
        }
        ax->watch_flag = ax->debug >= DEBUG_CALLS ? &always : ax->published.trace_flag;
        debug_say(ax->debug, "process %d: connected", atomic_load(&ax->pid));
        *ret = ax;
        return 0;
}

static int make_connection(ax_client **ret, const char *socket_path) {
        bool inherited;
        int fd, r;

        fd = socket_path ? -AX_ENOENT : connect_inherited();
        inherited = fd >= 0;
        if (fd == -AX_ENOENT)
                fd = open_connection(socket_path);
        if (fd < 0)
                return fd;
        r = connection_new(ret, fd);
        if (r == 0 && inherited)
                host_signals_adopt(*ret);
        /* for programs that this one starts; they do without if there is no memory for it */
        if (r == 0 && socket_path)
                (*ret)->socket_path = realpath(socket_path, NULL);
        return r;
}

int ax_connect(ax_client **ret, const char *socket_path) {
        int r = ret ? make_connection(ret, socket_path) : -AX_EINVAL;

        if (r < 0)
                debug_say(debug_level(), "not connected: %s (%s)", ax_strerror(r), ax_error_name(r));
        return r;
}

void ax_disconnect(ax_client *ax) {
        if (!ax)
                return;
        if (client_check(ax) == 0) {
                debug_say(ax->debug, "process %d: disconnecting", atomic_load(&ax->pid));
                ax_exit(ax, 0);
        }
        host_signals_release(ax);
        client_free(ax);
}
